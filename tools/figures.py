"""Draw the pictures that pages show without running code: python tools/figures.py"""

from pathlib import Path

from dmdlite.diagrams import overview

if __name__ == "__main__":
    folder = Path(__file__).resolve().parent.parent / "book" / "figures"
    folder.mkdir(exist_ok=True)
    overview().savefig(folder / "overview.png", dpi=160)
