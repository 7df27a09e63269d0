"""Write book/exercises.md: every exercise of every chapter, with its kind, time and link."""

import json
import re
from pathlib import Path

BOOK = Path(__file__).resolve().parent.parent / "book"
HEADING = re.compile(
    r"^### Exercise (\d+) – (\w+) \((\d+) minutes\)\n(.*?)(?=\n\n|\Z)", re.M | re.S
)
INTRO = """# All exercises

Predict, implement, extend: each exercise says in its chapter what to write, checks the answer
there, and has a solution folded away. The times are for someone who has just read the chapter.
"""


def text_of(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def anchor(heading: str) -> str:
    """The heading's link target: as MyST makes it, lower case, dashes for spaces."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")


def chapter_list(path: Path) -> str:
    text = text_of(path)
    lines = [f"\n## {re.search(r'^# (.*)$', text, re.M).group(1)}\n"]
    for number, kind, minutes, task in HEADING.findall(text):
        target = anchor(f"Exercise {number} – {kind} ({minutes} minutes)")
        link = f"[Exercise {number}]({path.name}#{target})"
        lines.append(f"- {link}, {kind}, {minutes} minutes. {task.strip()}")
    return "\n".join(lines) + "\n"


def page() -> str:
    chapters = sorted(BOOK.glob("[0-9]*.ipynb"))
    return INTRO + "".join(map(chapter_list, chapters))


if __name__ == "__main__":
    (BOOK / "exercises.md").write_text(page(), encoding="utf-8")
