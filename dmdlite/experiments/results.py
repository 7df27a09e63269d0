"""What was measured, for chapters that show more runs than they can train; no network is asked."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from ..files import read_json

ROWS = Path(__file__).resolve().parent.parent / "results"
CASES = ("aligned", "unaligned")
RUN = ("the toy, one run", "")
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
    """Seconds of a step at the released size and of a run of the toy, by machine: the two cores of
    `step_time_cpu.json` and `toy/simple.csv`, and every card that benchmarks/gpu.py has asked, with
    its own CPU. What was not measured is NaN."""
    cpu = {k: case["step_s"] for k, case in load_result("step_time_cpu")["cases"].items()}
    rows = load_rows("toy", "simple")
    toy = rows[rows["system"] == "DMD"]["seconds"].median()
    columns = {"2 cores": {("aligned", 16): cpu["aligned"], ("unaligned", 16): cpu["unaligned"]}}
    columns["2 cores"][RUN] = toy
    for path in sorted(_benchmarks().glob("gpu_*.json")):
        columns |= _card(read_json(path))
    index = [*product(CASES, (16, 64, 512)), RUN]
    frame = pd.DataFrame(columns, index=pd.MultiIndex.from_tuples(index), dtype=float)
    return frame.dropna(how="all", axis=1)


def _card(found: dict[str, Any]) -> dict[str, dict[tuple, float]]:
    """Columns of `costs`, one a way of computing."""
    card, answers = found["card"], found["answers"]
    asked = ("steps", "compiling", "compiling_unaligned")
    steps = {name: row for key in asked for name, row in answers.get(key, {}).items()}
    runs = {
        f"{name}, {key}": row
        for key in ("runs", "compiled_run")
        for name, row in answers.get(key, {}).items()
    }
    ways = {
        f"{found['threads']} cores": ("CPU", "toy, CPU, runs"),
        card: ("float32, eager", "toy, card, runs"),
        f"{card}, graphs": ("float32, graphs", "toy, compiled_run"),
        f"{card}, bf16": ("bf16, eager", "toy, card, bf16, runs"),
        f"{card}, bf16, graphs": ("bf16, graphs", ""),
    }
    columns = {}
    for name, (way, run) in ways.items():
        columns[name] = {
            (case, size): steps.get(f"{case}, {size}, {way}", {}).get("step_s")
            for case, size in product(CASES, (16, 64, 512))
        }
        columns[name][RUN] = runs.get(run, {}).get("seconds")
    return columns


def _benchmarks() -> Path:
    return BENCHMARKS if BENCHMARKS.is_dir() else ROWS / "benchmarks"
