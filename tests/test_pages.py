"""The pages' own extensions: nothing from elsewhere, an EPUB that is XML, tables that fit."""

import re
import zipfile
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import nbformat
import pytest

pytest.importorskip("sphinx")
from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

ROOT = Path(__file__).resolve().parent.parent
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.S)
CODE = re.compile(r"```.*?```|`[^`]*`", re.S)


@pytest.fixture
def extension(monkeypatch):
    """extension(name): a module of _ext."""
    monkeypatch.syspath_prepend(ROOT / "_ext")
    return __import__


def sentences():
    for path in [*ROOT.glob("book/*.md"), *ROOT.glob("book/*.ipynb")]:
        if path.suffix == ".md":
            yield path.read_text(encoding="utf-8")
        else:
            cells = nbformat.read(path, 4).cells
            yield from (cell.source for cell in cells if cell.cell_type == "markdown")


def test_every_formula_of_the_book_becomes_mathml(extension):
    tag = extension("places").TAG
    found = 0
    for text in sentences():
        for block, inline in FORMULA.findall(CODE.sub("", text)):
            shown = convert(tag.sub("", block or inline).strip())
            assert not re.search(r">\\[a-zA-Z]", shown), shown
            found += 1
    assert found > 500


def test_scripts_from_elsewhere_are_left_out(extension):
    def asset(filename, **attributes):
        return SimpleNamespace(filename=filename, attributes=attributes)

    context = {
        "script_files": [
            asset("_static/progress.js"),
            asset("sphinx-thebe.js"),
            asset(None, body='const THEBE_JS_URL = "https://unpkg.com/thebe"'),
            asset("https://cdnjs.cloudflare.com/ajax/libs/require.js/2.3.4/require.min.js"),
            asset("https://cdn.jsdelivr.net/npm/@jupyter-widgets/html-manager@1/embed-amd.js"),
        ]
    }
    extension("theme_repairs").keep_ours(None, "page", "page.html", context, None)
    assert [a.filename for a in context["script_files"]] == ["_static/progress.js"]


def test_what_a_screen_reader_needs_is_repaired_once(extension, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        '<link href="fa.css"/>'
        '<script defer src="_static/vendor/fontawesome/js/all.min.js"></script>'
        '<link rel="preload" href="_static/vendor/fontawesome/webfonts/fa-solid-900.woff2"/>'
        '<summary><span class="toctree-toggle"></span></summary>'
        '<summary>Expand for references to <a href="#x"><code>x</code></a></summary>'
        "6. Units / Before you start / 8. Alone"
    )
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path)
    extension("theme_repairs").repair(app, None)
    assert page.read_text() == (
        '<link href="fa.css"/>'
        '<summary aria-label="Below it"><span class="toctree-toggle"></span></summary>'
        "<summary>In the book</summary>6. Units / 8. Alone"
    )
    before = page.stat().st_mtime_ns
    extension("theme_repairs").repair(app, None)
    assert page.stat().st_mtime_ns == before


def table(*texts):
    cells = [nodes.entry("", nodes.paragraph(text, text)) for text in texts]
    columns = [nodes.colspec(colwidth=1) for _ in texts]
    group = nodes.tgroup("", *columns, nodes.tbody("", nodes.row("", *cells)))
    return nodes.table("", group, classes=["colwidths-auto"])


def test_wide_tables_share_the_line_and_narrow_ones_stay(extension):
    paper = extension("paper")
    wide = table("a", "b" * 30, "c" * 70)
    paper.wrap_columns(wide)
    assert wide["classes"] == ["colwidths-given"]
    widths = [column["colwidth"] for column in wide.findall(nodes.colspec)]
    assert widths == [paper.NARROW, 30, paper.WIDE]
    narrow = table("a", "b")
    paper.wrap_columns(narrow)
    assert narrow["classes"] == ["colwidths-auto"]


def test_an_epub_is_xml_with_its_formulas_and_without_scripts(tmp_path):
    conf = f"import sys\nsys.path.insert(0, {str(ROOT / '_ext')!r})\n"
    conf += 'extensions = ["myst_parser", "links", "paper"]\nproject = version = "1"\n'
    conf += 'myst_enable_extensions = ["dollarmath"]\n'
    (tmp_path / "conf.py").write_text(conf)
    (tmp_path / "index.md").write_text(
        "# 1. Start\n\nEq. 1 has $x^2$.\n\n$$ a < b \\tag{1} $$\n\n"
        '```{raw} html\n<div class="playground"></div><script>if (1 && 2) {}</script>\n```\n\n'
        "```{raw} html\n<style scoped>td { color: red }</style><table></table>\n```\n"
    )
    out, warnings = tmp_path / "out", StringIO()
    with docutils_namespace():
        app = Sphinx(tmp_path, tmp_path, out, out / "trees", "epub", status=None, warning=warnings)
        app.build()
    with zipfile.ZipFile(next(out.glob("*.epub"))) as book:
        text = book.read("index.xhtml").decode()
    ElementTree.fromstring(text.split("?>", 1)[1] if text.startswith("<?xml") else text)
    assert text.count("<math") == 2
    assert "(1)" in text
    assert 'href="#eq-1"' in text
    assert "<script" not in text
    assert "Sliders: on the page" in text
