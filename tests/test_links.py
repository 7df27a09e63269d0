"""Sentences become links to the right places, and a place that is not there is reported."""

import re
from io import StringIO
from pathlib import Path

import pytest

pytest.importorskip("sphinx")
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

ROOT = Path(__file__).resolve().parent.parent
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "_ext")!r})
extensions = ["myst_parser", "links"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
exclude_patterns = []
"""
PAGES = {
    "index": "# Start\n\n```{toctree}\none\ntwo\nglossary\n```\n",
    "one": (
        "# 1. First\n\n## 1. Begin\n\nA linear model, and again a linear model.\n\n"
        "$$ a = b \\tag{1} $$\n\n## 2. Go on\n\n$$ c \\tag{2} $$\n"
    ),
    "glossary": (
        "# Glossary\n\n:::{glossary}\nlinear model\n  A layer.\n\nMAE\n  An error.\n\n"
        "draw\n  A sample.\n\nanchor, other\n  Two codes.\n:::\n"
    ),
}


def built(folder, text):
    """The page two, with `text`, as HTML, and what the build warned of."""
    folder.mkdir(exist_ok=True)
    (folder / "conf.py").write_text(CONF)
    for name, page in (PAGES | {"two": text}).items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text() != page:  # a page that stays is not read again
            path.write_text(page)
    warnings, out = StringIO(), folder / "out"
    with docutils_namespace():
        app = Sphinx(folder, folder, out, out / "trees", "html", status=None, warning=warnings)
        app.build()
    return (out / "two.html").read_text(), warnings.getvalue()


def links(page, kind):
    found = re.findall(
        rf'<a class="{kind} reference internal" href="([^"]*)"[^>]*>([^<]*)</a>', page
    )
    return [(text, target) for target, text in found]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("By Eq. 1 it is so.", [("Eq. 1", "one.html#eq-1")]),
        ("Eq. 1 and 2", [("Eq. 1", "one.html#eq-1"), ("2", "one.html#eq-2")]),
        ("Eqs. 1–2", [("Eqs. 1", "one.html#eq-1"), ("2", "one.html#eq-2")]),
        ("Chapter 1 says", [("Chapter 1", "one.html")]),
        ("chapters 1 and 2", [("chapters 1", "one.html"), ("2", "#")]),
        ("chapter 1, Section 2", [("chapter 1", "one.html"), ("Section 2", "one.html#go-on")]),
        ("[Chapter 1](one.md), Section 2", [("Section 2", "one.html#go-on")]),
        ("Section 2 of chapter 1", [("Section 2", "one.html#go-on"), ("chapter 1", "one.html")]),
        ("Section 3 is here", [("Section 3", "#here")]),
        # A chapter that is named is not the chapter of a later sentence.
        ("Chapter 1 ends. Section 3", [("Chapter 1", "one.html"), ("Section 3", "#here")]),
        ("chapter 1,\nSection 2", [("chapter 1", "one.html"), ("Section 2", "one.html#go-on")]),
        ("In Eq. 1, 2 codes", [("Eq. 1", "one.html#eq-1")]),
        ("The paper's Section 3.1, and 3 chapters", []),
        ("`Eq. 1` in code, [Eq. 1](one.md) in a link", []),
    ],
)
def test_places(tmp_path, sentence, expected):
    page, warnings = built(tmp_path / "book", f"# 2. Second\n\n{sentence}\n\n## 3. Here\n")
    assert links(page, "place") == expected
    assert not warnings


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Eq. 9", "there is no eq 9"),
        ("chapter 7", "there is no chapter 7"),
        ("Section 8", "there is no section 8 of chapter 2"),
        ("chapter 1, Section 3", "there is no section 3 of chapter 1"),
        ("chapter 1 (Section 2)", "of which chapter is 'Section 2'"),
        ("Chapter 1: Section 2", "of which chapter is 'Section 2'"),
        ("Section 2 of [chapter 1](one.md)", "of which chapter is 'Section 2'"),
        ("chapter 2, Section 3 of [chapter 1](one.md)", "of which chapter is 'Section 3'"),
        ("Section 3 in the paper", "of which chapter is 'Section 3'"),
        ("$$ d \\tag{1} $$", "Eq. 1 is tagged in one and in two"),
    ],
)
def test_a_place_that_is_not_there_is_reported(tmp_path, sentence, said):
    _, warnings = built(tmp_path / "book", f"# 2. Second\n\n{sentence}\n\n## 3. Here\n")
    assert said in warnings


def test_a_place_that_moves_is_found_by_pages_that_did_not_change(tmp_path):
    text = "# 2. Second\n\nchapter 1, Section 2\n"
    built(tmp_path / "book", text)
    old = PAGES["one"]
    try:
        PAGES["one"] = old.replace("## 2. Go on", "## 2. Elsewhere")
        page, warnings = built(tmp_path / "book", text)
    finally:
        PAGES["one"] = old
    assert ("Section 2", "one.html#elsewhere") in links(page, "place")
    assert not warnings


def test_works_listed_have_sections_of_their_own(tmp_path):
    text = "# 2. Second\n\n## Further reading\n\n- Doe 2020: Section 8.\n"
    page, warnings = built(tmp_path / "book", text)
    assert not links(page, "place")
    assert not warnings


def test_a_term_is_a_link_where_it_is_first_used(tmp_path):
    text = (
        "# 2. Second\n\nTwo Linear models, a linear model, a linear model; mae, MAE. I draw it.\n"
    )
    page, _ = built(tmp_path / "book", text)
    shown = [word for word, _ in links(page, "term")]
    assert shown == ["linear model", "MAE"]
    page, _ = built(tmp_path / "again", "# 2. Second\n\nA **draw**, and its **anchor**.\n")
    assert [word for word, _ in links(page, "term")] == ["draw", "anchor"]


def test_the_book_has_each_equation_of_the_paper_once():
    import nbformat

    tags = []
    for path in sorted((ROOT / "book").glob("*.ipynb")):
        for cell in nbformat.read(path, 4).cells:
            tags += re.findall(
                r"\\tag\{(\d+)\}", cell.source if cell.cell_type == "markdown" else ""
            )
    assert sorted(map(int, tags)) == list(range(1, 12))
