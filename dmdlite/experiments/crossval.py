"""`dmdlite crossval`: a model, ridge regression and shuffled-label controls on the same folds."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer

from ..commands.options import DataName, Device, Settings, parse_settings
from ..data.storage import warn_of_unfit
from ..errors import ConfigError, DataError
from ..files import ours, write_json
from ..registry import ALL, find_model
from .formatting import Table, score, undefined
from .runs import Run
from .study import Study
from .sweep import sweep
from .systems import System

SCORES = ("corr", "mae", "acc2")


def systems(name: str) -> list[System]:
    """A model and ridge regression, each also on shuffled training labels."""
    pairs = ((name, name), ("ridge", "ridge"))
    own = [System(title, kind=kind) for title, kind in pairs]
    return own + [
        replace(s, name=f"{s.name}, shuffled labels", control="shuffled labels") for s in own
    ]


def planned(study: Study, name: str, incomplete: bool, seeds: range) -> list[Run]:
    """Every system with every seed; a seed decides the shuffle into folds, too."""
    runs = [Run(study, system, seed) for seed in seeds for system in systems(name)]
    if incomplete:
        more = replace(study, incomplete=True)
        extra = [replace(s, name=f"{s.name} + incomplete") for s in systems(name)[:2]]
        runs += [Run(more, system, seed) for seed in seeds for system in extra]
    return runs


def summary(rows: pd.DataFrame) -> Table:
    """Mean ± sd over shuffles: a line a system, and the floor."""
    names = list(dict.fromkeys(rows["system"]))
    lines = [(name, *(score(rows, name, metric) for metric in SCORES)) for name in names]
    floor = rows.drop_duplicates("seed").assign(system="floor")
    floor = floor.assign(**{metric: floor[f"floor_{metric}"] for metric in SCORES})
    lines.append(("floor", *(score(floor, "floor", metric) for metric in SCORES)))
    first = rows.iloc[0]
    caption = (
        f"{first['data']}: {first['samples']} complete samples, {first['folds']} folds "
        f"{first['grouping']}, mean ± sd of {rows['seed'].nunique()} shuffles, "
        f"out-of-fold predictions.{undefined(rows)}"
    )
    return Table(caption, ("system", "corr", "MAE", "ACC2 (%)"), tuple(lines))


def crossval(
    data: DataName,
    model: Annotated[str, typer.Option(help="dmd, or one that `dmdlite models` lists")] = "dmd",
    folds: Annotated[int, typer.Option(help="Parts; each is tested on once a repeat")] = 5,
    repeats: Annotated[int, typer.Option(help="Shuffles of the samples")] = 3,
    seed: Annotated[int, typer.Option(help="First seed of shuffles and models")] = 0,
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="Also train with samples that lack a modality")
    ] = False,
    jobs: Annotated[int, typer.Option(help="Runs at a time; -1: one a core")] = -1,
    out: Annotated[Path | None, typer.Option(help="JSON file for all rows")] = None,
    device: Device = None,
    settings: Settings = None,
) -> None:
    """Cross-validate a model, with ridge regression and shuffled-label controls.

    The same folds, seeds and training as `dmdlite reproduce --folds`. The splits are pooled;
    samples that lack a modality are left out, or used for training only (--incomplete).
    """
    kind = find_model(model)
    name = next(known for known, cls in ALL.items() if cls is kind)
    refused = ("out", "seed", "device", "resume", "progress")
    model_set, train_set = parse_settings(settings, *refused, config_class=kind.config_class)
    if repeats < 1:
        raise ConfigError(f"repeats: 1 or more, got {repeats}")
    if folds < 2:
        raise ConfigError(f"folds: from 2 to half the samples, got {folds}")
    out = ours(out, '"rows": [\n    {\n      "system": ') if out else None
    warn_of_unfit(data)
    model_set, train_set = tuple(model_set.items()), tuple(train_set.items())
    study = Study(data, folds=folds, model=model_set, training=train_set, device=device)
    lacking = study.lacking
    if incomplete and not lacking:
        raise DataError(f"{data}: --incomplete, but no sample lacks a modality")
    typer.echo(f"{study.samples} complete samples, {lacking} lack a modality")
    typer.echo(f"folds {study.grouping}")
    runs = planned(study, name, incomplete, range(seed, seed + repeats))
    _ = runs[0].configs  # a setting that cannot work is refused before anything is trained
    with tempfile.TemporaryDirectory() as folder:
        rows = sweep(runs, Path(folder), jobs)
    typer.echo(summary(pd.DataFrame(rows)).markdown())
    if out:
        about = {"data": data, "folds": folds, "repeats": repeats, "seed": seed, "model": name}
        about |= {
            "grouping": study.grouping,
            "complete": study.samples,
            "incomplete": lacking,
            "torch": torch.__version__,
        }
        write_json(out, {**about, "rows": rows})
