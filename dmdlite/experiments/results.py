"""What was measured, for chapters that show more runs than they can train; no network is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ..files import read_json

ROWS = Path(__file__).resolve().parent.parent / "results"
BENCHMARKS = ROWS.parent.parent / "benchmarks" / "results"  # in a checkout


def load_rows(data: str, name: str) -> pd.DataFrame:
    """The rows of results/DATA/NAME.csv in this package, which `dmdlite reproduce` wrote.

    Raises FileNotFoundError when there are none.
    """
    return pd.read_csv(ROWS / data / f"{name}.csv")


def load_result(name: str) -> dict[str, Any]:
    """The content of benchmarks/results/NAME.json, of which an installed package has a copy.

    Raises DataError when there is none.
    """
    folder = BENCHMARKS if BENCHMARKS.is_dir() else ROWS / "benchmarks"
    return read_json(folder / f"{name}.json")
