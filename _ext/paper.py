"""The book on paper: PDF and EPUB.

In an EPUB formulas are MathML, which readers set without scripts, and there are no buttons. In the
PDF wide tables get columns that wrap.
"""

import places
from docutils import nodes
from latex2mathml.converter import convert

LINE = 80  # signs of a table that fits on a page as it is
NARROW, WIDE = 8, 40  # of a column


def inline(self, node):
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def block(self, node):
    number = places.TAG.search(node.astext())
    formula = places.TAG.sub("", places.bare(node.astext()))
    shown = convert(formula, display="block")
    self.body.append(f"<div>{shown}{f'({number[1]})' if number else ''}</div>")
    raise nodes.SkipNode


def prepare(app):
    if app.builder.name == "epub":
        app.config.html_math_renderer = "mathml"  # MathJax would need scripts
        app.config.html_theme_options = {**app.config.html_theme_options, "launch_buttons": {}}


def fit(app, doctree, page):
    if app.builder.format == "latex":
        for table in doctree.findall(nodes.table):
            wrap_columns(table)
    if app.builder.name == "epub":
        for raw in list(doctree.findall(nodes.raw)):
            if "<script>" in raw.astext():
                words = "Sliders: on the page and in the notebook."
                raw.replace_self(nodes.paragraph("", words))
            else:  # as pandas writes it; an EPUB is XML
                text = raw.astext().replace("<style scoped>", "<style>")
                raw.replace_self(nodes.raw("", text, format=raw["format"]))


def wrap_columns(table):
    """Shares of the line by each column's longest cell, where the table is wider than a line."""
    rows = [[len(cell.astext()) for cell in row] for row in table.findall(nodes.row)]
    longest = [max(column) for column in zip(*rows, strict=False)]
    if sum(longest) > LINE:
        table["classes"] = [c for c in table["classes"] if c != "colwidths-auto"]
        table["classes"].append("colwidths-given")
        for column, length in zip(table.findall(nodes.colspec), longest, strict=False):
            column["colwidth"] = max(NARROW, min(WIDE, length))


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("builder-inited", prepare)
    app.connect("doctree-resolved", fit)
    return {"parallel_read_safe": True}
