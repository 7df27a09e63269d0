"""Slides leave out what a talk does not need; the copy for students holds no solution."""

import re
import shutil

import nbformat
import pytest
import slides
from hide_solutions import hide
from slides import ROOT, as_slides

CHAPTERS = sorted((ROOT / "book").glob("[0-9]*.ipynb"))


def types(notebook):
    return [c.metadata["slideshow"]["slide_type"] for c in notebook.cells]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_a_slide_a_section_and_no_exercises(path):
    chapter, talk = nbformat.read(path, 4), as_slides(path)
    text = "\n".join(c.source for c in talk.cells)
    before = "\n".join(c.source for c in chapter.cells).split("## Exercises")[0]
    sections = [c for c in chapter.cells if c.source.startswith("## ")]
    wanted = 1 + sum(s.source in before for s in sections)  # and the title
    assert types(talk).count("slide") == wanted
    assert "## Exercises" not in text
    assert ":::" not in text
    assert "{cite}" not in text
    assert "%pip" not in "".join(
        c.source for c in talk.cells if c.metadata.slideshow.slide_type != "skip"
    )


def slides_of(notebook):
    """The cells of each slide."""
    found = []
    for cell in notebook.cells:
        if cell.metadata.slideshow.slide_type != "-":
            found.append([])
        found[-1].append(cell)
    return found


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_a_slide_can_be_read_from_a_chair(path):
    for slide in slides_of(as_slides(path)):
        prose = " ".join(c.source for c in slide if c.cell_type == "markdown")
        code = "\n".join(c.source for c in slide if c.cell_type == "code")
        assert len(prose.split()) <= 120, prose
        assert len(code.splitlines()) <= 16, code
        assert not re.search(r"\]\((?!https?://)", prose), prose  # no link that leads nowhere
        for output in (o for c in slide for o in c.get("outputs", [])):
            if "image/png" in output.get("data", {}):
                assert len(output.metadata["image/png"]["alt"]) >= 60


def test_slides_show_without_a_network(tmp_path):
    slides.main([ROOT / "book" / "06_gd_units.ipynb"], tmp_path)
    page = (tmp_path / "06_gd_units.html").read_text()
    assert "<title>6. Graph distillation units slides</title>" in page
    loaded = re.findall(r"""(?:src|href|from) *=? *["']([^"'#]+)""", page)
    files = [f for f in loaded if f.endswith((".js", ".css", ".mjs"))]
    assert "reveal/dist/reveal.js" in files
    for file in files:
        assert (tmp_path / file).is_file(), file
    assert page.count("<section") > 20
    assert len(re.findall(r'<img alt="[^"]{60,}"', page)) == page.count("<img")


def test_the_copy_for_students_holds_no_solution(tmp_path):
    book = tmp_path / "book"
    shutil.copytree(ROOT / "book", book, ignore=shutil.ignore_patterns("results"))
    shutil.copytree(ROOT / "tests", tmp_path / "tests")
    assert hide(tmp_path) >= 61
    assert not (tmp_path / "tests").exists()  # right answers, written another way
    for path in book.rglob("*.ipynb"):
        text = "\n".join(c.source for c in nbformat.read(path, 4).cells)
        assert "admonition} Solution" not in text, path
        assert "BEGIN SOLUTION" not in text, path
        assert "### Exercise 1" not in text or "raise NotImplementedError" in text
    assert (book / "assignments" / "student" / "a1" / "a1.ipynb").exists()
    assert hide(tmp_path) == 0
