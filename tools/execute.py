"""Run chapters top to bottom and write them back with outputs: python tools/execute.py [PATH ...]

Without paths, every notebook of the book. Counts start at 1, saved widget state is removed (it
breaks the view on GitHub), and a cell that raises stops the run and leaves the file as it was.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent


def execute(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": path.parent}}).execute()
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # time stamps: a diff at every run
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:] or sorted((ROOT / "book").rglob("*.ipynb"))):
        print(f"running {path.name}", flush=True)
        execute(path)
