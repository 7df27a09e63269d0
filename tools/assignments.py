"""Build the assignments: python tools/assignments.py [a1 ...]   (make assignments)

Each source notebook in book/assignments/, with solutions and tests inside, becomes
    _assignments/a1/student/      what students get, run once as it is; a1-student.zip of it
    _assignments/a1/autograder/   tests (hidden ones, too), a1-autograder.zip for Gradescope
    _assignments/a1/github/       the student version as a repository for GitHub Classroom, with a
                                  container for Codespaces and a workflow that grades on push
    _assignments/a1/instructor/   the notebook with solutions
otter-grader runs all tests on the solution on the way; one that fails stops the build. The student
version is also written to book/assignments/student/a1, which is committed: Colab opens it there.
"""

import re
import shutil
import sys
import zipfile
from pathlib import Path

import nbformat
from execute import execute
from otter.assign import main as otter_assign

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "book" / "assignments"
BUILT = ROOT / "_assignments"
CONSTRAINTS = ROOT / "constraints.txt"
PINNED = ("torch", "numpy", "scipy", "scikit-learn", "pandas", "nbformat", "ipython")
SOLUTION = re.compile(r"# BEGIN SOLUTION.*?\n(.*?)# END SOLUTION", re.S)


def build(name: str, out: Path = BUILT) -> Path:
    """Build one assignment from its source; returns its folder. Raises where a test fails."""
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    otter_assign(str(SOURCES / f"{name}.ipynb"), str(folder), no_pdfs=True)
    autograder, student = folder / "autograder", folder / "student"
    (zipped,) = autograder.glob("*.zip")
    pin(zipped)
    zipped.rename(folder / f"{name}-autograder.zip")
    (folder / "instructor").mkdir()
    (autograder / f"{name}.ipynb").rename(folder / "instructor" / f"{name}.ipynb")
    stable_ids(student / f"{name}.ipynb")
    execute(student / f"{name}.ipynb")
    (student / ".OTTER_LOG").unlink(missing_ok=True)
    if found := leaks(SOURCES / f"{name}.ipynb", student):
        raise RuntimeError(f"{name}: the student version shows {found}")
    shutil.make_archive(str(folder / f"{name}-student"), "zip", student)
    as_repository(student, folder / "github")
    return folder


def pin(zipped: Path) -> None:
    """Gradescope builds an image: give it the versions that CI runs, and torch without CUDA."""
    pins = dict(line.split("==") for line in CONSTRAINTS.read_text().splitlines() if "==" in line)
    lines = [f"      - {name}=={pins[name]}\n" for name in PINNED]
    lines.insert(0, "      - --extra-index-url https://download.pytorch.org/whl/cpu\n")
    with zipfile.ZipFile(zipped) as archive:
        content = {i: archive.read(i) for i in archive.infolist()}
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, raw in content.items():
            if info.filename == "environment.yml":
                raw = raw.replace(b"  - pip:\n", b"  - pip:\n" + "".join(lines).encode())
            archive.writestr(info, raw)


def as_repository(student: Path, folder: Path) -> None:
    """The student version and what GitHub needs beside it."""
    shutil.copytree(student, folder)
    for source, target in (
        ("devcontainer.json", ".devcontainer/devcontainer.json"),
        ("grade.yml", ".github/workflows/grade.yml"),
    ):
        (folder / target).parent.mkdir(parents=True)
        shutil.copy(ROOT / "tools" / "classroom" / source, folder / target)


def stable_ids(path: Path) -> None:
    """Number the cells, so that building twice gives the same file."""
    notebook = nbformat.read(path, as_version=4)
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i:02}"
    nbformat.write(notebook, path)


def secrets(source: Path) -> set[str]:
    """Lines, without spaces, that only solutions and hidden tests of a source notebook hold."""
    hidden, shown, inside = [], [], False
    for cell in nbformat.read(source, as_version=4).cells:
        text = cell.source
        if cell.cell_type == "raw":
            inside = {"# BEGIN SOLUTION": True, "# END SOLUTION": False}.get(text.strip(), inside)
        elif "hidden: true" in text or (inside and cell.cell_type == "markdown"):
            hidden += text.splitlines()
        else:
            solutions = SOLUTION.findall(text)
            hidden += [line for part in solutions for line in part.splitlines()]
            hidden += [line for line in text.splitlines() if line.endswith("# SOLUTION")]
            shown += SOLUTION.sub("", text).splitlines()
    plain, lines = _squeezed("\n".join(shown)), {_squeezed(line) for line in hidden}
    return {line for line in lines if len(line) > 12 and line not in plain}


def leaks(source: Path, student: Path) -> list[str]:
    """Solutions, hidden tests and marks of either that a student version shows."""
    text = _squeezed("\n".join(_readable(path) for path in sorted(student.rglob("*.*"))))
    marks = {"BEGINSOLUTION", "#SOLUTION", "hidden=True", "hidden:true"}
    return sorted(secret for secret in secrets(source) | marks if secret in text)


def _readable(path: Path) -> str:
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(f"{cell.source}\n{cell.get('outputs', '')}" for cell in cells)


def _squeezed(text: str) -> str:
    """Without spaces, and with one kind of quotes: otter rewrites a test's layout."""
    return re.sub(r"\s+", "", text).replace('"', "'")


def main(names: list[str]) -> None:
    for name in names or sorted(path.stem for path in SOURCES.glob("a*.ipynb")):
        folder = build(name)
        committed = SOURCES / "student" / name
        shutil.rmtree(committed, ignore_errors=True)
        shutil.copytree(folder / "student", committed)
        print(f"{name}: {folder.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
