"""What the benchmark scripts measured, for chapters that show more runs than they can train."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import urlopen

FOLDER = "benchmarks/results"
REMOTE = f"https://raw.githubusercontent.com/dmdlite/dmd-book/main/{FOLDER}"


def load_result(name: str) -> dict[str, Any]:
    """The content of benchmarks/results/NAME.json: of this checkout, else of the repository.

    An installed package, as on Colab, has no checkout around it and fetches the file. Raises
    OSError when neither is there.
    """
    local = Path(__file__).resolve().parent.parent / FOLDER / f"{name}.json"
    if local.exists():
        return json.loads(local.read_text())
    address = f"{REMOTE}/{name}.json"
    try:
        with urlopen(address, timeout=30) as response:
            return json.load(response)
    except OSError as error:
        raise OSError(f"{local} is not there, nor {address} ({error})") from None
