"""What 400 clips of 16 videos can show, and what they give away. Seconds, once the runs are there.

How large a difference? Two systems that were tested on the same folds have a difference of errors
in each clip. Other people would have given another, and so would other shuffles and initial
weights: whole videos are drawn with replacement, and the shuffles' own spread is added.

What is a fold by clip worth? The correlation that is left within single videos, and the one that
the mean label of a video's other clips reaches without any feature.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from common import write_result
from safetensors.numpy import load_file
from scipy.stats import t

from dmdlite.baselines.simple import ridge
from dmdlite.experiments.runs import OUTPUTS, Run
from dmdlite.experiments.search import BUDGET, found_so_far
from dmdlite.experiments.study import Study
from dmdlite.experiments.systems import EXPERIMENTS

RESAMPLES, SEEDS, FOLDS = 4000, 5, 5
SHORT = "ridge on language, fewer clips"  # without those that others keep aside to stop on
PAIRS = (
    ("DMD", "ridge on language"),
    ("DMD", SHORT),
    ("ridge", "ridge on language"),
    ("DMD", "linear"),
    ("DMD", "none"),
    ("FD", "none"),
    ("FD + HomoGD", "FD"),
    ("FD + HomoGD + CA", "FD + HomoGD"),
    ("DMD", "FD + HomoGD + CA"),
    ("MCTN, tuned", "ridge on language"),
    ("MCTN, tuned", "DMD"),
    ("MICA, tuned", "DMD"),
)


def over_groups(values: np.ndarray, groups: np.ndarray, seed: int = 0) -> np.ndarray:
    """[RESAMPLES] means of `values` [N], whole groups [N] drawn with replacement."""
    names, place = np.unique(groups, return_inverse=True)
    sums = np.bincount(place, values)
    counts = np.bincount(place)
    drawn = np.random.default_rng(seed).integers(len(names), size=(RESAMPLES, len(names)))
    return sums[drawn].sum(1) / counts[drawn].sum(1)


def seen(values: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    """values [shuffles, N]: a difference in every clip, groups [N] -> its mean; half 95 % intervals
    over groups, over single clips (as if each had a group of its own), over shuffles, and over
    groups and shuffles together; and the least true mean that 80 % of such studies would show.

    Student's t; together with Welch and Satterthwaite's degrees of freedom."""
    by_clip = values.mean(0)
    errors, freedom = {}, {}
    for name, named in (("groups", groups), ("clips", np.arange(len(by_clip)))):
        n = len(set(named.tolist()))
        errors[name] = over_groups(by_clip, named).std() * np.sqrt(n / (n - 1))
        freedom[name] = n - 1
    errors["shuffles"] = values.mean(1).std(ddof=1) / np.sqrt(len(values))
    freedom["shuffles"] = len(values) - 1
    parts = [(errors[k] ** 2, freedom[k]) for k in ("groups", "shuffles")]
    total = sum(v for v, _ in parts)
    errors["all"] = np.sqrt(total)
    freedom["all"] = total**2 / sum(v**2 / df for v, df in parts) if total else 1.0
    found = {f"within_{k}": float(t.ppf(0.975, freedom[k]) * e) for k, e in errors.items()}
    factor = t.ppf(0.975, freedom["all"]) + t.ppf(0.8, freedom["all"])
    return {"mean": float(by_clip.mean()), **found, "least_seen": float(factor * errors["all"])}


def within(prediction: np.ndarray, truth: np.ndarray, groups: np.ndarray) -> float:
    """Correlation of what is left of both when each group's mean is taken off."""
    _, place = np.unique(groups, return_inverse=True)
    counts = np.bincount(place)
    rest = [x - (np.bincount(place, x) / counts)[place] for x in (prediction, truth)]
    return float(np.corrcoef(*rest)[0, 1])


def others_mean(study: Study, groups: np.ndarray, seed: int) -> np.ndarray:
    """[N] for each clip the mean label of its group's clips in the training folds; no feature."""
    truth = study.splits["all"].labels.numpy()
    said = np.zeros(len(truth))
    for _, places in study.parts(seed):
        tested = np.isin(np.arange(len(truth)), places.numpy())
        for i in places.tolist():
            same = (groups == groups[i]) & ~tested
            said[i] = truth[same].mean() if same.any() else truth[~tested].mean()
    return said


def fewer(study: Study, seed: int) -> np.ndarray:
    """[N] what ridge regression on the words says when it trains on what others train on."""
    said = np.zeros(study.samples)
    for parts, places in study.parts(seed):
        said[places.numpy()] = ridge(
            parts["train"].select("language"), parts["test"].select("language")
        )
    return said


def main(
    runs: Annotated[Path, typer.Argument(help="The folder runs of `dmdlite reproduce --out`")],
) -> None:
    """Measure and write benchmarks/results/people.json, of mosi400_aligned and its copy unnamed."""
    named, unnamed = (Study(f"mosi400_aligned{x}", folds=FOLDS) for x in ("", "_unnamed"))
    pool = named.splits["all"]
    groups, truth = np.array(pool.groups), pool.labels.numpy()
    systems = {s.name: s for e in ("table3", "simple") for s in EXPERIMENTS[e].systems}
    searched = found_so_far(EXPERIMENTS["table1"].systems, named, runs, BUDGET)
    systems |= {f"{s.name}, tuned": s for s in searched}

    def said(study: Study, name: str) -> np.ndarray:
        if name == SHORT:
            return np.array([fewer(study, seed) for seed in range(SEEDS)])
        folders = [Run(study, systems[name], seed).folder(runs) for seed in range(SEEDS)]
        return np.array([load_file(folder / OUTPUTS)["prediction"] for folder in folders])

    errors = {name: np.abs(said(named, name) - truth) for name in {n for p in PAIRS for n in p}}
    rows = [{"a": a, "b": b, **seen(errors[a] - errors[b], groups)} for a, b in PAIRS]
    words = [f"ridge on {m}" for m in pool.modalities]
    by_clip = {name: said(unnamed, name) for name in words}
    by_clip["mean of the video's other clips"] = np.array(
        [others_mean(unnamed, groups, seed) for seed in range(SEEDS)]
    )
    left = [
        {
            "read": name,
            "over_all": float(np.mean([np.corrcoef(p, truth)[0, 1] for p in found])),
            "within_videos": float(np.mean([within(p, truth, groups) for p in found])),
        }
        for name, found in by_clip.items()
    ]
    for row in rows + left:
        typer.echo(
            "  ".join(f"{k} {v:+.3f}" if isinstance(v, float) else v for k, v in row.items())
        )
    write_result(
        "people", clips=len(truth), videos=len(set(groups)), shuffles=SEEDS, rows=rows, by_clip=left
    )


if __name__ == "__main__":
    typer.run(main)
