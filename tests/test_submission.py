"""One notebook in the sandbox: where it is marked, what limits it, what it cannot touch."""

import json
import time
from types import SimpleNamespace

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook

import dmdlite.checks
from dmdlite.grading import sandbox, submission
from dmdlite.grading.feedback import notes
from dmdlite.grading.pristine import Snapshot
from dmdlite.grading.submission import Outcome, _message, cells_of
from dmdlite.grading.worker import CHECK, StepTimeout, at_most, brief
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


WAKE_THE_GRADER = """import os
for fd in range(3, 64):
    try:
        os.write(fd, b"\\n")
    except OSError:
        pass
"""


def test_the_whole_submission_has_a_limit(tmp_path, monkeypatch):
    """The clock jumps when the loop begins: no machine is too slow for what comes before."""
    looping = tmp_path / "looping"
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + 1000 * looping.exists())
    monkeypatch.setattr(submission, "time", clock)
    loop = f"open({str(looping)!r}, 'w')\n{WAKE_THE_GRADER}{LOOP}"
    path = notebook(tmp_path, "def g():\n    return 'g'", 'grader.check("q2")', loop)
    line, _ = marks(path, step_seconds=60, total_seconds=600)
    assert line["q2"] == 5  # marked before the loop
    assert "the submission took longer than 600 s" in line["notes"]


def test_a_cell_tagged_as_ignored_is_not_run(tmp_path):
    cell = new_code_cell("1 / 0", metadata={"tags": ["otter_ignore"]})
    path = tmp_path / "s.ipynb"
    nbformat.write(new_notebook(cells=[cell]), path)
    assert cells_of(path) == []


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


def test_a_snapshot_puts_back_what_was_exchanged():
    real = torch.allclose, dmdlite.checks.require
    snapshot = Snapshot()
    torch.allclose = dmdlite.checks.require = torch.Tensor.all = lambda *_: True
    dmdlite.GDUnit.weigh = dmdlite.GDUnit.gaps
    del torch.equal
    changed = set(snapshot.restore())
    assert changed >= {"torch.allclose", "torch.equal", "dmdlite.checks.require"}
    assert changed >= {"Tensor.all", "GDUnit.weigh"}
    assert (torch.allclose, dmdlite.checks.require) == real
    assert torch.equal(torch.ones(2), torch.ones(2))
    assert not torch.zeros(2).all()
    assert snapshot.restore() == []


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


def test_only_the_worker_s_lines_count():
    assert _message(b'{"case": "q1 x", "problem": "", "token": "t"}', "t")["case"] == "q1 x"
    for line in (b'{"case": "q1 x", "problem": ""}', b"[1]", b"\xff", b"", b'{"token": "u"}'):
        assert _message(line, "t") == {}


def test_errors_in_a_line():
    assert brief(NotImplementedError()) == "not written yet"
    assert brief(AssertionError("a\n b")) == "a b"
    assert brief(ValueError("x" * 1000)) == "ValueError: " + "x" * 288
    assert notes(Outcome(cells={"cell 2": "not written yet"})) == ["cell 2: not written yet"]


@pytest.mark.parametrize("source", ['grader.check("q1")', " grader.check('q1');\n"])
def test_check_cells_are_recognised(source):
    assert CHECK.match(source)[1] == "q1"
    assert not CHECK.match("x = " + source)


@pytest.mark.parametrize(
    "trick",
    [
        "os.symlink('/dev/zero', 'leaderboard.json')",
        "os.mkfifo('leaderboard.json')",
        "open('leaderboard.json', 'w').write('[1]')",
        "open('leaderboard.json', 'w').write('9' * 10**6)",
        "os.mkdir('leaderboard.json')",
    ],
)
def test_what_a_submission_leaves_in_its_folder_does_no_harm(tmp_path, trick):
    code = f"import os\n{trick}\ndef g():\n    return 'g'"
    line, outcome = marks(notebook(tmp_path, code))
    assert (line["q2"], outcome.entry) == (5, {})


def test_a_flood_into_the_pipe_ends_the_attempt(tmp_path):
    code = (
        "import os\n"
        "for fd in range(3, 64):\n"
        "    try:\n"
        "        for _ in range(100):\n"
        "            os.write(fd, b'x' * 4096)\n"
        "    except OSError:\n"
        "        pass"
    )
    line, _ = marks(notebook(tmp_path, code, "def g():\n    return 'g'"))
    assert line["q2"] == 5  # the flooding cell is left out
    assert "cell 1: wrote into the grader's pipe" in line["notes"]


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


def test_lines_without_end_are_stopped_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(submission, "GRACE", 0)
    flood = (
        "import os\n"
        "for fd in range(3, 64):\n"
        "    while True:\n"
        "        try:\n"
        "            while True:\n"
        "                os.write(fd, b'x\\n' * 2000)\n"
        "        except OSError:\n"
        "            break\n"
        "        except BaseException:\n"
        "            pass"
    )
    line, _ = marks(notebook(tmp_path, flood, "def g():\n    return 'g'"), step_seconds=3)
    assert line["q2"] == 5
    assert "cell 1: took too long" in line["notes"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8"])
def test_encodings_and_empty_tags(tmp_path, encoding):
    path = tmp_path / "s.ipynb"
    cell = new_code_cell("def g():\n    return 'g'")
    notebook = new_notebook(cells=[cell])
    notebook["cells"][0]["metadata"]["tags"] = None
    path.write_bytes(json.dumps(notebook).encode(encoding))
    assert marks(path)[0]["q2"] == 5


@pytest.mark.parametrize(
    "cheat",
    [
        "import sys, types\nsys.modules['dmdlite.checks'] = types.SimpleNamespace()",
        "import dmdlite.checks\ndmdlite.checks.require.__code__ = (lambda c, *n: None).__code__",
        "import builtins\nbuiltins.__import__ = lambda *a, **k: None",
        "import json\njson.dumps = lambda *a, **k: ''",
        "import torch\ntorch.autograd.grad = lambda *a, **k: ()",
    ],
)
def test_what_a_submission_exchanges_is_noted(tmp_path, cheat):
    line, _ = marks(notebook(tmp_path, f"{cheat}", "def g():\n    return 'g'"))
    assert "replaced, and put back before testing" in line["notes"]


def test_random_numbers_are_the_same_in_every_run(tmp_path):
    code = (
        "import random, numpy, torch\n"
        "raise ValueError(random.random(), numpy.random.rand(), torch.rand(1).item(), hash('a'))"
    )
    path = notebook(tmp_path, code)
    assert marks(path)[0]["notes"] == marks(path)[0]["notes"] != ""
