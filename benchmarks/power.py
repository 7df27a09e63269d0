"""How large a difference could these clips show? Seconds, once the runs are there.

A set of 400 clips by 16 people is a sample of people. Two systems that were tested on the same
folds have a difference of errors in each clip, averaged here over the shuffles; whole videos are
drawn with replacement, and the spread of the mean says how large a true difference must be to show.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from common import write_result
from safetensors.numpy import load_file
from scipy.stats import t

from dmdlite.experiments.runs import OUTPUTS, Run
from dmdlite.experiments.study import Study
from dmdlite.experiments.systems import EXPERIMENTS

RESAMPLES, SEEDS = 4000, 5
PAIRS = (
    ("DMD", "ridge on language"),
    ("DMD", "linear"),
    ("DMD", "none"),
    ("FD", "none"),
    ("FD + HomoGD", "FD"),
    ("FD + HomoGD + CA", "FD + HomoGD"),
    ("DMD", "FD + HomoGD + CA"),
)


def over_groups(values: np.ndarray, groups: np.ndarray, seed: int = 0) -> np.ndarray:
    """[RESAMPLES] means of `values` [N], whole groups [N] drawn with replacement."""
    names, place = np.unique(groups, return_inverse=True)
    sums = np.bincount(place, values)
    counts = np.bincount(place)
    drawn = np.random.default_rng(seed).integers(len(names), size=(RESAMPLES, len(names)))
    return sums[drawn].sum(1) / counts[drawn].sum(1)


def seen(values: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    """Mean of `values` [N]; half its 95 % interval, and the least true mean that 80 % of such sets
    would show: by group, Student's with as many degrees of freedom as groups less one, and by
    clip, as if clips were strangers. What a retraining would change is not in it."""
    mean, found = float(values.mean()), {}
    for by, named in (("video", groups), ("clip", np.arange(len(values)))):
        n = len(set(named.tolist()))
        error = over_groups(values, named).std() * np.sqrt(n / (n - 1))  # few are too alike
        found |= {
            f"within_by_{by}": float(t.ppf(0.975, n - 1) * error),
            f"least_seen_by_{by}": float((t.ppf(0.975, n - 1) + t.ppf(0.8, n - 1)) * error),
        }
    return {"mean": mean, **found}


def main(
    runs: Annotated[Path, typer.Argument(help="The folder runs of `dmdlite reproduce --out`")],
    data: Annotated[str, typer.Option(help="The data set that was cross-validated")] = (
        "mosi400_aligned"
    ),
) -> None:
    """Measure and write benchmarks/results/power.json."""
    study = Study(data, folds=5)
    pool = study.splits["all"]
    groups, truth = np.array(pool.groups), pool.labels.numpy()
    systems = {s.name: s for name in ("table3", "simple") for s in EXPERIMENTS[name].systems}
    errors = {}
    for name in {name for pair in PAIRS for name in pair}:
        folders = [Run(study, systems[name], seed).folder(runs) for seed in range(SEEDS)]
        said = [load_file(folder / OUTPUTS)["prediction"] for folder in folders]
        errors[name] = np.mean([np.abs(p - truth) for p in said], axis=0)
    rows = [{"a": a, "b": b, **seen(errors[a] - errors[b], groups)} for a, b in PAIRS]
    for row in rows:
        typer.echo(
            f"{row['a']:18} - {row['b']:18}"
            + "".join(f"{k} {v:+.3f}  " for k, v in row.items() if k not in "ab")
        )
    write_result("power", data=data, clips=len(truth), videos=len(set(groups)), rows=rows)


if __name__ == "__main__":
    typer.run(main)
