"""The written parts: their points and rubrics, and one page with everybody's answers."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from ..files import replacing
from .submission import IGNORED, Cell, cells_of
from .tests import built

HEADING = re.compile(r"^## (Part \d+)[^\n]*\((\d+) points, marked by a person\)", re.M)
PLACEHOLDER = "_Type your answer here, replacing this text._"
MARKS = re.compile(r"<!-- (?:BEGIN|END) QUESTION -->")
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 80em; padding: 1em; }
section { display: flex; flex-wrap: wrap; gap: 2em; }
section > aside { flex: 1 1 20em; max-height: 95vh; overflow: auto; position: sticky; top: 0; }
section > div { flex: 2 1 30em; min-width: 0; }
article { border-top: 2px solid; margin-bottom: 2em; }
pre { border-left: 3px solid #888; overflow: auto; padding-left: 1em; }
table { border-collapse: collapse; } td, th { border: 1px solid #888; padding: .2em .5em; }
"""


@dataclass(frozen=True)
class Part:
    """A question that a person marks."""

    name: str  # "Part 5", a column of grades.csv
    points: int
    prompt: str  # Markdown, the rubric in it


def written_parts(assignment: str) -> list[Part]:
    """Those of a built assignment, in order; see `tests.built`. None of a student's folder."""
    paths = sorted((built(assignment) / "student").glob("*.ipynb"))
    texts = [MARKS.sub("", cell.source) for path in paths for cell in cells_of(path)]
    found = [(HEADING.search(text), text) for text in texts]
    return [Part(head[1], int(head[2]), text.strip()) for head, text in found if head]


def answers(path: Path, parts: list[Part]) -> dict[str, list[Cell]]:
    """Part -> what somebody wrote for it: the cells from its prompt to the next heading, and what
    was typed into the prompt itself. Raises ValueError when the file is not a notebook."""
    found: dict[str, list[Cell]] = {}
    prompts, part = {part.name: part.prompt.splitlines() for part in parts}, ""
    for cell in cells_of(path):
        if cell.code:
            text = cell.source
        else:
            head = HEADING.search(cell.source)
            if head or cell.source.lstrip().startswith("## "):
                part = head[1] if head else ""
            known = prompts.get(part, [])
            text = MARKS.sub("", cell.source).replace(PLACEHOLDER, "")
            text = "\n".join(line for line in text.splitlines() if line not in known)
        if part in prompts and text.strip():
            found.setdefault(part, []).append(Cell(cell.code, text.strip(), cell.tags))
    return found


def printed(path: Path) -> str:
    """What the cells of the experiments printed when the notebook was handed in."""
    return "\n".join(c.output for c in cells_of(path) if IGNORED in c.tags and c.output.strip())


def write_answers(
    path: Path, title: str, parts: list[Part], handed: list[tuple[str, Path]]
) -> None:
    """One HTML page: for every written part its prompt and rubric, and beside them all answers,
    each with what the experiments have printed.

    handed  (name, notebook) of every submission

    What students wrote is shown as text: no HTML of theirs, no image, no script.
    """
    render = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image").render
    written = [(name, *_answers(notebook, parts)) for name, notebook in handed]
    body = [f"<!DOCTYPE html><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"]
    for part in parts:
        shown = [
            _article(name, found.get(part.name, []), output, render)
            for name, found, output in written
        ]
        body.append(
            f"<section><aside>{render(part.prompt)}</aside><div>{''.join(shown)}</div></section>"
        )
    with replacing(path) as temporary:
        temporary.write_text("\n".join(body), encoding="utf-8", errors="backslashreplace")


def _answers(notebook: Path, parts: list[Part]) -> tuple[dict[str, list[Cell]], str]:
    try:
        return answers(notebook, parts), printed(notebook)
    except ValueError:
        return {}, ""  # its row in grades.csv says so


def _article(name: str, cells: list[Cell], output: str, render: Callable[[str], str]) -> str:
    """One student's answer to one part."""
    shown = [f"<pre>{html.escape(c.source)}</pre>" if c.code else render(c.source) for c in cells]
    words = sum(len(c.source.split()) for c in cells if not c.code)
    head = f"<h3>{html.escape(name)}</h3><p>{words} words</p>"
    output = html.escape(output) or "nothing"
    more = f"<details><summary>what the experiments printed</summary><pre>{output}</pre></details>"
    return f"<article>{head}{''.join(shown) or '<p>nothing written</p>'}{more}</article>"
