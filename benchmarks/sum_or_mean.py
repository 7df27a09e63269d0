"""Why the toy's error falls when padding is not masked; eight minutes.

Without the mask a mean over time is a sum over time, but for a constant. Three worlds tell whether
that is what helps: the toy, where the label averages over events whose number does not depend on a
clip's length; one where all clips last 7 s, so that sum and mean are the same; one where events
come by the second. Ten draws of each, with data and initial weights of their own; ridge regression
on sums and on means, and FD (DMD's skeleton) without and with the mask.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer
from common import write_result
from joblib import Parallel, delayed
from tqdm import tqdm

from dmdlite import DMD, TrainConfig, evaluate, fit, seed_everything
from dmdlite.baselines.simple import ridge
from dmdlite.data.scaling import standardize
from dmdlite.data.toy import WORLDS, make_toy
from dmdlite.experiments.controls import CONTROLS
from dmdlite.experiments.systems import SYSTEMS, recipe


def one_draw(world: str, draw: int) -> dict:
    """Both models on the same clips, each with and without."""
    toy = make_toy(draw, world=WORLDS[world])
    train, test = standardize(toy["train"], toy["test"])
    row = {"world": world, "draw": draw}
    for pooling in ("mean", "sum"):
        error = ridge(train, test, pooling=pooling) - test.labels.numpy()
        row[f"ridge on {pooling}s"] = float(np.abs(error).mean())
    for name in ("FD", "FD, no padding mask"):
        system = SYSTEMS[name]
        splits = CONTROLS[system.control](toy, draw)
        seed_everything(draw)
        model = DMD.for_dataset(splits["train"], **system.fields(3))
        config = TrainConfig(seed=draw, device="cpu", progress=False, **recipe("toy", 0)[1])
        fit(model, splits, config)
        scores = evaluate(model, splits["test"])
        row |= {name: scores["mae"], f"{name}, corr": scores["corr"]}
    return row


def main(draws: Annotated[int, typer.Option(help="Of every world")] = 10) -> None:
    """Measure and write benchmarks/results/sum_or_mean.json."""
    tasks = [delayed(one_draw)(world, draw) for draw in range(draws) for world in WORLDS]
    found = Parallel(-1, return_as="generator")(tasks)
    rows = list(tqdm(found, total=len(tasks), unit="draw"))
    for world in WORLDS:
        own = [row for row in rows if row["world"] == world]
        for without, plain in (("ridge on sums", "ridge on means"), ("FD, no padding mask", "FD")):
            gap = np.array([row[without] - row[plain] for row in own])
            error = gap.std(ddof=1) / len(gap) ** 0.5
            print(f"{world:22}{without:22}{gap.mean():+.3f}, standard error {error:.3f}")
    write_result("sum_or_mean", draws=draws, rows=rows)


if __name__ == "__main__":
    typer.run(main)
