"""Slides leave out what a talk does not need; the copy for students holds no solution."""

import shutil

import nbformat
import pytest
from hide_solutions import hide
from nbconvert import SlidesExporter
from slides import ROOT, as_slides

CHAPTERS = sorted((ROOT / "book").glob("[0-9]*.ipynb"))


def types(notebook):
    return [c.metadata["slideshow"]["slide_type"] for c in notebook.cells]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_a_slide_a_section_and_no_exercises(path):
    chapter, slides = nbformat.read(path, 4), as_slides(path)
    text = "\n".join(c.source for c in slides.cells)
    before = "\n".join(c.source for c in chapter.cells).split("## Exercises")[0]
    sections = [c for c in chapter.cells if c.source.startswith("## ")]
    wanted = 1 + sum(s.source in before for s in sections)  # and the title
    assert types(slides).count("slide") == wanted
    assert "## Exercises" not in text
    assert ":::" not in text
    assert "{cite}" not in text
    assert "%pip" not in "".join(
        c.source for c in slides.cells if c.metadata.slideshow.slide_type != "skip"
    )


def test_figures_step_down(tmp_path):
    slides = as_slides(ROOT / "book" / "06_gd_units.ipynb")
    shown = [
        c.metadata.slideshow.slide_type
        for c in slides.cells
        if any("image/png" in o.get("data", {}) for o in c.get("outputs", []))
    ]
    assert set(shown) == {"subslide"}
    body, _ = SlidesExporter().from_notebook_node(slides)
    assert body.count("<section") > 20
    assert "Graph distillation units" in body


def test_the_copy_for_students_holds_no_solution(tmp_path):
    book = tmp_path / "book"
    shutil.copytree(ROOT / "book", book, ignore=shutil.ignore_patterns("results"))
    assert hide(book) >= 61
    for path in book.rglob("*.ipynb"):
        text = "\n".join(c.source for c in nbformat.read(path, 4).cells)
        assert "admonition} Solution" not in text, path
        assert "BEGIN SOLUTION" not in text, path
        assert "### Exercise 1" not in text or "raise NotImplementedError" in text
    assert (book / "assignments" / "student" / "a1" / "a1.ipynb").exists()
    assert hide(book) == 0
