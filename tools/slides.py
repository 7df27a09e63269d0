"""Chapters as slides: python tools/slides.py [book/06_gd_units.ipynb ...]   (make slides)

Writes _slides/NAME.html for reveal.js, by nbconvert: a slide a section, a step down for each
figure and each new paragraph. Code that sets things up, the exercises and all that follows are
left out. The pages load reveal.js from the network when they are shown.
"""

import re
import sys
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "_slides"
FENCE = re.compile(r"^:::+.*\n|^:\w+:.*\n", re.M)  # admonitions: their text stays
CITE = re.compile(r" *\{cite\}`[^`]*`")


def slide_type(cell: nbformat.NotebookNode, begun: bool) -> str:
    """Where a cell goes: a new slide, a step down, or on with the one before. Code before the
    first section has `begun` sets things up, and is left out."""
    if cell.cell_type == "markdown":
        return "slide" if re.match(r"##? ", cell.source) else "subslide"
    if not begun:
        return "skip"
    shown = any("image/png" in o.get("data", {}) for o in cell.outputs)
    return "subslide" if shown else "-"


def as_slides(path: Path) -> nbformat.NotebookNode:
    """The chapter up to its exercises, each cell with its place."""
    notebook = nbformat.read(path, as_version=4)
    kept, begun = [], False
    for cell in notebook.cells:
        cell.source, exercises, _ = cell.source.partition("## Exercises")
        begun = begun or cell.source.startswith("## ")
        if cell.source:
            cell.metadata["slideshow"] = {"slide_type": slide_type(cell, begun)}
            kept.append(cell)
        if cell.cell_type == "markdown":
            cell.source = CITE.sub("", FENCE.sub("", cell.source + "\n")).strip()
        if exercises:
            break
    notebook.cells = kept
    return notebook


def main(paths: list[Path]) -> None:
    OUT.mkdir(exist_ok=True)
    exporter = SlidesExporter(
        config=Config({"SlidesExporter": {"reveal_scroll": True, "exclude_input_prompt": True}})
    )
    for path in paths or sorted((ROOT / "book").glob("[0-9]*.ipynb")):
        body, _ = exporter.from_notebook_node(as_slides(path))
        target = OUT / f"{path.stem}.html"
        target.write_text(body, encoding="utf-8")
        print(target.relative_to(ROOT))


if __name__ == "__main__":
    main([Path(p).resolve() for p in sys.argv[1:]])
