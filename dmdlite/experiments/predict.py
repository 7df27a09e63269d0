"""`dmdlite predict`: a line a clip, and a picture of what each modality says by itself."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Annotated

import matplotlib.pyplot as plt
import pandas as pd
import torch
import typer

from ..base import SentimentModel
from ..commands.options import DataName, Device, RunFolder, Split
from ..commands.running import load_run
from ..data import MultimodalDataset
from ..errors import DataError
from ..files import ours, replacing
from ..plots.opinions import opinions
from .measures import UNITS, measured

FIRST = "id,label,prediction"
MARK = "dmdlite predict"  # in the picture's metadata: what may be drawn anew


def predict(
    run: RunFolder,
    data: DataName,
    out: Annotated[Path, typer.Option(help="The CSV file to write")],
    split: Split = None,
    picture: Annotated[
        Path | None, typer.Option(help="PNG, SVG or PDF to draw: each clip, each modality alone")
    ] = None,
    device: Device = None,
) -> None:
    """Write id, label and prediction, one line a clip; of a DMD also every modality's own logits
    and the edges' weights, from teacher to student.

    The clips need no labels. A cell stays empty where there is none, or where the clip lacks the
    modality.
    """
    if picture is not None and picture.suffix not in (".png", ".svg", ".pdf"):
        raise DataError(f"--picture {picture}: give it the ending .png, .svg or .pdf")
    if picture is not None and picture.resolve() == out.resolve():
        raise DataError(f"--picture {picture}: is --out, too")
    model, splits, split = load_run(run, data, split, device)
    ours(out, FIRST)
    if picture is not None:
        ours(picture, MARK)
    if model.scaler is not None:
        model.scaler.check(splits[split])
    table = predictions(model, splits[split])
    with replacing(out) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6f")
    typer.echo(f"{len(table)} predictions in {out}")
    if picture is not None:
        _draw(table, model, picture, f"{run.name} on {Path(data).name}")
        typer.echo(f"each modality's own opinion in {picture}")


def predictions(model: SentimentModel, dataset: MultimodalDataset) -> pd.DataFrame:
    """A row a clip: id, label, prediction, and for each GD-Unit UNIT of the model UNIT_MODALITY,
    its logit, and UNIT_TEACHER_to_STUDENT, the edge's weight; NaN where there is none."""
    units, names = units_of(model), model.config.modalities
    edges = list(permutations(range(len(names)), 2))
    columns = ["label", "prediction", *(f"{unit}_{m}" for unit in units for m in names)]
    columns += [f"{unit}_{names[i]}_to_{names[j]}" for unit in units for i, j in edges]
    x = measured(model, dataset)
    numbers = [x["labels"][:, None], x["prediction"][:, None]]
    numbers += [x[f"{unit}_logits"].masked_fill(~x["present"], torch.nan) for unit in units]
    numbers += [x[f"{unit}_weights"][:, i, j, None] for unit in units for i, j in edges]
    table = pd.DataFrame(torch.cat(numbers, dim=1).double().numpy(), columns=columns)
    table.insert(0, "id", list(dataset.ids))
    return table


def units_of(model: SentimentModel) -> list[str]:
    """The GD-Units that a model has; none, if it is not DMD."""
    return [unit for unit in UNITS if getattr(model, unit, None) is not None]


def _draw(table: pd.DataFrame, model: SentimentModel, path: Path, title: str) -> None:
    """The picture, with the logits and edges of the first unit: HomoGD's, if there is one."""
    names, units = model.config.modalities, units_of(model)[:1]
    logits = {m: table[f"{unit}_{m}"].to_numpy() for unit in units for m in names}
    weights = {
        (i, j): table[f"{unit}_{i}_to_{j}"].to_numpy()
        for unit in units
        for i, j in permutations(names, 2)
    }
    label, prediction = table["label"].to_numpy(), table["prediction"].to_numpy()
    figure = opinions(table["id"], prediction, label, logits, weights, title)
    about = {"Software" if path.suffix == ".png" else "Creator": MARK}
    with replacing(path) as temporary:
        figure.savefig(
            temporary, dpi=120, format=path.suffix[1:], metadata=about, bbox_inches="tight"
        )
    plt.close(figure)
