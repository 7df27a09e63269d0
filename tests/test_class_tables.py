"""Whose a submission is, what platforms import, and the page of written answers."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dmdlite import DataError
from dmdlite.grading.course import grade_course
from dmdlite.grading.roster import read_roster, whose
from dmdlite.grading.written import answers, write_answers, written_parts
from tests.tiny_assignment import TINY, built, notebook, rows_of

RIGHT = "def f(x):\n    return x + 1"

MOODLE = (
    "First name,Last name,Email address,ID number\n"
    "Ada,Lovelace,ada@u.edu,17\nBen,Öz,b.oz@u.edu,18\n"
)
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\n"
    '"Lovelace, Ada",501,17,ada,S1\n"Öz, Ben",502,18,boz,S1\n'
)


@pytest.mark.parametrize(
    "text", [MOODLE, CANVAS, "\ufeff" + MOODLE], ids=["moodle", "canvas", "bom"]
)
@pytest.mark.parametrize(
    ("name", "surname"),
    [
        ("ada.ipynb", "Ada"),
        ("Ada Lovelace_123_assignsubmission_file/a1", "Ada"),
        ("lovelaceada_501_9_a1.ipynb", "Ada"),
        ("ozben_LATE_502_9_a1.zip/a1", "Ben"),
        ("17/a1", "Ada"),
        ("Ben Öz/a1", "Ben"),
        ("zoe/a1", None),
    ],
)
def test_whose_a_submission_is(tmp_path, text, name, surname):
    roster = tmp_path / "roster.csv"
    roster.write_text(text, encoding="utf-8")
    found = whose(name, read_roster(roster))
    assert [surname in s.name for s in found] == ([True] if surname else [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no student"),
        ("colour\nred\n", "no student"),
        ("id\n1\n1\n", "2 lines alike"),
        ("\x00\xff", "no student|not a CSV"),
    ],
)
def test_a_roster_that_cannot_be_read_is_one_line(tmp_path, text, words):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        read_roster(tmp_path / "r.csv")


@pytest.fixture
def course(tmp_path):
    """A folder with ada's right notebook and one of nobody, a roster of two, an assignment with a
    written part."""
    tiny = built(tmp_path / "tiny", q1=TINY["q1"])
    (tiny / "student").mkdir()
    prompt = "<!-- BEGIN QUESTION -->\n\n## Part 2: Why (20 points, marked by a person)\n\nSay why."
    cells = [new_markdown_cell(prompt), new_markdown_cell("<!-- END QUESTION -->")]
    nbformat.write(new_notebook(cells=cells), tiny / "student" / "tiny.ipynb")
    folder = tmp_path / "in"
    folder.mkdir()
    notebook(folder, RIGHT, name="ada.ipynb")
    notebook(folder, "x = 1", name="zoe.ipynb")
    (tmp_path / "moodle_roster.csv").write_text(MOODLE)
    (tmp_path / "canvas_roster.csv").write_text(CANVAS)
    return tmp_path


def graded(course, lms, **options):
    roster = course / f"{lms}_roster.csv"
    out = course / "out" / "grades.csv"
    grade_course(course / "in", str(course / "tiny"), out, 2, roster=roster, lms=lms, **options)
    return out


@pytest.mark.long
def test_the_roster_says_who_is_missing_and_marks_of_a_person_are_kept(course):
    out = graded(course, "moodle")
    ada, zoe, ben = rows_of(out)
    assert (ada["name"], ada["email"], ada["id"], ada["Part 2"]) == (
        "Ada Lovelace",
        "ada@u.edu",
        "17",
        "",
    )
    assert (zoe["name"], zoe["notes"]) == ("", "of nobody in the roster")
    assert (ben["submission"], ben["name"], ben["notes"]) == ("", "Ben Öz", "handed in nothing")
    marks = rows_of(out.with_name("moodle.csv"))
    assert [m["tiny"] for m in marks] == ["", "0"]  # ada's written part is not marked yet
    out.write_text(out.read_text("utf-8-sig").replace("17,5.0,,5.0", "17,5.0,12,5.0"), "utf-8-sig")
    assert rows_of(graded(course, "moodle"))[0]["Part 2"] == "12"  # graded again
    marks = rows_of(out.with_name("moodle.csv"))
    assert marks == [
        {"Email address": "ada@u.edu", "tiny": "17", "tiny feedback": ""},
        {"Email address": "b.oz@u.edu", "tiny": "0", "tiny feedback": "handed in nothing"},
    ]


@pytest.mark.long
def test_canvas_gets_its_own_columns_back(course):
    out = graded(course, "canvas")
    ada, ben = rows_of(out.with_name("canvas.csv"))
    assert ada == {
        "Student": "Lovelace, Ada",
        "ID": "501",
        "SIS User ID": "17",
        "SIS Login ID": "ada",
        "Section": "S1",
        "tiny": "",
    }
    assert ben["tiny"] == "0"


def test_an_unknown_platform_or_one_without_a_roster_is_refused(course):
    for options in (
        {"lms": "moodle"},
        {"lms": "blackboard", "roster": course / "moodle_roster.csv"},
    ):
        with pytest.raises(DataError, match="moodle or canvas, together with --roster"):
            grade_course(course / "in", str(course / "tiny"), course / "g.csv", 1, **options)


def test_a_person_s_files_are_left_alone(course):
    (course / "out").mkdir()
    for name in ("grades.csv", "leaderboard.csv", "moodle.csv", "answers.html"):
        path = course / "out" / name
        path.write_text("mine")
        with pytest.raises(DataError, match=name):
            graded(course, "moodle")
        assert path.read_text() == "mine"
        path.unlink()


def test_written_answers_on_one_page(course):
    tiny, page = str(course / "tiny"), course / "answers.html"
    (part,) = parts = written_parts(tiny)
    assert (part.name, part.points) == ("Part 2", 20)
    cells = [
        new_markdown_cell("## Part 1: code\n\nnot an answer"),
        new_code_cell("x = 1"),
        new_markdown_cell(f"<!-- BEGIN QUESTION -->\n\n{part.prompt}\ntyped **here**"),
        new_markdown_cell("_Type your answer here, replacing this text._"),
        new_markdown_cell("<script>alert(1)</script> ![](http://x/y.png) [l](javascript:alert(1))"),
        new_code_cell("print('<b>')"),
        new_markdown_cell("<!-- END QUESTION -->"),
        new_code_cell(
            "table()",
            metadata={"tags": ["otter_ignore"]},
            outputs=[new_output("stream", text="MAE <0.62>" + "x" * 10**5)],
        ),
        new_markdown_cell("## Bye\n\nno answer either"),
    ]
    path = course / "in" / "ada.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    found = [cell.source for cell in answers(path, parts)["Part 2"]]
    assert found[0] == "typed **here**"
    assert len(found) == 4
    (course / "in" / "bad.ipynb").write_text("{")
    handed = [("<ada>", path), ("bad", course / "in" / "bad.ipynb")]
    write_answers(page, "tiny", parts, handed)
    text = page.read_text()
    assert "typed <strong>here</strong>" in text
    assert "Say why." in text
    assert "&lt;ada&gt;" in text
    assert "nothing written" in text
    assert "MAE &lt;0.62&gt;" in text
    assert len(text) < 10_000
    for harm in (
        "<script>",
        "<img",
        'href="javascript',
        "<b>",
        "not an answer",
        "no answer either",
    ):
        assert harm not in text
