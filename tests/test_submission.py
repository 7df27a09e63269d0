"""What was handed in, as it is read: cells, whatever their form, and what to look at in them."""

import json

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_code_cell, new_notebook

from dmdlite.grading.feedback import notes
from dmdlite.grading.judge import CHECK, Outcome
from dmdlite.grading.submission import reaching, read_submission
from dmdlite.grading.worker import brief, statements
from tests.tiny_assignment import marks, notebook


def test_a_cell_tagged_as_ignored_is_not_run(tmp_path):
    cell = new_code_cell("1 / 0", metadata={"tags": ["otter_ignore"]})
    path = tmp_path / "s.ipynb"
    nbformat.write(new_notebook(cells=[cell]), path)
    assert read_submission(path).cells == []


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"cells": 3, "nbformat": 4}', "\x00"])
def test_what_is_no_notebook_is_zero_points_and_a_note(tmp_path, content):
    path = tmp_path / "s.ipynb"
    path.write_text(content)
    line, _ = marks(path)
    assert line["points"] == 0
    assert line["notes"].startswith("not a notebook: ")


def test_errors_in_a_line():
    assert brief(NotImplementedError()) == "not written yet"
    assert brief(AssertionError("a\n b")) == "a b"
    assert brief(ValueError("x" * 1000)) == "ValueError: " + "x" * 288
    assert notes(Outcome(cells={"cell 2": "not written yet"})) == ["cell 2: not written yet"]


@pytest.mark.parametrize("source", ['grader.check("q1")', " grader.check('q1');\n"])
def test_check_cells_are_recognised(source):
    assert CHECK.match(source)[1] == "q1"
    assert not CHECK.match("x = " + source)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "utf-16"])
def test_encodings_and_empty_tags(tmp_path, encoding):
    path = tmp_path / "s.ipynb"
    cell = new_code_cell("def g():\n    return 'g'")
    notebook = new_notebook(cells=[cell])
    notebook["cells"][0]["metadata"]["tags"] = None
    path.write_bytes(json.dumps(notebook).encode(encoding))
    assert read_submission(path).cells == [(1, cell.source)]


@pytest.mark.parametrize(
    ("cell", "named"),
    [
        (
            "import sys, types\nsys.modules['dmdlite.checks'] = types.SimpleNamespace()",
            "sys.modules",
        ),
        (
            "import dmdlite.checks as c\nc.require.__code__ = None",
            "dmdlite.checks.require.__code__",
        ),
        ("import builtins\nbuiltins.__import__ = lambda *a, **k: None", "builtins.__import__"),
        ("from torch import nn\nnn.Linear = 3", "torch.nn.Linear"),
        ("import torch\nsetattr(torch.Tensor, 'all', print)", "torch.Tensor"),
        ("import gc\nfor x in gc.get_objects():\n    pass", "gc.get_objects"),
        ("import dmdlite.grading.judge", "dmdlite.grading.judge"),
        ("from otter.test_files import test_case", "otter.test_files"),
        ("import dmdlite\ndmdlite.GDUnit.weigh = None", "dmdlite.GDUnit.weigh"),
    ],
)
def test_what_a_cell_reaches_into_is_noted(cell, named):
    assert any(name.startswith(named) for name in reaching(cell, cell))


def test_notes_say_which_cell_reaches_into_what(tmp_path):
    path = notebook(tmp_path, "import torch", "torch.allclose = print")
    assert read_submission(path).notes == ["cell 2 reaches into others' code: torch.allclose"]


@pytest.mark.parametrize(
    "cell",
    [
        "import torch\ntorch.set_grad_enabled(False)\nx = torch.zeros(3)\nx[0] = 1",
        "class A:\n    def __init__(self):\n        self.x = 1\nA.y = 2\nA().x = 3",
        "import inspect, sys\nprint(inspect.signature(print), sys.version)",
        "%matplotlib inline\n!ls",
        "def broken(:",
    ],
)
def test_what_anybody_writes_is_not_noted(cell):
    assert reaching(cell, cell) == []


@pytest.mark.parametrize("sign", ["\u2028", "\x0b", "\x0c", "\x85", "\x1c"])
def test_lines_are_counted_as_python_counts_them(sign):
    cell = f"# note:{sign} from the web\ndef f(x):\n    y = x\n    return y + 1\n\nz = 2\n"
    parts = statements(InteractiveShell.instance(), cell)
    assert parts == ["def f(x):\n    y = x\n    return y + 1\n", "z = 2\n"]


def test_large_outputs_do_not_count(tmp_path):
    path = notebook(tmp_path, "def g():\n    return 'g'")
    content = json.loads(path.read_text())
    content["cells"][0]["outputs"] = [{"output_type": "stream", "text": "x" * (30 << 20)}]
    path.write_text(json.dumps(content))
    assert read_submission(path).cells == [(1, "def g():\n    return 'g'")]


def test_much_code_does(tmp_path):
    line, _ = marks(notebook(tmp_path, "x = 1\n" * 500_000))
    assert line["notes"] == "not a notebook: more than 2 MB of code"


def test_cells_may_lack_everything_but_their_code(tmp_path):
    path = tmp_path / "s.ipynb"
    cells = [{"cell_type": "code", "source": ["def g():\n", "    return 'g'"]}, {}]
    path.write_text(json.dumps({"nbformat": 4, "cells": cells}))
    assert read_submission(path).cells == [(1, "def g():\n    return 'g'")]
