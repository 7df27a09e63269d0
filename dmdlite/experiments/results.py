"""What was measured, for chapters that show more runs than they can train."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pandas as pd

REMOTE = "https://raw.githubusercontent.com/dmdlite/dmd-book/main"


def load_result(name: str) -> dict[str, Any]:
    """The content of benchmarks/results/NAME.json, which the benchmark scripts write.

    It is read from this checkout, else from the repository: an installed package, as on Colab, has
    no checkout around it. Raises OSError when neither is there.
    """
    return json.loads(_text(f"benchmarks/results/{name}.json"))


def load_rows(data: str, name: str) -> pd.DataFrame:
    """The rows of book/results/DATA/NAME.csv, which `dmdlite reproduce` writes; else as above."""
    return pd.read_csv(io.StringIO(_text(f"book/results/{data}/{name}.csv")))


def _text(path: str) -> str:
    local = Path(__file__).resolve().parent.parent / path
    if local.exists():
        return local.read_text(encoding="utf-8")
    address = f"{REMOTE}/{path}"
    try:
        with urlopen(address, timeout=30) as response:
            return response.read().decode("utf-8")
    except OSError as error:
        raise OSError(f"{local} is not there, nor {address} ({error})") from None
