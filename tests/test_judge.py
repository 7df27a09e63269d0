"""One notebook in the sandbox: where it is marked, what limits it, what it cannot touch."""

import time
from types import SimpleNamespace

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook

from dmdlite.grading import judge, process, sandbox
from dmdlite.grading.process import SubmissionProcess
from dmdlite.grading.sandbox import Limits
from dmdlite.grading.worker import StepTimeout, at_most
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


def test_cells_that_never_end_leave_time_for_the_tests(tmp_path, monkeypatch):
    """Each loop costs 100 s of a clock that jumps."""
    gone = [tmp_path / f"loop {i}" for i in range(9)]
    clock = SimpleNamespace(
        monotonic=lambda: time.monotonic() + 100 * sum(path.exists() for path in gone)
    )
    monkeypatch.setattr(judge, "time", clock)
    loops = [f"open({str(path)!r}, 'w')\n{LOOP}" for path in gone]
    path = notebook(tmp_path, "def g():\n    return 'g'", *loops)
    line, _ = marks(path, step_seconds=2, total_seconds=600)
    assert line["q2"] == 5
    assert [path.exists() for path in gone] == [True] * 3 + [False] * 6
    assert "not run: the cells before it took too long" in line["notes"]


def test_without_namespaces_sockets_are_blocked_in_python(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "isolation", lambda: [])
    line, _ = marks(notebook(tmp_path, NETWORK, "def g():\n    return 'g'"))
    assert line["q2"] == 5
    assert "OSError: no network while grading" in line["notes"]


def test_the_environment_s_secrets_stay_outside(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_TOKEN", "secret")
    code = "import os\ndef g():\n    return 'g' if 'COURSE_TOKEN' not in os.environ else ''"
    assert marks(notebook(tmp_path, code))[0]["q2"] == 5


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


RAISES = """import json, os
answer = {"is": "dict", "of": [["raised", ["ValueError"]], ["text", "x" * 10**6]]}
text = json.dumps([answer, []]).encode()
raw = len(text).to_bytes(8, "little") + text + (2).to_bytes(8, "little") + b"{}"
for fd in range(3, 64):
    try:
        os.write(fd, len(raw).to_bytes(8, "little") + raw)
    except OSError:
        pass
"""


def test_a_cell_that_forges_an_error_is_left_out(tmp_path):
    line, _ = marks(notebook(tmp_path, RAISES, "def g():\n    return 'g'"), step_seconds=6)
    assert line["q2"] == 5
    assert len(line["notes"]) < 1000


@pytest.fixture(scope="module")
def submission(tmp_path_factory):
    """A process that runs cells."""
    with SubmissionProcess(tmp_path_factory.mktemp("theirs"), Limits()) as process:
        yield process


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("%matplotlib inline\nimport math", ""),
        ("import no_such_package\nimport math", "ModuleNotFoundError"),
        ("from google.colab import drive\ndrive.mount('x')\nimport math", "ModuleNotFoundError"),
        ("1 / 0; x = 1\nimport math", "ZeroDivisionError"),
        ("x = 'g'\rimport math\rdef h():\r    return x\r", ""),
        ("x = 'g'\r\nimport math\r\ndef h():\r\n    return x\r\n", ""),
    ],
)
def test_an_error_does_not_keep_the_rest_of_its_cell_from_running(submission, cell, error):
    submission.run("math = None", 60)
    problem = submission.run(f"{cell}\n@staticmethod\ndef g():\n    return math.pi > 3", 60)
    assert problem.startswith(error) if error else problem == ""
    (g,) = submission.ask("look", name="g")
    assert g() is True


def test_messages_may_hold_anything(tmp_path):
    path = notebook(tmp_path, r"raise ValueError('\ud800')", "def g():\n    return 'g'")
    assert "ValueError" in marks(path)[0]["notes"]


def test_random_numbers_are_the_same_in_every_run(tmp_path):
    code = (
        "import random, numpy, torch\n"
        "raise ValueError(random.random(), numpy.random.rand(), torch.rand(1).item(), hash('a'))"
    )
    path = notebook(tmp_path, code)
    assert marks(path)[0]["notes"] == marks(path)[0]["notes"] != ""


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
def test_no_state_that_a_notebook_sets_costs_points(submission, state):
    assert submission.run(PLAIN, 60) == ""
    (plain,) = submission.ask("look", name="plain")
    before = plain(torch.ones(2))
    assert before[:2] == ("torch.float32", [2.0, 2.0])
    assert submission.run(state, 60) == ""
    assert submission.run(PLAIN, 60) == ""
    (plain,) = submission.ask("look", name="plain")
    assert plain(torch.ones(2)) == before


PLAIN = """def plain(y):
    import os, warnings, torch
    x = torch.ones(2, requires_grad=True)
    (x * x * y).sum().backward()
    warnings.warn("w")
    return str(x.grad.dtype), x.grad.tolist(), os.getcwd()
"""


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
