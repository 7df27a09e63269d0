"""Chapters as slides: python tools/slides.py [book/06_gd_units.ipynb ...]   (make slides)

Writes _slides/NAME.html for reveal.js, by nbconvert: a slide a section, a step down for each
figure and for what does not fit on one. Code that sets things up, code too long to read from a
chair, the exercises and all that follows are left out. reveal.js and MathJax lie beside the pages,
so that they show without a network.
"""

import re
import shutil
import sys
from importlib.metadata import distribution
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter
from nbformat.v4 import new_markdown_cell
from set_repo import addresses
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "_slides"
SHARED = {  # folder beside the pages -> (package, folder in it)
    "reveal": ("sphinx-revealjs", "sphinx_revealjs/_static/revealjs"),
    "mathjax": ("sphinx-mathjax-offline", "sphinx-mathjax-offline/static/mathjax"),
}
WORDS, LINES = 100, 16  # on one slide
FENCE = re.compile(r"^:::+.*\n|^:\w+:.*\n", re.M)  # admonitions: their text stays
CITE = re.compile(r" *\{cite\}`[^`]*`")
LINK = re.compile(r"\]\((?!https?:)(?:\./)?([\w/]+)\.(?:ipynb|md)(#[\w-]+)?\)")  # to other pages
TITLE = re.compile(r"^##? (.*)", re.M)


def as_slides(path: Path) -> nbformat.NotebookNode:
    """The chapter up to its exercises, each cell with its place."""
    notebook = nbformat.read(path, as_version=4)
    kept, title, begun = [], "", False
    for cell in notebook.cells:
        cell.source, exercises, _ = cell.source.partition("## Exercises")
        begun = begun or cell.source.startswith("## ")
        if cell.cell_type == "markdown":
            text = plain(cell.source)
            title = found[1] if (found := TITLE.match(text)) else title
            kept += [_placed(c, _place(c)) for c in _steps(text, title)]
        elif begun and cell.source:
            words = _words(kept[-1].source) if kept[-1].cell_type == "markdown" else WORDS
            kept += _shown(cell, words)
        if exercises:
            break
    notebook.cells = kept
    notebook.metadata["title"] = TITLE.search(kept[0].source)[1]
    return notebook


def plain(text: str) -> str:
    """Markdown that nbconvert reads: no directives, and links to the book's pages on the web."""
    site = addresses((ROOT / "repository.txt").read_text().strip())[3]
    return LINK.sub(rf"]({site}/book/\1.html\2)", CITE.sub("", FENCE.sub("", text + "\n"))).strip()


def _steps(text: str, title: str) -> list[nbformat.NotebookNode]:
    """A cell for what fits on one slide, then more, each under the section's title."""
    steps: list[list[str]] = [[]]
    for block in _blocks(text):
        if steps[-1] and sum(map(_words, [*steps[-1], block])) > WORDS:
            steps.append([f"### {title}"])
        steps[-1].append(block)
    return [new_markdown_cell("\n\n".join(step)) for step in steps if "".join(step)]


def _blocks(text: str) -> list[str]:
    """Paragraphs, tables, lists and equations; a paragraph that is too long, by sentences."""
    found = []
    for block in re.split(r"\n\s*\n", text):
        if block.startswith(("$$", "```", "#")) or _words(block) <= WORDS:
            found.append(block)
        elif block.startswith("|"):
            found += _tables(block)
        else:
            found += re.split(r"(?<=[.?!:]) (?=[A-Z*])|\n(?=[-*\d])", block)
    return found


def _tables(table: str) -> list[str]:
    """A long table as several, each with its head."""
    *head, first = table.splitlines()[:3]
    parts = [[*head, first]]
    for row in table.splitlines()[3:]:
        if _words("".join([*parts[-1], row])) > WORDS:
            parts.append(head.copy())
        parts[-1].append(row)
    return ["\n".join(part) for part in parts]


def _words(text: str) -> int:
    return len(text.split())


def _shown(cell: nbformat.NotebookNode, before: int) -> list[nbformat.NotebookNode]:
    """A code cell with its outputs: long code and long output are left out, figures stay. Short
    code goes on the slide before, where there are few words."""
    pictures = [o for o in cell.outputs if "image/png" in o.get("data", {})]
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    for output in pictures:
        output.setdefault("metadata", {})["image/png"] = {"alt": alt}
    lines = cell.source.count("\n") + 1 + sum(map(_output_lines, cell.outputs))
    if lines > LINES:
        cell.outputs, cell.source = pictures or cell.outputs, ""
        cell.metadata["transient"] = {"remove_source": True}
    if not cell.source and sum(map(_output_lines, cell.outputs)) > LINES:
        cell.outputs = []
    if not (cell.source or cell.outputs):
        return []
    apart = pictures or lines > LINES // 2 or before > WORDS // 2
    return [_placed(cell, "subslide" if apart else "-")]


def _output_lines(output: nbformat.NotebookNode) -> int:
    data = output.get("data", {})
    text = output.get("text") or ("" if "text/html" in data else data.get("text/plain", ""))
    return 0 if "image/png" in data else "".join(text).count("\n")


def _place(cell: nbformat.NotebookNode) -> str:
    return "slide" if re.match(r"##? ", cell.source) else "subslide"


def _placed(cell: nbformat.NotebookNode, place: str) -> nbformat.NotebookNode:
    cell.metadata["slideshow"] = {"slide_type": place}
    return cell


def share(out: Path) -> None:
    """Put reveal.js and MathJax beside the pages, from the packages that carry them."""
    for name, (package, folder) in SHARED.items():
        source = Path(distribution(package).locate_file(folder))
        shutil.copytree(source, out / name, dirs_exist_ok=True)


SLIDES = {
    "reveal_url_prefix": "reveal",
    "template_name": "slides_template",
    "extra_template_basedirs": [str(ROOT / "tools")],
    "exclude_input_prompt": True,
}


def main(paths: list[Path], out: Path = OUT) -> None:
    out.mkdir(exist_ok=True)
    share(out)
    exporter = SlidesExporter(config=Config({"SlidesExporter": SLIDES}))
    for path in paths or sorted((ROOT / "book").glob("[0-9]*.ipynb")):
        body, _ = exporter.from_notebook_node(as_slides(path))
        (out / f"{path.stem}.html").write_text(body, encoding="utf-8")
        print(out / f"{path.stem}.html")


if __name__ == "__main__":
    main([Path(p).resolve() for p in sys.argv[1:]])
