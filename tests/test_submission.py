"""One notebook in the sandbox: where it is marked, what limits it, what it cannot touch."""

import json
import time
from types import SimpleNamespace

import nbformat
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_code_cell, new_notebook

from dmdlite.grading import judge, process, sandbox
from dmdlite.grading.feedback import notes
from dmdlite.grading.judge import CHECK, Outcome
from dmdlite.grading.process import SubmissionProcess
from dmdlite.grading.sandbox import Limits
from dmdlite.grading.submission import reaching, read_submission
from dmdlite.grading.worker import StepTimeout, at_most, brief, statements
from tests.submissions import LOOP, NETWORK
from tests.tiny_assignment import marks, notebook


def test_a_question_counts_where_its_check_cell_stands_or_at_the_end(tmp_path):
    good, bad = "def f(x):\n    return x + 1", "def f(x):\n    return 0"
    check = 'grader.check("q1")'
    assert marks(notebook(tmp_path, good, check, bad))[0]["q1"] == 5
    assert marks(notebook(tmp_path, bad, check, good))[0]["q1"] == 5  # answered below its check
    assert marks(notebook(tmp_path, bad, check, good, check, bad))[0]["q1"] == 5
    assert marks(notebook(tmp_path, bad, check, bad))[0]["q1"] == 0
    assert marks(notebook(tmp_path, bad, good))[0]["q1"] == 5  # no check cell: at the end


def test_partial_credit_within_a_question(tmp_path):
    line, outcome = marks(notebook(tmp_path, "def f(x):\n    return 2"))
    assert (line["q1"], line["q2"], line["of"]) == (2, 0, 10)
    assert outcome.problems["q1 test_two"] == "expected 3"


def test_the_whole_submission_has_a_limit(tmp_path, monkeypatch):
    """The clock jumps when the loop begins: no machine is too slow for what comes before."""
    looping = tmp_path / "looping"
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + 1000 * looping.exists())
    monkeypatch.setattr(judge, "time", clock)
    monkeypatch.setattr(process, "time", clock)
    loop = f"open({str(looping)!r}, 'w')\n{LOOP}"
    path = notebook(tmp_path, "def g():\n    return 'g'", 'grader.check("q2")', loop)
    line, outcome = marks(path, step_seconds=2, total_seconds=600)
    assert line["q2"] == 5  # marked before the loop
    assert "took longer than 2 s" in line["notes"]
    assert outcome.problems["q1 test_one"] == "the submission took longer than 600 s"


def test_cells_that_never_end_leave_time_for_the_tests(tmp_path):
    loops = [f"{LOOP}  # {i}" for i in range(20)]
    path = notebook(tmp_path, "def g():\n    return 'g'", *loops)
    line, _ = marks(path, step_seconds=3, total_seconds=20)
    assert line["q2"] == 5
    assert "not run: the cells before it took too long" in line["notes"]


def test_a_cell_tagged_as_ignored_is_not_run(tmp_path):
    cell = new_code_cell("1 / 0", metadata={"tags": ["otter_ignore"]})
    path = tmp_path / "s.ipynb"
    nbformat.write(new_notebook(cells=[cell]), path)
    assert read_submission(path).cells == []


def test_without_namespaces_sockets_are_blocked_in_python(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "isolation", lambda: [])
    line, _ = marks(notebook(tmp_path, NETWORK, "def g():\n    return 'g'"))
    assert line["q2"] == 5
    assert "OSError: no network while grading" in line["notes"]


def test_the_environment_s_secrets_stay_outside(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_TOKEN", "secret")
    code = "import os\ndef g():\n    return 'g' if 'COURSE_TOKEN' not in os.environ else ''"
    assert marks(notebook(tmp_path, code))[0]["q2"] == 5


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"cells": 3, "nbformat": 4}', "\x00"])
def test_what_is_no_notebook_is_zero_points_and_a_note(tmp_path, content):
    path = tmp_path / "s.ipynb"
    path.write_text(content)
    line, _ = marks(path)
    assert line["points"] == 0
    assert line["notes"].startswith("not a notebook: ")


def test_time_runs_out_again_where_code_catches_it():
    rung = []

    def stubborn():
        try:
            time.sleep(300)
        except StepTimeout:
            rung.append(True)
        time.sleep(300)

    with pytest.raises(StepTimeout, match="took longer"), at_most(1):
        stubborn()
    assert rung


def test_errors_in_a_line():
    assert brief(NotImplementedError()) == "not written yet"
    assert brief(AssertionError("a\n b")) == "a b"
    assert brief(ValueError("x" * 1000)) == "ValueError: " + "x" * 288
    assert notes(Outcome(cells={"cell 2": "not written yet"})) == ["cell 2: not written yet"]


@pytest.mark.parametrize("source", ['grader.check("q1")', " grader.check('q1');\n"])
def test_check_cells_are_recognised(source):
    assert CHECK.match(source)[1] == "q1"
    assert not CHECK.match("x = " + source)


FLOOD = """import os
for fd in range(3, 64):
    try:
        for _ in range(100):
            os.write(fd, b'x' * 4096)
    except OSError:
        pass
"""


def test_a_flood_into_the_pipes_ends_the_attempt(tmp_path):
    line, _ = marks(notebook(tmp_path, FLOOD, "def g():\n    return 'g'"))
    assert line["q2"] == 5  # the flooding cell is left out
    assert "cell 1: " in line["notes"]
    assert "into the grader's pipe" in line["notes"]


FORGED = """import json, os
def forged(answer):
    text = json.dumps([answer, []]).encode()
    raw = len(text).to_bytes(8, "little") + text + (2).to_bytes(8, "little") + b"{}"
    return len(raw).to_bytes(8, "little") + raw
passing = {"is": "dict", "of": [["found", ""], ["case", "q2 test_three"], ["problem", ""]]}
for fd in range(3, 64):
    try:
        os.write(fd, forged(passing) * 50)
    except OSError:
        pass
"""


def test_forged_answers_are_no_marks(tmp_path):
    """Whatever a submission writes into the pipes, it can answer, and not decide."""
    assert marks(notebook(tmp_path, FORGED))[0]["points"] == 0
    assert marks(notebook(tmp_path, FORGED, "def g():\n    return 'no'"))[0]["points"] == 0


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline\nimport math",
        "import no_such_package\nimport math",
        "from google.colab import drive\ndrive.mount('x')\nimport math",
        "1 / 0; x = 1\nimport math",
    ],
)
def test_an_error_does_not_keep_the_rest_of_its_cell_from_running(tmp_path, cell):
    code = "@staticmethod\ndef g():\n    return 'g' if math.pi > 3 else ''"
    assert marks(notebook(tmp_path, f"{cell}\n{code}"))[0]["q2"] == 5


def test_messages_may_hold_anything(tmp_path):
    path = notebook(tmp_path, r"raise ValueError('\ud800')", "def g():\n    return 'g'")
    assert "ValueError" in marks(path)[0]["notes"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "utf-16"])
def test_encodings_and_empty_tags(tmp_path, encoding):
    path = tmp_path / "s.ipynb"
    cell = new_code_cell("def g():\n    return 'g'")
    notebook = new_notebook(cells=[cell])
    notebook["cells"][0]["metadata"]["tags"] = None
    path.write_bytes(json.dumps(notebook).encode(encoding))
    assert marks(path)[0]["q2"] == 5


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


def test_random_numbers_are_the_same_in_every_run(tmp_path):
    code = (
        "import random, numpy, torch\n"
        "raise ValueError(random.random(), numpy.random.rand(), torch.rand(1).item(), hash('a'))"
    )
    path = notebook(tmp_path, code)
    assert marks(path)[0]["notes"] == marks(path)[0]["notes"] != ""


@pytest.mark.parametrize("sign", ["\u2028", "\x0b", "\x0c", "\x85", "\x1c"])
def test_lines_are_counted_as_python_counts_them(sign):
    cell = f"# note:{sign} from the web\ndef f(x):\n    y = x\n    return y + 1\n\nz = 2\n"
    parts = statements(InteractiveShell.instance(), cell)
    assert parts == ["def f(x):\n    y = x\n    return y + 1\n", "z = 2\n"]


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_ends_of_lines_of_other_systems(tmp_path, end):
    cell = f"x = 'g'{end}def g():{end}    return x{end}"
    assert marks(notebook(tmp_path, cell))[0]["q2"] == 5


@pytest.mark.parametrize(
    "state",
    [
        "import torch\ntorch.set_grad_enabled(False)",
        "import torch\ntorch.set_default_dtype(torch.float64)",
        "import torch\ntorch.set_default_device('meta')",
        "import warnings\nwarnings.simplefilter('error')",
        "import os\nos.mkdir('x')\nos.chdir('x')",
    ],
)
def test_no_state_that_a_notebook_sets_costs_points(tmp_path, state):
    with SubmissionProcess(tmp_path, Limits()) as submission:
        assert submission.run(state, 60) == ""
        assert submission.run(PLAIN, 60) == ""
        (plain,) = submission.ask("look", name="plain")
        assert plain(torch.ones(2)) == ("torch.float32", [2.0, 2.0], str(tmp_path))


PLAIN = """def plain(y):
    import os, warnings, torch
    x = torch.ones(2, requires_grad=True)
    (x * x * y).sum().backward()
    warnings.warn("w")
    return str(x.grad.dtype), x.grad.tolist(), os.getcwd()
"""


def test_large_outputs_do_not_count(tmp_path):
    path = notebook(tmp_path, "def g():\n    return 'g'")
    content = json.loads(path.read_text())
    content["cells"][0]["outputs"] = [{"output_type": "stream", "text": "x" * (30 << 20)}]
    path.write_text(json.dumps(content))
    assert marks(path)[0]["q2"] == 5


def test_much_code_does(tmp_path):
    line, _ = marks(notebook(tmp_path, "x = 1\n" * 500_000))
    assert line["notes"] == "not a notebook: more than 2 MB of code"


def test_cells_may_lack_everything_but_their_code(tmp_path):
    path = tmp_path / "s.ipynb"
    cells = [{"cell_type": "code", "source": ["def g():\n", "    return 'g'"]}, {}]
    path.write_text(json.dumps({"nbformat": 4, "cells": cells}))
    assert marks(path)[0]["q2"] == 5


def test_a_missing_name_says_where_it_was_looked_for(tmp_path):
    cell = new_code_cell("def g():\n    return 'g'", metadata={"tags": ["otter_ignore"]})
    path = tmp_path / "s.ipynb"
    nbformat.write(new_notebook(cells=[cell]), path)
    assert marks(path)[1].problems["q2 test_three"] == (
        "NameError: g does not exist when graded; cells tagged otter_ignore are not run"
    )


def test_a_failed_test_is_tried_again_at_the_end(tmp_path):
    needs = "def g():\n    return helper()"
    line, _ = marks(
        notebook(tmp_path, needs, 'grader.check("q2")', "def helper():\n    return 'g'")
    )
    assert line["q2"] == 5
