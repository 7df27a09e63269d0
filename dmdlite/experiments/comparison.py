"""Tables 1 and 2: every system on the same data, with the same budget (Chapter 13)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from safetensors.torch import load_file

from ..data.groups import groups_tested_on
from ..plots.sweeps import cost_scatter, interval_dots
from ..registry import ALL, MODELS
from . import paper
from .formatting import NONE, Table, about, repeated, shown, values
from .ranking import LEVELS, rank_intervals
from .runs import OUTPUTS, Run
from .search import dropout_field, was_searched
from .systems import KINDS, TABLE_1
from .tables import score_table

FAMILIES = {name: cls.family for name, cls in ALL.items()}
FAMILIES |= {"ridge": "time means", "ridge, absolute error": "time means"}
FAMILIES |= {"MISA, absolute error": FAMILIES["MISA"]}


def comparison(rows: pd.DataFrame, number: int, searched: bool = True) -> Table:
    """Table 1 (MOSI) or 2 (MOSEI): our scores, and the paper's of both settings."""
    reported = {1: paper.TABLE_1, 2: paper.TABLE_2}[number]
    published = {
        f"{head}, paper": {name: _both(reported, name, k) for name in (*MODELS, "DMD*")}
        for k, head in enumerate(("ACC7", "ACC2", "F1"))
    }
    data = {1: "MOSI", 2: "MOSEI"}[number]
    how = "width, learning rate and dropout searched alike for all"
    caption = (
        f"Table {number}. Paper: {data}, aligned / unaligned; * BERT as language input. "
        f"Ours: {how if searched else 'every system by its defaults, nothing searched'}."
    )
    return score_table(rows, [*TABLE_1, "DMD*"], published, caption)


def _both(reported: Mapping[str, Mapping[str, tuple]], system: str, k: int) -> str:
    """ "aligned / unaligned" of one score; a star where only the version with BERT is reported."""
    cells = []
    for setting in ("aligned", "unaligned"):
        found = reported[setting].get(system)
        star = "" if found or system.endswith("*") else "*"
        found = found or reported[setting].get(f"{system}*")
        cells.append(f"{found[k]:.1f}{star}" if found else NONE)
    return " / ".join(cells) if any(cell != NONE for cell in cells) else NONE


def chosen(own: list[Run]) -> pd.DataFrame:
    """What the search settled on: a row a system and draw."""
    lines = {}
    for run in own:
        if run.system.kind in KINDS:
            model, training = run.configs
            lines[run.system.name, run.study.draw] = {
                "system": run.system.name,
                "draw": run.study.draw,
                "dim": getattr(model, "dim", np.nan),
                "learning_rate": training.learning_rate,
                "dropout": getattr(model, dropout_field(run.system.kind), np.nan),
                "pooling": getattr(model, "pooling", ""),
            }
    return pd.DataFrame(list(lines.values()))


def cost_table(rows: pd.DataFrame, settings: pd.DataFrame, searched: bool = True) -> Table:
    """What each system costs, and with which settings."""
    cells = []
    for system in [s for s in TABLE_1 if s in set(rows["system"])]:
        own = settings[settings["system"] == system]
        cells.append(
            (
                system,
                _range(values(rows, system, "parameters")),
                shown(values(rows, system, "epochs"), 0, 1) if len(own) else NONE,
                shown(values(rows, system, "seconds"), 1, 1),
                *(_counted(own[name]) for name in ("dim", "learning_rate", "dropout")),
            )
        )
    columns = ("system", "parameters", "epochs", "seconds", "width", "learning rate", "dropout")
    searches = settings["draw"].nunique()
    where = f"in so many of {searches} draws" if searches > 1 else "on seed 0"
    which = f"the settings that the search chose {where}" if searched else "its default settings"
    caption = f"Size, training time of a run, and {which}. {about(rows)}"
    return Table(caption, columns, tuple(cells))


def _range(sizes: np.ndarray) -> str:
    """One size, or the smallest and the largest."""
    return " – ".join(f"{size:,.0f}" for size in sorted({sizes.min(), sizes.max()}))


def _counted(picked: pd.Series) -> str:
    """What was chosen, the commonest first, with how often where that differs."""
    counts = picked.value_counts()
    if len(counts) < 2:
        return f"{counts.index[0]:g}" if len(counts) else NONE
    return ", ".join(f"{value:g} ({n})" for value, n in counts.items())


def ranks(own: list[Run], runs: Path) -> pd.DataFrame:
    """`rank_intervals` of the absolute errors that the runs left, and what was resampled: whole
    groups where the data name them."""
    errors: dict[str, list] = {}
    groups: dict[int, tuple[str, ...]] = {}
    for run in own:
        outputs = load_file(run.folder(runs) / OUTPUTS)
        error = (outputs["prediction"] - outputs["labels"]).abs().numpy()
        errors.setdefault(run.system.name, []).append(error)
        groups[run.seed] = groups_tested_on(run.study.splits)
    known = all(groups.values())
    found = rank_intervals(errors, list(groups.values()) if known else None)
    return found.assign(resampled="groups of test samples" if known else "test samples")


def rank_table(found: pd.DataFrame, rows: pd.DataFrame) -> Table:
    """The ranking, the best first, and how far it can be trusted."""
    cells = tuple(
        (
            str(r.rank),
            r.system,
            f"{r.mae:.3f}",
            f"{r.mae_low:.3f} – {r.mae_high:.3f}",
            f"{r.rank_low} – {r.rank_high}",
            f"{100 * r.first:.0f}",
        )
        for r in found.itertuples()
    )
    share = round(100 * (LEVELS[1] - LEVELS[0]))
    columns = ("rank", "system", "MAE", f"MAE, {share} %", f"rank, {share} %", "first (%)")
    caption = (
        f"Ranking by MAE; intervals from a bootstrap over {found['resampled'].iloc[0]} and "
        f"{repeated(rows)}s. {about(rows)}"
    )
    return Table(caption, columns, cells)


def compared(
    rows: pd.DataFrame, own: list[Run], runs: Path, number: int
) -> tuple[dict[str, Table], dict[str, Figure], dict[str, pd.DataFrame]]:
    """Tables, figures and points of Table 1 or 2."""
    settings, ranking = chosen(own), ranks(own, runs).round(6)
    searched = any(map(was_searched, own))
    tables = {
        "": comparison(rows, number, searched),
        "ranks": rank_table(ranking, rows),
        "cost": cost_table(rows, settings, searched),
    }
    figures = {"": ranking_plot(ranking, rows), "cost": cost_plot(ranking, rows)}
    return tables, figures, {"ranks": ranking, "chosen": settings}


def ranking_plot(ranking: pd.DataFrame, rows: pd.DataFrame, ceiling: float | None = None) -> Figure:
    """MAE of every system with its interval, the best first; the floor, and a ceiling where one is
    known (Chapter 11)."""
    frame = {} if ceiling is None else {"ceiling": ceiling}
    return interval_dots(ranking, frame | {"floor": rows["floor_mae"].mean()}, _families(ranking))


def cost_plot(ranking: pd.DataFrame, rows: pd.DataFrame) -> Figure:
    """MAE against parameters and against training time."""
    cost = rows.groupby("system")[["parameters", "seconds"]].mean()
    cost["seconds"] = cost["seconds"].clip(lower=0.1)  # rows are timed to a tenth
    return cost_scatter(ranking.join(cost, on="system"), _families(ranking))


def _families(ranking: pd.DataFrame) -> dict[str, str]:
    """System -> family, of those that were ranked, families in their order."""
    there = set(ranking["system"])
    order = list(dict.fromkeys(FAMILIES.values()))
    ranked = sorted(FAMILIES, key=lambda system: order.index(FAMILIES[system]))
    return {system: FAMILIES[system] for system in ranked if system in there}
