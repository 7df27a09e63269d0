"""An assignment of two questions, and notebooks for it."""

import csv

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from dmdlite.grading.course import row
from dmdlite.grading.judge import judge
from dmdlite.grading.sandbox import Limits
from dmdlite.grading.tests import cases

TINY = {
    "q1": """
from otter.test_files import test_case
name = "q1"
@test_case(points=2, hidden=False)
def test_one(f):
    assert f(1) == 2, f"expected 2, got {f(1)}"
@test_case(points=3, hidden=True)
def test_two(f):
    assert f(2) == 3, "expected 3"
""",
    "q2": """
from otter.test_files import test_case
name = "q2"
@test_case(points=5, hidden=False)
def test_three(g):
    assert g() == "g"
""",
}


def built(folder, **questions):
    """The folder of an assignment as `make assignments` builds it, with these tests."""
    tests = folder / "autograder" / "tests"
    tests.mkdir(parents=True)
    for question, text in questions.items():
        (tests / f"{question}.py").write_text(text)
    return folder


def notebook(tmp_path, *codes, name="s.ipynb"):
    path = tmp_path / name
    nbformat.write(new_notebook(cells=[new_code_cell(c) for c in codes]), path)
    return path


def marks(path, **limits):
    outcome = judge(path, TINY, Limits(**limits))
    return row("x", outcome, cases(TINY)), outcome


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
