"""`dmdlite predict`: a line a clip, and a picture of what each modality says by itself."""

from __future__ import annotations

import re
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

# The whole line: a file to which somebody added a column is theirs.
HEADER = re.compile(r"id,label,prediction(,(homo|hetero)_[^,\n]+)*\n")
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
    modality, or either of an edge's two; edges of a unit whose loss had no weight are left out.
    """
    if picture is not None and picture.suffix not in (".png", ".svg", ".pdf"):
        raise DataError(f"--picture {picture}: give it the ending .png, .svg or .pdf")
    if picture is not None and picture.resolve() == out.resolve():
        raise DataError(f"--picture {picture}: is --out, too")
    model, splits, split = load_run(run, data, split, device)
    ours(out, HEADER)
    if picture is not None:
        ours(picture, MARK)
    model.check_data(splits[split])
    table = predictions(model, splits[split])
    with replacing(out) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6f")
    typer.echo(f"{len(table)} predictions in {out}")
    if picture is not None:
        _draw(table, model, picture, f"{run.name} on {Path(data).name}")
        typer.echo(f"each modality's own opinion in {picture}")


def predictions(model: SentimentModel, dataset: MultimodalDataset) -> pd.DataFrame:
    """A row a clip: id, label, prediction, and for each GD-Unit UNIT of the model UNIT_MODALITY,
    its logit, and UNIT_TEACHER_to_STUDENT, the edge's weight; NaN where there is none. A unit whose
    loss had no weight has no edges that were learned, and none here."""
    edges = list(permutations(range(len(model.config.modalities)), 2))
    x = measured(model, dataset)
    here = x["present"]
    both = here[:, :, None] & here[:, None]
    numbers = [x["labels"][:, None], x["prediction"][:, None]]
    numbers += [x[f"{unit}_logits"].masked_fill(~here, torch.nan) for unit in units_of(model)]
    for unit in distilling(model):
        weights = x[f"{unit}_weights"].masked_fill(~both, torch.nan)
        numbers += [weights[:, i, j, None] for i, j in edges]
    table = torch.cat(numbers, dim=1).double().numpy()
    table = pd.DataFrame(table, columns=columns_of(model))
    table.insert(0, "id", list(dataset.ids))
    return table


def columns_of(model: SentimentModel) -> list[str]:
    """What `predictions` says of a clip, beside its id."""
    names, units = model.config.modalities, units_of(model)
    columns = ["label", "prediction", *(f"{unit}_{m}" for unit in units for m in names)]
    return columns + [
        f"{unit}_{i}_to_{j}" for unit in distilling(model) for i, j in permutations(names, 2)
    ]


def units_of(model: SentimentModel) -> list[str]:
    """The GD-Units that a model has; none, if it is not DMD."""
    return [unit for unit in UNITS if getattr(model, unit, None) is not None]


def distilling(model: SentimentModel) -> list[str]:
    """Those of them whose distillation loss has a weight, so that their graph is learned."""
    weight = model.config.lambda_ddl if units_of(model) else 0
    return [u for u in units_of(model) if getattr(model.config, f"{u}_gd") and weight > 0]


def _draw(table: pd.DataFrame, model: SentimentModel, path: Path, title: str) -> None:
    """The picture, with the logits and edges of the first unit: HomoGD's, if there is one."""
    names, units = model.config.modalities, units_of(model)[:1]
    logits = {m: table[f"{unit}_{m}"].to_numpy() for unit in units for m in names}
    weights = {
        (i, j): table[f"{unit}_{i}_to_{j}"].fillna(0).to_numpy()
        for unit in distilling(model)
        if unit in units
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
