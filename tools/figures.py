"""Draw the pictures that pages show without running code: python tools/figures.py"""

from pathlib import Path

from dmdlite import load_dataset
from dmdlite.plots import data_overview, overview, padding_layouts

if __name__ == "__main__":
    folder = Path(__file__).resolve().parent.parent / "book" / "figures"
    folder.mkdir(exist_ok=True)
    overview().savefig(folder / "overview.png", dpi=160)
    data_overview(load_dataset("toy")).savefig(folder / "data_overview.png", dpi=100)
    padding_layouts().savefig(folder / "padding_layouts.png", dpi=120)
