"""Take the solutions out of a course's own copy of the book: python tools/hide_solutions.py

The folded solutions of the chapters' exercises are removed. The assignments' sources, which hold
solutions and hidden tests, are deleted, and so is tests/, which holds right answers to both, with
the workflow that runs it; the student versions stay. Run it in a fork that students see, never in
the repository that you keep: it cannot be undone but by git.
"""

import re
import shutil
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
SOLUTION = re.compile(r":::\{admonition\} Solution\n.*?\n:::\n*", re.S)


def hide(root: Path) -> int:
    """Remove solutions under `root`, a checkout; returns how many."""
    removed, book = 0, root / "book"
    for path in sorted(book.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        before = removed
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source, count = SOLUTION.subn("", cell.source)
                removed += count
        if removed > before:
            notebook.cells = [c for c in notebook.cells if c.source.strip()]
            nbformat.write(notebook, path)
    for source in sorted((book / "assignments").glob("*.ipynb")):
        source.unlink()
        removed += 1
    if (root / "tests").exists():
        shutil.rmtree(root / "tests")
    (root / ".github" / "workflows" / "test.yml").unlink(missing_ok=True)
    return removed


if __name__ == "__main__":
    print(f"{hide(ROOT)} solutions removed, and tests/")
