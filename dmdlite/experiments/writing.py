"""The files of `dmdlite reproduce`: where they go, and that they replace nobody else's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

from ..config import TrainConfig
from ..errors import DataError
from ..files import read_json, replacing, write_json
from .artifacts import Artifacts, csv_of
from .search import BUDGET
from .study import Study
from .systems import EXPERIMENTS, recipe


def check_place(out: Path) -> None:
    """Raises DataError unless `out` is new, empty, or holds what this command writes."""
    found = [p for p in out.glob("*") if not p.name.startswith(".")] if out.is_dir() else [out]
    runs = list((out / "runs").glob("*-seed*"))
    begun = found == [out / "runs"] and not any((out / "runs").iterdir())
    # Tables whose runs are not there, as in a clone of this repository.
    tables = all(
        p.name == "map" or any((p / f"{name}.json").is_file() for name in EXPERIMENTS)
        for p in found
    )
    if out.exists() and found and not (runs or begun or tables):
        raise DataError(
            f"{out}: holds something else than runs of reproduce; choose another folder"
        )


def check_settings(folder: Path, names: list[str], settings: dict[str, Any]) -> None:
    """Raises DataError where a table of other settings lies that this one would replace."""
    for name in names:
        rows, about = folder / f"{name}.csv", folder / f"{name}.json"
        there = read_json(about).get("settings", {}) if about.is_file() else {}
        if rows.is_file() and there != settings:
            raise DataError(
                f"{rows}: made with other settings ({there or 'none'}); choose another --out"
            )


def settings_of(study: Study, budget: int) -> dict[str, Any]:
    """What was asked for that is not the recipe's, as JSON has it."""
    model, training = recipe(study.data, study.folds)
    usual = TrainConfig().to_dict() | training | model
    asked = dict(study.model) | dict(study.training)
    found = {k: v for k, v in asked.items() if usual.get(k) != v}
    found |= {"standardized": True} if study.standardized else {}
    found |= {"trials": budget} if budget != BUDGET else {}
    return json.loads(json.dumps(found))


def write_artifacts(
    made: Artifacts, rows: pd.DataFrame, name: str, folder: Path, settings: dict[str, Any]
) -> None:
    """CSV of the experiment's runs and points, its tables, its figures, and facts about it."""
    write_csv(rows.dropna(axis=1, how="all"), folder / f"{name}.csv")
    for part, points in made.points.items():
        write_csv(points, folder / f"{name}_{part}.csv")
    for part, table in made.tables.items():
        stem = "_".join(filter(None, (name, part)))
        for suffix, text in (("md", table.markdown()), ("tex", table.latex())):
            with replacing(folder / f"{stem}.{suffix}") as temporary:
                temporary.write_text(text, encoding="utf-8")
    for part, figure in made.figures.items():
        stem = "_".join(filter(None, (name, part)))
        for suffix, about in (("png", {}), ("svg", {"Date": None})):  # no date: same in, same out
            path = folder / f"{stem}.{suffix}"
            with replacing(path) as temporary, plt.rc_context({"svg.hashsalt": name}):
                figure.savefig(temporary, format=suffix, dpi=150, metadata=about)
        plt.close(figure)
    facts = ["data", "setting", "folds", "grouping", "samples", "device", "dmdlite", "torch"]
    first = {fact: rows[fact].iloc[0] for fact in facts}
    first |= {"seeds": rows["seed"].nunique(), "runs": len(rows)}
    first |= {"seconds": round(rows["seconds"].sum(), 1), "date": rows["date"].max()}
    if settings:
        first["settings"] = settings
    if rows["labelled"].notna().any():
        first["labelled"] = rows["labelled"].iloc[0]
    plain = {k: v.item() if hasattr(v, "item") else v for k, v in first.items()}
    write_json(folder / f"{name}.json", {"experiment": name, **plain})


def write_csv(rows: pd.DataFrame, path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text(csv_of(rows), encoding="utf-8")
