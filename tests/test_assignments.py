"""The assignments hang together: built versions, points, times, and what a student first sees."""

import ast
import json
import re
import shutil
import zipfile

import nbformat
import pytest
import yaml
from assignments import PINNED, SOURCES, leaks, secrets
from nbformat.v4 import new_code_cell, new_notebook

from dmdlite.grading import grade_course
from dmdlite.grading.tests import cases, sources
from tests.do_nothing import DO_NOTHING

NAMES = ("a1", "a2", "a3", "a4", "a5")
ALL = pytest.mark.parametrize("name", NAMES)
CONFIG = re.compile(r"# BEGIN QUESTION\nname: (\w+)\n(manual: true\n)?points: (\d+)")
ROW = re.compile(r"^\| (\d) \| .* \| (\d+) \| (tests|a person)", re.M)


@pytest.fixture(scope="module")
def built(assignment):
    """built(name) -> the folder of that assignment."""
    return assignment


def source(name):
    return nbformat.read(SOURCES / f"{name}.ipynb", 4)


def questions(name):
    """(name, written, points) of every question of a source notebook."""
    raw = "\n".join(c.source for c in source(name).cells if c.cell_type == "raw")
    return [(q, bool(manual), int(points)) for q, manual, points in CONFIG.findall(raw)]


def test_there_are_five():
    assert sorted(p.stem for p in SOURCES.glob("*.ipynb")) == list(NAMES)


def shown(path):
    """A file's text; of a notebook its cells without outputs, whose digits differ by machine."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    return [(c.cell_type, c.source, c.metadata) for c in nbformat.read(path, 4).cells]


@ALL
@pytest.mark.long
def test_committed_student_version_is_the_built_one(built, name):
    fresh, committed = built(name) / "student", SOURCES / "student" / name
    files = sorted(p.relative_to(fresh) for p in fresh.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(committed) for p in committed.rglob("*") if p.is_file())
    for path in files:
        assert shown(fresh / path) == shown(committed / path), path


@ALL
@pytest.mark.long
def test_student_version_holds_no_solution_and_no_hidden_test(built, name):
    assert leaks(SOURCES / f"{name}.ipynb", built(name) / "student") == []
    assert len(secrets(SOURCES / f"{name}.ipynb")) > 30


@ALL
@pytest.mark.long
def test_a_leak_is_found(built, name, tmp_path):
    student = tmp_path / "student"
    shutil.copytree(built(name) / "student", student)
    hidden = next(c for c in source(name).cells if "hidden: true" in c.source)
    with next(student.rglob("q1.py")).open("a") as file:
        file.write(hidden.source.split("END TEST CONFIG")[1])
    assert leaks(SOURCES / f"{name}.ipynb", student)
    shutil.copy(SOURCES / f"{name}.ipynb", student / f"{name}.ipynb")
    assert {"BEGINSOLUTION", "hidden:true"} <= {*leaks(SOURCES / f"{name}.ipynb", student)}


@ALL
@pytest.mark.long
def test_student_version_runs_top_to_bottom_and_every_part_fails_as_not_written(built, name):
    notebook = nbformat.read(built(name) / "student" / f"{name}.ipynb", 4)
    checked = [c for c in notebook.cells if c.source.startswith("grader.check(")]
    assert len(checked) == sum(not written for _, written, _ in questions(name))
    for cell in checked:
        text = "".join(o.data.get("text/plain", "") for o in cell.outputs if "data" in o)
        assert "failed" in text, cell.source
    said = "".join(o.get("text", "") for c in notebook.cells for o in c.get("outputs", []))
    assert "not written yet" in said


def with_code(notebook, code):
    """The notebook without its checks, and this code below all of its cells."""
    kept = [c for c in notebook.cells if "grader.check(" not in c.source]
    return new_notebook(metadata=notebook.metadata, cells=[*kept, new_code_cell(code)])


@ALL
@pytest.mark.long
def test_solution_gets_full_marks_a_stub_none_and_doing_nothing_a_tenth_at_most(
    built, name, tmp_path
):
    folder, student = tmp_path / "in", built(name) / "student" / f"{name}.ipynb"
    folder.mkdir()
    shutil.copy(built(name) / "instructor" / f"{name}.ipynb", folder / "full.ipynb")
    shutil.copy(student, folder / "stub.ipynb")
    assert len(DO_NOTHING[name]) >= 3
    for kind, code in DO_NOTHING[name].items():
        nbformat.write(with_code(nbformat.read(student, 4), code), folder / f"{kind}.ipynb")
    rows = grade_course(folder, str(built(name)), tmp_path / "grades.csv", 2)
    found = {row["submission"]: row for row in rows}
    full = found.pop("full")
    automatic = sum(points for _, written, points in questions(name) if not written)
    assert (full["points"], full["of"], full["notes"]) == (automatic, automatic, "")
    assert full["Part " + re.search(r"## Part (\d)[^\n]*by a person", text_of(name))[1]] == ""
    assert found.pop("stub")["points"] == 0
    assert found.keys() == DO_NOTHING[name].keys()
    too_much = {k: (r["points"], r) for k, r in found.items() if r["points"] > automatic / 10}
    assert not too_much
    assert (tmp_path / "leaderboard.csv").exists() == (name == "a5")


def text_of(name):
    return "\n".join(c.source for c in source(name).cells)


@ALL
def test_every_assert_speaks(name):
    for cell in source(name).cells:
        if "BEGIN TEST CONFIG" in cell.source:
            for node in ast.walk(ast.parse(cell.source)):
                assert not isinstance(node, ast.Assert) or node.msg, ast.unparse(node)


@ALL
@pytest.mark.long
def test_points_of_the_front_page_of_the_tests_and_their_sum_agree(built, name):
    found = questions(name)
    assert sum(points for *_, points in found) == 100
    table = ROW.findall(source(name).cells[1].source)
    assert [(kind == "a person", int(p)) for _, p, kind in table] == [q[1:] for q in found]
    tests = cases(sources(str(built(name))))
    for question, written, points in found:
        given = [c.points for c in tests if c.question == question]
        assert sum(given) == (0 if written else points), question
        shown = [c for c in tests if c.question == question and not c.test.hidden]
        hidden = [c for c in tests if c.question == question and c.test.hidden]
        assert written or (shown and hidden), question


@ALL
def test_parts_of_an_assignment(name):
    cells = source(name).cells
    text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    for part in ("**Story.**", "**Hand in**", "**You need**", ":class: dropdown", "| rubric |"):
        assert part in text, part
    minutes = int(re.search(r"\*\*Time:\*\* about (\d+) minutes", text).group(1))
    assert 45 <= minutes <= 120
    setup = next(c.source for c in cells if c.cell_type == "code")
    assert '"google.colab" in sys.modules' in setup
    assert '"DMDLITE_DEVICE", "cpu"' in setup  # on a GPU equal seeds give unequal numbers
    assert f"assignments/student/{name}" in setup


@ALL
def test_notebooks_are_executed_top_to_bottom_and_small(name):
    for path in (SOURCES / f"{name}.ipynb", SOURCES / "student" / name / f"{name}.ipynb"):
        codes = [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
        assert [c.execution_count for c in codes] == list(range(1, len(codes) + 1))
        assert not [o for c in codes for o in c.outputs if o.output_type == "error"]
        assert path.stat().st_size < 100_000
    assert max(len(c.source.splitlines()) for c in codes) <= 30  # what a student reads


@ALL
def test_links_to_the_book_lead_to_its_pages(name):
    text = "\n".join(c.source for c in source(name).cells if c.cell_type == "markdown")
    pages = re.findall(r"github\.io/dmd-book/book/(\w+)\.html", text)
    assert pages
    for page in pages:
        assert (SOURCES.parent / f"{page}.ipynb").exists(), page


@ALL
def test_written_parts_have_a_rubric_that_reaches_their_points(name):
    cells = source(name).cells
    (points,) = [points for _, written, points in questions(name) if written]
    prompt = next(c.source for c in cells if "marked by a person)" in c.source)
    best = [int(n) for n in re.findall(r"^\| (\d+) / ", prompt, re.M)]
    assert sum(best) == points
    answer = next(c.source for c in cells if "**One answer worth full points.**" in c.source)
    assert len(answer.split()) < 400


@pytest.mark.long
def test_gradescope_gets_the_versions_that_ci_runs(built):
    with zipfile.ZipFile(built("a1") / "a1-autograder.zip") as archive:
        environment = yaml.safe_load(archive.read("environment.yml"))
    assert "python=3.12" in environment["dependencies"]
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    pins = (SOURCES.parent.parent / "constraints.txt").read_text().splitlines()
    for name in PINNED:
        (pin,) = [line for line in pins if line.startswith(f"{name}==")]
        assert pin in pip


@pytest.mark.long
def test_github_gets_a_repository_that_grades_by_the_tests_shown(built):
    folder = built("a1") / "github"
    json.loads((folder / ".devcontainer" / "devcontainer.json").read_text())
    workflow = yaml.safe_load((folder / ".github" / "workflows" / "grade.yml").read_text())
    steps = " ".join(step.get("run", "") for step in workflow["jobs"]["grade"]["steps"])
    assert "dmdlite grade . --assignment ." in steps
    shown = cases(sources(str(folder)))
    assert shown
    assert not any(case.test.hidden for case in shown)
    assert len(shown) < len(cases(sources(str(built("a1")))))
