"""The same small search for every system that is compared: a few settings, judged on validation.

A grid of two widths x two learning rates x two dropout rates. Four of its eight corners are tried,
seed 0 each: the half that has every value twice, and every pair of two values once. The point
with the lowest validation MAE is then run with every seed. The test samples are not looked
at. With folds the judge is the mean over the folds' validation parts; samples that one fold
validates on are tested in another, alike for every system.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from .config import DMDConfig
from .experiments import KINDS, System, recipe
from .model_config import ConfigError
from .study import Study
from .sweep import Run, plan, sweep

RATES, DROPOUTS = (5e-4, 2e-3), (0.1, 0.4)
BUDGET = 4  # points tried by default
TRIAL = ", trial "  # before the number of a trial in its name


def points(widths: tuple[int, int]) -> list[dict[str, Any]]:
    """The corners of the grid, the balanced half of them first."""
    order = (0, 3, 5, 6, 1, 2, 4, 7)
    corners = list(product(widths, RATES, DROPOUTS))
    return [dict(zip(("dim", "learning_rate", "dropout"), corners[i], strict=True)) for i in order]


def trials(system: System, study: Study, budget: int) -> list[System]:
    """The systems that are tried in place of one that is to be searched."""
    most = len(points((0, 0)))
    if not 1 <= budget <= most:
        raise ConfigError(f"trials: from 1 to {most}, or 0 for no search, got {budget}")
    model, _ = recipe(study.data, study.folds)
    widths = (30, 50) if model.get("dim") == 50 else (16, 32)
    tried = []
    for number, point in enumerate(points(widths)[:budget], 1):
        has_parts = issubclass(KINDS[system.kind].config_class, DMDConfig)
        dropout = "output_dropout" if has_parts else "dropout"  # DMD's and MulT's: the head's
        found = {"dim": point["dim"], dropout: point["dropout"]}
        tried.append(
            replace(
                system,
                name=f"{system.name}{TRIAL}{number}",
                settings={**system.settings, **found},
                training={**system.training, "learning_rate": point["learning_rate"]},
                searched=False,
            )
        )
    return tried


def known(systems: Iterable[System], study: Study, runs: Path, budget: int) -> list[System]:
    """The systems; a searched one with its best settings, or as its trials while some are open.

    A budget of 0 searches nothing and leaves each at its defaults.
    """
    found: list[System] = []
    for system in systems:
        if not (system.searched and budget):
            found.append(replace(system, searched=False))
            continue
        group = trials(system, study, budget)
        results = [Run(study, trial, 0).result(runs) for trial in group]
        if None in results:
            found += group
            continue
        _, best = min(zip(results, group, strict=True), key=lambda pair: pair[0]["valid_mae"])
        found.append(replace(best, name=system.name))
    return found


def settled(
    systems: Iterable[System], study: Study, runs: Path, jobs: int, budget: int
) -> list[System]:
    """Every searched system is searched; the systems as they are then to be run."""
    systems = list(systems)
    wanted = [s for s in systems if s.searched] if budget else []
    sweep(plan(study, [t for s in wanted for t in trials(s, study, budget)], 1), runs, jobs)
    return known(systems, study, runs, budget)


def search_rows(
    systems: Iterable[System], study: Study, runs: Path, budget: int
) -> list[dict[str, Any]]:
    """What the search tried and found, a row a trial: `mae` is the test's, which it did not see."""
    rows = []
    for system in systems:
        for trial in trials(system, study, budget) if system.searched and budget else []:
            result = Run(study, trial, 0).result(runs)
            rows.append({
                "system": system.name,
                "dim": trial.settings["dim"],
                "learning_rate": trial.training["learning_rate"],
                "dropout": trial.settings.get("dropout", trial.settings.get("output_dropout")),
                **{k: result[k] for k in ("valid_mae", "mae", "parameters", "epochs", "seconds")},
            })  # fmt: skip
    return rows
