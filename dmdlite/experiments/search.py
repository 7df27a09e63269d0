"""The same small search for every system, judged on validation (Chapter 13).

A grid of two widths x two learning rates x two dropout rates. Four of its eight corners are tried:
the half that has every value twice, and every pair of two values once. They are tried with seed 0,
and the point with the lowest validation MAE is then run with every seed; or, over draws of the
data, every draw is searched with its own seed. Test samples decide nothing here.
With folds the judge is the mean over the folds' validation parts; samples that one fold
validates on are tested in another, alike for every system. The linear model, which has no width
and no dropout, tries its poolings in their place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..registry import YARDSTICKS
from .runs import Run
from .study import Study
from .sweep import plan
from .systems import KINDS, System, recipe

RATES, DROPOUTS = (5e-4, 2e-3), (0.1, 0.4)
BUDGET = 4  # points tried by default


def points(widths: tuple[int, int]) -> list[dict[str, Any]]:
    """The corners of the grid, the balanced half of them first."""
    order = (0, 3, 5, 6, 1, 2, 4, 7)
    corners = list(product(widths, RATES, DROPOUTS))
    return [dict(zip(("dim", "learning_rate", "dropout"), corners[i], strict=True)) for i in order]


def pooling_points() -> list[dict[str, Any]]:
    """What the linear model tries: every pooling with the higher rate, then with the lower."""
    pairs = product(reversed(RATES), ("sum", "mean", "both"))
    return [{"pooling": pooling, "learning_rate": rate} for rate, pooling in pairs]


def grid(system: System, study: Study) -> list[dict[str, Any]]:
    """The points of a system, in the order in which they are tried."""
    if system.kind in YARDSTICKS:
        return pooling_points()
    model, _ = recipe(study.data, study.folds)
    widths = (30, 50) if model.get("dim") == 50 else (16, 32)  # the recipe's heads divide them
    return points(widths)


def dropout_field(kind: str) -> str:
    """The field of a kind's configuration that the search's dropout sets: DMD's and MulT's heads
    have one of their own."""
    has = {f.name for f in fields(KINDS[kind].config_class)}
    return "output_dropout" if "output_dropout" in has else "dropout"


def trials(system: System, study: Study, budget: int) -> list[System]:
    """What is tried in place of a system that is to be searched; with a budget of 0, nothing."""
    most = len(points((0, 0)))
    if not 0 <= budget <= most:
        raise ConfigError(f"trials: from 1 to {most}, or 0 for no search, got {budget}")
    if not system.searched:
        return []
    names = {"dropout": dropout_field(system.kind)}
    return [
        replace(
            system,
            trial=number,
            settings=dict(system.settings)
            | {names.get(k, k): v for k, v in point.items() if k != "learning_rate"},
            training=dict(system.training) | {"learning_rate": point["learning_rate"]},
        )
        for number, point in enumerate(grid(system, study)[:budget], 1)
    ]


def found_so_far(systems: Iterable[System], study: Study, runs: Path, budget: int) -> list[System]:
    """The systems of this draw; a searched one with its best settings, or as its trials while some
    are open.

    A budget of 0 searches nothing and leaves each at its defaults.
    """
    found: list[System] = []
    for system in systems:
        group = trials(system, study, budget)
        results = [Run(study, trial, study.draw).result(runs) for trial in group]
        if not group:
            found.append(system)
        elif None in results:
            found += group
        else:
            errors = [result["valid_mae"] for result in results]
            found.append(replace(group[errors.index(min(errors))], trial=None))
    return found


def was_searched(run: Run) -> bool:
    """Whether the run has settings that a search found: every point sets a learning rate."""
    return run.system.searched and "learning_rate" in run.system.training


def overruled(study: Study, trials: Iterable[Run]) -> list[str]:
    """What was asked of the study and is set otherwise in these trials."""
    tried = [dict(run.system.settings) | dict(run.system.training) for run in trials]
    asked = dict((*study.model, *study.training))
    return [name for name in asked if any(name in point for point in tried)]


def to_try(systems: Iterable[System], study: Study, budget: int, draws: int | None) -> list[Run]:
    """The search: every trial of every system, on every draw; without draws on the data as they
    are."""
    return plan(
        study,
        lambda own: [t for s in systems for t in trials(s, own, budget)],
        1 if draws is None else draws,
        True,
    )


def to_run(
    systems: Iterable[System], study: Study, runs: Path, budget: int, seeds: int, draws: int | None
) -> list[Run]:
    """Every system with every seed, or on every draw, and the settings that it was found to be best
    with; its trials, once a draw, while some are open."""
    number = seeds if draws is None else draws
    found = plan(
        study, lambda own: found_so_far(systems, own, runs, budget), number, draws is not None
    )
    return [run for run in found if run.system.trial is None or run.seed == run.study.draw]


def search_rows(searched: list[Run], runs: Path) -> list[dict[str, Any]]:
    """What the search tried and found, a row a trial: `mae` is the test's, which it did not see."""
    rows = []
    for run in searched:
        point = grid(run.system, run.study)[run.system.trial - 1]
        result = run.result(runs)
        found = {k: result[k] for k in ("valid_mae", "mae", "parameters", "epochs", "seconds")}
        rows.append({"system": run.system.name, "draw": run.study.draw, **point, **found})
    return rows
