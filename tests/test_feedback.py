"""Every submission's feedback is a file of its own, and costs nobody else anything."""

import contextlib
import signal
from copy import deepcopy
from itertools import permutations
from pathlib import Path

import pytest
import typer

from dmdlite.files import PARTIAL
from dmdlite.grading import course, feedback, grade_course
from dmdlite.grading.command import grade
from dmdlite.grading.feedback import feedback_files
from dmdlite.grading.judge import Outcome
from tests.tiny_assignment import TINY, built, notebook

GOOD = "def f(x):\n    return x + 1"


@pytest.fixture
def handed_in(tmp_path):
    """handed_in(name, ...) -> (rows, folder of feedback) of good notebooks under these names."""
    folder, texts = tmp_path / "in", tmp_path / "feedback"
    assignment = built(tmp_path / "tiny", q1=TINY["q1"])

    def grade(*names):
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            notebook(path.parent, GOOD, name=path.name)
        rows = grade_course(folder, str(assignment), tmp_path / "g.csv", 2, feedback=texts)
        assert [row["points"] for row in rows] == [5] * len(names)
        assert len((tmp_path / "g.csv").read_text().splitlines()) == 1 + len(names)
        return rows, texts

    return grade


@pytest.fixture
def unread(monkeypatch):
    """Full marks without running anything."""
    full = Outcome(problems={"q1 test_one": "", "q1 test_two": ""})
    monkeypatch.setattr(course, "_try_sandbox", lambda limits: None)
    monkeypatch.setattr(course, "_judged", lambda *_: deepcopy(full))


def texts(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("order", [list, reversed])
def test_the_file_of_one_and_the_folder_of_another(handed_in, monkeypatch, order):
    found = course.handed_in
    monkeypatch.setattr(course, "handed_in", lambda *folders: [*order(found(*folders))])
    rows, folder = handed_in("ada.ipynb", "ada.txt/a1.ipynb")
    assert {row["notes"] for row in rows} == {""}
    assert texts(folder) == {"ada.txt", "ada.txt-a1-2.txt"}


@pytest.mark.usefixtures("unread")
def test_names_that_differ_by_case(handed_in, tmp_path):
    (tmp_path / "A").touch()
    if (tmp_path / "a").exists():
        pytest.skip("this file system takes them for one")
    rows, folder = handed_in("Ada.ipynb", "ada.ipynb")
    assert [row["submission"] for row in rows] == ["Ada", "ada"]
    assert texts(folder) == {"Ada.txt", "ada-2.txt"}


def possible(folder, *names):
    """Those that the file system takes."""
    for name in names:
        with contextlib.suppress(OSError, UnicodeError):
            (folder / name).touch()
            yield name


@pytest.mark.long
def test_odd_names_cost_nobody_their_marks(handed_in, tmp_path):
    odd = possible(tmp_path, "x" * 249 + ".ipynb", "j\udcfcrgen.ipynb")
    _, folder = handed_in("ada.ipynb", "ada.txt/a1.ipynb", *odd)
    assert texts(folder) >= {"ada.txt", "ada.txt-a1-2.txt"}


@pytest.mark.usefixtures("unread")
def test_the_command_prints_odd_names_plainly(run_script, tmp_path, monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # which would stay for other tests
    assignment, folder = built(tmp_path / "tiny", q1=TINY["q1"]), tmp_path / "in"
    folder.mkdir()
    names = possible(folder, "j\udc80rgen.ipynb", "\x1b[2J.ipynb", "ada.ipynb")
    said = "".join(f"{name[:-6]:30}     5 of 5\n" for name in sorted(names))
    app = typer.Typer()
    app.command()(grade)
    arguments = (folder, "--assignment", assignment, "--out", tmp_path / "g.csv")
    code, out, _ = run_script(app, *arguments)
    assert code == 0
    assert out.startswith(said.replace("\udc80", "?").replace("\x1b", "?"))


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("error", [RuntimeError("full"), OSError(28, "full")])
def test_what_keeps_one_from_being_written_is_its_note(handed_in, monkeypatch, error):
    replacing = feedback.replacing

    def failing(path):
        if path.name == "ada.txt":
            raise error
        return replacing(path)

    monkeypatch.setattr(feedback, "replacing", failing)
    (ada, bob), folder = handed_in("ada.ipynb", "bob.ipynb")
    assert (ada["notes"], bob["notes"]) == ("feedback: not written: full", "")
    assert texts(folder) == {"bob.txt"}


def files(*names):
    return dict(zip(names, feedback_files([Path(name) for name in names]), strict=True))


def test_names_stay_where_nothing_collides():
    names = ["ada.ipynb", "bob.v2.ipynb", "group1/ada.ipynb", "cyd.txt/a1.ipynb"]
    assert [*files(*names).values()] == [
        "ada.txt",
        "bob.v2.txt",
        "group1/ada.txt",
        "cyd.txt/a1.txt",
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Ada.ipynb", "ada.ipynb", "ada-2.ipynb"], ["Ada.txt", "ada-3.txt", "ada-2.txt"]),
        (["g/ada.ipynb", "G/ADA.ipynb"], ["g-ada-2.txt", "G/ADA.txt"]),
        (["ada.ipynb", "ada.IPYNB"], ["ada-2.txt", "ada.txt"]),
        (["\u00e9.ipynb", "e\u0301.ipynb"], ["\u00e9-2.txt", "e\u0301.txt"]),
        (["ada.ipynb", "ADA.txt/a/b.ipynb"], ["ada.txt", "ADA.txt-a-b-2.txt"]),
        (["ada.ipynb", f"ada.txt{PARTIAL}/b.ipynb"], ["ada.txt", f"ada.txt{PARTIAL}-b-2.txt"]),
    ],
)
def test_names_that_collide_whatever_their_order(names, expected):
    for order in permutations(names):
        assert files(*order) == dict(zip(names, expected, strict=True))
