"""What was measured, for chapters that show more runs than they can train; no network is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ..files import read_json

ROWS = Path(__file__).resolve().parent.parent / "results"
CASES = ("aligned", "unaligned")
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
    return read_json(_benchmarks() / f"{name}.json")


def costs() -> pd.DataFrame:
    """Seconds of a step at the released size (batch 16) and of a run of the toy: on the CPU of
    `step_time_cpu.json` and `toy/simple.csv`, and on every card that benchmarks/gpu.py has
    asked. What was not measured is NaN."""
    cpu = {k: case["step_s"] for k, case in load_result("step_time_cpu")["cases"].items()}
    rows = load_rows("toy", "simple")
    toy = rows[rows["system"] == "DMD"]["seconds"].median()
    columns = {"2 CPU cores": [cpu["aligned"], cpu["unaligned"], toy]}
    for path in sorted(_benchmarks().glob("gpu_*.json")):
        found = read_json(path)
        steps, runs = (found["answers"].get(k, {}) for k in ("steps", "runs"))
        kinds = {"": "float32, eager", ", bf16": "bf16, eager", ", bf16, graphs": "bf16, graphs"}
        for label, kind in kinds.items():
            step = [steps.get(f"{case}, 16, {kind}", {}).get("step_s") for case in CASES]
            run = runs.get("toy, card", {}).get("seconds") if label == ", bf16" else None
            columns[found["card"] + label] = [*step, run]
    names = [f"a step, {case}" for case in CASES] + ["the toy, one run"]
    return pd.DataFrame(columns, index=names, dtype=float)


def _benchmarks() -> Path:
    return BENCHMARKS if BENCHMARKS.is_dir() else ROWS / "benchmarks"
