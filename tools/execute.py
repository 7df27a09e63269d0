"""Run chapters top to bottom and write them back with outputs: python tools/execute.py [PATH ...]

Without paths, every chapter and every assignment's source. Counts start at 1, saved widget state
is removed (it breaks the view on GitHub), figures keep a palette of their colours (a third of the
size, and no difference to be seen), and a cell that raises stops the run and leaves the file as it
was.
"""

import base64
import io
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
COLOURS = 128  # of a figure's palette


def with_palette(png: str) -> str:
    """A PNG in base64, its colours reduced; as it was where that does not make it smaller."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    small = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return min(png, base64.b64encode(small.getvalue()).decode(), key=len)


def execute(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": path.parent}}).execute()
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # time stamps: a diff at every run
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                data["image/png"] = with_palette(data["image/png"])
    nbformat.write(notebook, path)


if __name__ == "__main__":
    book = ROOT / "book"
    everything = sorted([*book.glob("*.ipynb"), *book.glob("assignments/*.ipynb")])
    for path in map(Path, sys.argv[1:] or everything):
        print(f"running {path.name}", flush=True)
        execute(path)
