"""Every file that a class hands in has a row."""

import os
import zipfile

import pytest

from dmdlite import DataError
from dmdlite.grading.course import grade_course
from dmdlite.grading.handed_in import handed_in
from tests.tiny_assignment import TINY, built, notebook, rows_of

RIGHT = "def f(x):\n    return x + 1"


@pytest.fixture
def pile(tmp_path):
    """A folder of everything that people hand in."""
    folder = tmp_path / "in"
    for place in ("ada", "ben/tests", "empty", "two", "__MACOSX", ".ipynb_checkpoints"):
        (folder / place).mkdir(parents=True)
    notebook(folder / "ada", RIGHT, name="a1.ipynb")
    notebook(folder / "ben", RIGHT, name="A1.IPYNB")
    (folder / "ben" / "tests" / "q1.py").write_text("test = 1")
    notebook(folder / "two", RIGHT, name="a1.ipynb")
    notebook(folder / "two", RIGHT, name="a1 (1).ipynb")
    notebook(folder / "__MACOSX", RIGHT, name="a1.ipynb")
    notebook(folder / ".ipynb_checkpoints", RIGHT, name="a1.ipynb")
    (folder / "cyd.py").write_text(RIGHT)
    (folder / "dan").write_text("?")
    (folder / "eve.ipynb").symlink_to(folder / "nowhere")
    (folder / "fay").symlink_to(folder / "ada", target_is_directory=True)
    os.mkfifo(folder / "gus.ipynb")
    with zipfile.ZipFile(folder / "hal.zip", "w") as archive:
        archive.write(folder / "ada" / "a1.ipynb", "work/a1.ipynb")
        archive.write(folder / "ada" / "a1.ipynb", "__MACOSX/work/._a1.ipynb")
        archive.write(folder / "cyd.py", "work/notes.py")
    with zipfile.ZipFile(folder / "ida.zip", "w") as archive:
        archive.write(folder / "cyd.py", "a1.py")
    (folder / "jim.zip").write_bytes(b"PK\x03\x04 no zip")
    return folder


ROWS = {
    "ada/a1": ("5", ""),
    "ben/A1": ("5", ""),
    "cyd.py": ("0", "a .py file, not a notebook (.ipynb)"),
    "dan": ("0", "a file without an ending, not a notebook (.ipynb)"),
    "empty": ("0", "an empty folder"),
    "eve.ipynb": ("0", "a link, which is not followed"),
    "fay": ("0", "a link, which is not followed"),
    "gus.ipynb": ("0", "not a file"),
    "hal.zip/work/a1": ("5", ""),
    "ida.zip": ("0", "a zip with no notebook (.ipynb) in it"),
    "jim.zip": ("0", "a zip that cannot be opened: File is not a zip file"),
    "two/a1": ("5", "one of 2 notebooks in two"),
    "two/a1 (1)": ("5", "one of 2 notebooks in two"),
}


@pytest.mark.long
def test_every_file_has_a_row(pile, tmp_path):
    tiny = built(tmp_path / "tiny", q1=TINY["q1"])
    feedback = tmp_path / "feedback"
    grade_course(pile, str(tiny), tmp_path / "g.csv", 2, feedback=feedback)
    found = {
        r["submission"]: (f"{float(r['points']):g}", r["notes"])
        for r in rows_of(tmp_path / "g.csv")
    }
    assert found == ROWS
    assert len([p for p in feedback.rglob("*.txt")]) == len(ROWS)
    assert "tests together: 5 of 5" in (feedback / "ada" / "a1.txt").read_text()


def test_names_that_differ_by_case_alone_are_two_rows(tmp_path):
    for name in ("caps.ipynb", "caps.IPYNB"):
        notebook(tmp_path, RIGHT, name=name)
    assert {h.name for h in handed_in(tmp_path, tmp_path)} == {"caps.ipynb", "caps.IPYNB"}


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="nothing was handed in"):
        handed_in(tmp_path, tmp_path)


def test_a_zip_cannot_write_elsewhere_nor_fill_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("dmdlite.grading.handed_in.LARGEST", 1000)
    folder, unpacked = tmp_path / "in", tmp_path / "unpacked"
    folder.mkdir()
    unpacked.mkdir()
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.ipynb", "{}")
        archive.writestr("bomb.ipynb", "0" * 10**6)
    evil, bomb = handed_in(folder, unpacked)
    assert evil.notebook.parent == unpacked
    assert evil.name == "a.zip/evil"
    assert (bomb.notebook, bomb.note) == (None, "larger than 0 MB")
    assert not (tmp_path / "evil.ipynb").exists()
