"""Grading a class: every kind of submission gets the marks it should, whatever it does."""

import csv
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from dmdlite import DataError
from dmdlite.grading import grade_course, sandbox
from dmdlite.grading.sandbox import Limits
from dmdlite.grading.tests import sources
from tests.conftest import hears_ctrl_c
from tests.submissions import LOOP, write
from tests.tiny_assignment import TINY, built, notebook

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def course(assignment, tmp_path_factory):
    """Assignment A1, built, and a folder with every kind of submission, graded."""
    root = tmp_path_factory.mktemp("course")
    assignment = assignment("a1")
    expected = write(assignment, root / "in")
    limits = Limits(step_seconds=8, total_seconds=900, memory_gib=2.5)
    rows = grade_course(
        root / "in", str(assignment), root / "out" / "grades.csv", 2, limits, root / "feedback"
    )
    return root, assignment, expected, {r["submission"].split("/")[0]: r for r in rows}


def test_every_kind_gets_its_marks(course):
    _, _, expected, rows = course
    assert rows.keys() == expected.keys()
    wrong = {
        name: (rows[name]["points"], points, rows[name]["notes"])
        for name, (points, words) in expected.items()
        if rows[name]["points"] != points
        or not all(w in rows[name]["notes"] for w in words)
        or (rows[name]["notes"] and not words)
    }
    assert not wrong


def test_the_table_on_disk_is_the_rows(course):
    root, _, expected, rows = course
    with (root / "out" / "grades.csv").open(encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file))
    assert [line["submission"] for line in lines] == sorted(f"{name}/a1" for name in expected)
    for line in lines:
        points = sum(float(line[q]) for q in ("q1", "q2", "q3", "q4"))
        assert points == float(line["points"]) == rows[line["submission"][:-3]]["points"]
        assert float(line["of"]) == 80


def test_nothing_a_submission_started_lives_on(course):
    if not sandbox.isolation():
        pytest.skip("no namespaces on this machine: a child that leaves its session lives on")

    def alive():
        commands = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"])]
        return [c for c in commands if str(course[0]) in " ".join(c)]

    until(lambda: not alive())


def test_the_same_submissions_get_the_same_marks_again(course, tmp_path):
    root, assignment, _, rows = course
    for name in ("perfect", "half", "cheats"):
        target = tmp_path / "in" / name / "a1.ipynb"
        target.parent.mkdir(parents=True)
        target.write_text((root / "in" / name / "a1.ipynb").read_text())
    again = grade_course(tmp_path / "in", str(assignment), tmp_path / "g.csv", 2)
    assert [rows[r["submission"].split("/")[0]] for r in again] == again


def test_feedback_says_what_was_expected(course):
    root = course[0]
    text = (root / "feedback" / "answer_dies" / "a1.txt").read_text()
    assert "q1  test_by_hand: 0 of 3  not reached" in text
    assert "q3  test_theta_learns: 5 of 5\n" in text
    assert "not written yet" in (root / "feedback" / "empty" / "a1.txt").read_text()


def test_leaderboard_is_in_order_of_error(tmp_path):
    folder = tmp_path / "in"
    q1 = """
from otter.test_files import test_case
name = "q1"
@test_case(points=1)
def test_entry(mae):
    from dmdlite.checks import leaderboard
    leaderboard.enter(name="n", mae=mae)
"""
    assignment = built(tmp_path / "built", q1=q1)
    folder.mkdir()
    for name, mae in (("ada", 0.7), ("bob", 0.6), ("cyd", "'=2+2'")):
        notebook(folder, f"mae = {mae}", name=f"{name}.ipynb")
    grade_course(folder, str(assignment), tmp_path / "grades.csv", 2)
    lines = (tmp_path / "leaderboard.csv").read_text("utf-8-sig").splitlines()
    assert lines == ["submission,name,mae", "bob,n,0.6", "ada,n,0.7", "cyd,n,'=2+2"]


@pytest.fixture
def tiny(tmp_path):
    """The folder of a built assignment of one question."""
    return built(tmp_path / "tiny", q1=TINY["q1"])


def grade_command(*args):
    return [sys.executable, "-m", "dmdlite", "grade", *map(str, args)]


def workers_in(folder):
    """Processes of the grader whose temporary folder lies in `folder`."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command = " ".join(process.info["cmdline"] or [])
        if "dmdlite.grading.worker" in command and str(folder) in (process.info["cwd"] or ""):
            found.append(process)
    return found


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_stopped_grader_leaves_no_submission_running(tiny, tmp_path, how):
    if how == signal.SIGKILL and not sandbox.isolation():
        pytest.skip("without setpriv nothing ends the submissions of a killed grader")
    folder, out = tmp_path / "in", tmp_path / "g.csv"
    temporary = tmp_path / ("temporary" * 10)  # too long a path for a socket
    folder.mkdir()
    temporary.mkdir()
    looping, going_on = tmp_path / "looping", tmp_path / "going on"
    notebook(folder, "def f(x):\n    return x + 1", name="a.ipynb")
    loop = f"open({str(looping)!r}, 'w')\n{LOOP}"
    notebook(folder, loop, f"open({str(going_on)!r}, 'w')", name="b.ipynb")
    command = grade_command(folder, "--assignment", tiny, "--out", out, "--jobs", 1)
    grader = subprocess.Popen(
        command, env={**os.environ, "TMPDIR": str(temporary)}, preexec_fn=hears_ctrl_c
    )
    try:
        until(lambda: looping.exists() or grader.poll() is not None)
        assert workers_in(temporary)
        grader.send_signal(how)
        assert grader.wait(PATIENCE) != 0
        until(lambda: not workers_in(temporary))
        assert not going_on.exists()
        if how == signal.SIGKILL:
            assert not out.exists()
            return
        with out.open(encoding="utf-8-sig") as file:  # what was marked before
            a, b = csv.DictReader(file)
        assert (a["points"], a["notes"]) == ("5.0", "")
        assert (b["points"], b["notes"]) == ("0.0", "not marked: the grader was stopped")
    finally:
        grader.kill()


PATIENCE = 300  # seconds; how long a busy machine may take


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "not within the time"
        time.sleep(0.05)


def test_a_sandbox_that_does_not_start_is_said_at_once(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "isolation", lambda: ["false"])
    (tmp_path / "in").mkdir()
    notebook(tmp_path / "in", "1")
    with pytest.raises(DataError, match="sandbox does not start"):
        grade_course(tmp_path / "in", str(tiny), tmp_path / "g.csv", 1)
    assert not (tmp_path / "g.csv").exists()


def test_command_refuses_bad_input_in_one_line(tiny, tmp_path):
    empty, some, out = tmp_path / "empty", tmp_path / "some", tmp_path / "g.csv"
    empty.mkdir()
    some.mkdir()
    notebook(some)
    for args, words in (
        ((empty, "--assignment", tiny, "--out", out), "nothing was handed in"),
        ((some, "--assignment", "a77", "--out", out), "make assignments"),
        ((some, "--assignment", tiny, "--out", tmp_path), "not a place for a file"),
        ((some, "--assignment", "a1"), "--out"),
    ):
        result = subprocess.run(grade_command(*args), capture_output=True, text=True)
        assert result.returncode == 2
        assert words in result.stderr
        assert "Traceback" not in result.stderr
    assert not out.exists()


BARE = """import sys
sys.modules |= dict.fromkeys(["nbformat", "otter", "otter.test_files", "markdown_it", "IPython"])
from dmdlite.cli import main
main()
"""


def test_the_command_line_works_without_what_grading_needs(tiny, tmp_path):
    for args, code, words in (
        (["models"], 0, "Emotion"),
        (["grade", tmp_path, "--assignment", tiny, "--out", tmp_path / "g.csv"], 2, "[grading]"),
    ):
        command = [sys.executable, "-c", BARE, *map(str, args)]
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == code, result.stderr
        assert words in result.stdout + result.stderr
        assert "Traceback" not in result.stderr


def test_assignments_are_found_by_name_or_folder(tiny, monkeypatch):
    monkeypatch.setenv("DMDLITE_ASSIGNMENTS", str(tiny.parent))
    assert sources("tiny") == sources(str(tiny)) == {"q1": TINY["q1"]}
    with pytest.raises(DataError, match="no tests in"):
        sources("a1")
