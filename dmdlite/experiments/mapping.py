"""`dmdlite reproduce map`: run curves, write rows, figures and slopes (Chapter 14)."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from inspect import getsource
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch
import typer
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from ..checkpoint import code_version
from ..data.toy import known
from ..data.worlds import spelled, toy_name, turn
from ..errors import ConfigError
from ..files import claimed, read_json, replacing, write_json
from ..metrics import sentiment_metrics
from ..plots.sweeps import dose_curves
from . import ceiling
from .artifacts import as_written, csv_of
from .curves import CURVES, DRAWS, Curve, planned
from .search import BUDGET
from .slopes import chosen, kept, place, rows_of, summary
from .study import Study
from .sweep import sweep
from .writing import check_settings, settings_of

READ, SWEEPS = 200, 60  # test clips that the ceiling reads, and how long: a tenth of a minute


def chosen_curves(what: str) -> list[str]:
    """The curves that a name stands for: "map" for all."""
    return list(CURVES) if what == "map" else [what]


def draw_map(what: str, out: Path, draws: int | None, jobs: int, shared: Study) -> None:
    """Run what is open of these curves and write everything to OUT/map.

    Raises ConfigError for data of one's own, folds, labels, or fewer than two draws.
    """
    if shared.data != "toy" or shared.folds or shared.labelled is not None:
        raise ConfigError("the map is of the toy's worlds: without --data, --folds and --labelled")
    draws = DRAWS if draws is None else draws
    if draws < 2:
        raise ConfigError(f"draws: 2 or more, for a slope with an interval, got {draws}")
    names, runs, folder = chosen_curves(what), out / "runs", out / "map"
    settings = settings_of(shared, BUDGET)
    check_settings(folder, [place(folder, name).stem for name in names], settings)
    with claimed(out):
        sweep([run for n in names for run in planned(CURVES[n], draws, shared)], runs, jobs)
        for name in names:
            rows = rows_of(CURVES[name], draws, shared, runs)
            ceilings = ceiling_rows(CURVES[name], draws, shared, runs, jobs)
            rows = as_written(pd.concat([rows, ceilings], ignore_index=True)[rows.columns])
            _written(place(folder, name), csv_of(rows))
            if settings:
                write_json(place(folder, name).with_suffix(".json"), {"settings": settings})
            measure, base = CURVES[name].measure, CURVES[name].control[1]
            figure = dose_curves(chosen(rows, measure), CURVES[name].dial, measure, base)
            with replacing(place(folder, name).with_suffix(".png")) as temporary:
                figure.savefig(temporary, format="png", dpi=150)
            plt.close(figure)
        table = summary(kept(folder))
        _written(folder / "slopes.md", table.markdown())
    typer.echo(f"{table.markdown()}\nwritten to {folder}: {', '.join(names)}")


def listing(out: Path) -> str:
    """One line a curve: what it asks, and whether OUT/map has it."""
    there = {name: "done" if place(out / "map", name).exists() else "" for name in CURVES}
    return "\n".join(f"{name:17}{there[name]:6}{curve.asks}" for name, curve in CURVES.items())


def _written(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def ceiling_rows(curve: Curve, draws: int, shared: Study, runs: Path, jobs: int) -> pd.DataFrame:
    """A row a dose and draw: what the reader who was told the world makes of its first READ test
    clips. A world that differs in its labels alone is read once."""
    pairs = [(dose, draw) for draw in range(draws) for dose in curve.doses]
    names = [_world_of(curve.study(dose, draw, shared)) for dose, draw in pairs]
    tasks = Parallel(jobs, return_as="generator_unordered")(
        delayed(_ceiling)(name, runs) for name in dict.fromkeys(names)
    )
    for _ in tqdm(tasks, total=len(set(names)), unit="world", desc="ceiling", file=sys.stderr):
        pass
    return pd.DataFrame(
        _ceiling(name, runs) | {"arm": "ceiling", "dose": dose, "draw": draw}
        for name, (dose, draw) in zip(names, pairs, strict=True)
    )


def _world_of(study: Study) -> tuple:
    """Seed, sizes and world of a study's draw, whatever its training labels."""
    name = turn(study.data, study.tested)
    seed, sizes, world = spelled(toy_name(name, study.draw + spelled(name)[0]))
    return seed, sizes, replace(world, label_noise=0.0, label_noise_from=None)


def _ceiling(about: tuple, runs: Path) -> dict[str, float]:
    """The ceiling's scores in a world; what was read is not read again."""
    code = f"{code_version()} {getsource(ceiling)}"  # which makes no run's numbers, but these
    name = hashlib.sha256(f"{code} {about} {READ} {SWEEPS}".encode()).hexdigest()[:12]
    path = runs / f"ceiling-{name}.json"
    if not path.exists():
        maps, clips = known(*about)
        test = clips["test"][:READ]
        predicted = torch.tensor(ceiling.from_clips(test, maps, about[2], SWEEPS)).float()
        labels = torch.tensor([clip["y"] for clip in test])
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, sentiment_metrics(predicted, labels))
    return read_json(path)
