"""The paper's tables: ours, the paper's value, the floor, a test (Tables 3-5, Chapter 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..config import paper_order
from . import paper
from .formatting import (
    NAMES,
    NONE,
    PERCENT,
    Table,
    about,
    holm,
    paired_p,
    score,
    shown,
    shown_difference,
    shown_p,
    values,
)
from .measures import UNITS
from .systems import CHOICE_CONTROLS, EDGE_CONTROLS, TABLE_3, TABLE_5, WEIGHTS


def score_table(
    rows: pd.DataFrame,
    systems: Sequence[str],
    published: Mapping[str, Mapping[str, float | str]],
    caption: str,
    metrics: Sequence[str] = ("acc7", "acc2", "f1", "mae"),
) -> Table:
    """One line a system: our scores, its MAE less DMD's with a 95 % interval, p of that (all of the
    table's together, by Holm), the paper's scores; then the floor.

    `published` has the paper's columns: heading -> system -> percent, or what to print. A system
    of the paper that was not run here has its published numbers only; another has no line.
    """
    run = set(rows["system"])
    systems = [s for s in systems if s in run or any(s in c for c in published.values())]
    heads = [f"{NAMES[m]}, ours" for m in metrics]
    columns = ["system", *heads, "MAE − DMD's, 95 %", "p (Holm)", *published]
    to_dmd = {}
    if "DMD" in run:
        dmd = values(rows, "DMD", "mae")
        to_dmd = {s: values(rows, s, "mae") - dmd for s in systems if s in run and s != "DMD"}
    p = dict(zip(to_dmd, holm([paired_p(d, 0 * d) for d in to_dmd.values()]), strict=True))
    cells = []
    for system in systems:
        line = [system] + [score(rows, system, m) if system in run else NONE for m in metrics]
        line += [shown_difference(to_dmd.get(system, ())), shown_p(p.get(system, np.nan))]
        line += [_published(c.get(system, NONE)) for c in published.values()]
        cells.append(tuple(line))
    cells.append(("floor", *(_floor(rows, m) for m in metrics), *[NONE] * (2 + len(published))))
    return Table(f"{caption} {about(rows)}", tuple(columns), tuple(cells))


def _published(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.1f}"


def _floor(rows: pd.DataFrame, metric: str) -> str:
    value = rows[f"floor_{metric}"].mean()
    return shown([value]) if metric in PERCENT else shown([value], 3, 1)


def table3(rows: pd.DataFrame) -> Table:
    """Table 3: DMD with parts left out."""
    heads = ("ACC7, MOSI, paper", "F1, MOSI, paper", "ACC7, MOSEI, paper", "F1, MOSEI, paper")
    published = {h: {s: v[k] for s, v in paper.TABLE_3.items()} for k, h in enumerate(heads)}
    return score_table(rows, TABLE_3, published, "Table 3.", ("acc7", "f1", "mae"))


def simple(rows: pd.DataFrame) -> Table:
    """DMD, its skeleton trained on the labels alone, and models on time averages."""
    caption = "DMD and simple models."
    return score_table(
        rows, list(dict.fromkeys(rows["system"])), {}, caption, ("acc2", "mae", "corr")
    )


def weights(rows: pd.DataFrame) -> Table:
    """What HomoGD's weight does to each modality's logit, their gap, and what codes hold."""
    names = modalities_of(rows)
    measured = {f"ACC2, {m}'s logit": (f"homo_{m}_acc2", 1, 100) for m in names}
    measured |= {f"ACC2, {m}'s code": (f"probe_{m}_acc2", 1, 100) for m in names}
    measured |= {"mean gap": ("homo_gap", 2, 1), "MAE": ("mae", 3, 1)}
    cells = tuple(
        (s, *(shown(values(rows, s, c), digits, k) for c, digits, k in measured.values()))
        for s in WEIGHTS
    )
    return Table(f"HomoGD at several weights. {about(rows)}", ("system", *measured), cells)


def table5(rows: pd.DataFrame) -> Table:
    """Table 5: a GD-Unit on MulT."""
    heads = [f"{m}, {d}, paper" for d in ("MOSI", "MOSEI") for m in ("ACC7", "ACC2", "F1")]
    published = {h: {s: v[k] for s, v in paper.TABLE_5.items()} for k, h in enumerate(heads)}
    caption = "Table 5. Weight 0: the unit's logits see the labels, nothing is distilled."
    return score_table(rows, TABLE_5, published, caption)


def modalities_of(rows: pd.DataFrame, unit: str = "homo") -> list[str]:
    """Names of the modalities whose logits the rows score, in the paper's order."""
    prefix, suffix = f"{unit}_", "_acc2"
    return paper_order(
        [c[len(prefix) : -len(suffix)] for c in rows if c.startswith(prefix) and c.endswith(suffix)]
    )


def alone(rows: pd.DataFrame, system: str, metric: str, unit: str = "homo") -> np.ndarray:
    """Scores of every modality's own logit: [modalities, seeds]."""
    names = modalities_of(rows, unit)
    return np.array([values(rows, system, f"{unit}_{m}_{metric}") for m in names])


def table4(rows: pd.DataFrame) -> Table:
    """Table 4: each modality's own logit without ("none") and with decoupling ("FD")."""
    names = modalities_of(rows)
    published = dict(zip((*names, "mean", "sd"), range(len(names) + 2), strict=True))
    cells = []
    found = {(s, k): alone(rows, s, k) for s in ("none", "FD") for k in ("acc2", "f1")}
    for name, i in published.items():
        reported = paper.TABLE_4.get(name, ())
        line = [name]
        for j, key in enumerate(found):
            line += [shown(_line(found[key], i)), f"{reported[j]:.1f}" if reported else NONE]
        p = paired_p(_line(found["none", "acc2"], i), _line(found["FD", "acc2"], i))
        cells.append((*line, shown_p(p)))
    heads = [
        f"{NAMES[k]} {s}, {by}"
        for s in ("w/o FD", "w/ FD")
        for k in ("acc2", "f1")
        for by in ("ours", "paper")
    ]
    caption = f"Table 4. Paper: MOSEI. sd is over modalities. {about(rows)}"
    return Table(caption, ("modality", *heads, "p (ACC2)"), tuple(cells))


def _line(scores: np.ndarray, i: int) -> np.ndarray:
    """Row i of [modalities, seeds]; past its end, the mean, then the sd over modalities."""
    extra = np.stack([scores.mean(0), scores.std(0)])
    return np.concatenate([scores, extra])[i]


def homogd(rows: pd.DataFrame) -> Table:
    """Sec. 4.2: each modality's own logit without ("FD") and with HomoGD."""
    without, with_ = (alone(rows, s, "acc2") for s in ("FD", "FD + HomoGD"))
    cells = []
    for name, a, b in zip(modalities_of(rows), without, with_, strict=True):
        reported = [f"{x:.1f}" for x in paper.HOMO_GD.get(name, ())] or [NONE, NONE]
        gain = shown(np.asarray(b) - a)
        cells.append((name, shown(a), shown(b), gain, shown_p(paired_p(a, b)), *reported))
    columns = (
        "modality",
        "ACC2 w/o HomoGD, ours",
        "w/ HomoGD, ours",
        "gain, ours",
        "p",
        "w/o HomoGD, paper",
        "w/ HomoGD, paper",
    )
    return Table(f"HomoGD (Sec. 4.2). Paper: MOSEI. {about(rows)}", columns, tuple(cells))


def gaps(rows: pd.DataFrame) -> Table:
    """Fig. 1a: each modality's own logit, and how far they lie apart."""
    systems = ("none", "FD", "FD + HomoGD", "DMD")
    found = {s: alone(rows, s, "acc2") for s in systems}
    cells = [
        (s, *(shown(line) for line in a), shown(a.max(0) - a.min(0))) for s, a in found.items()
    ]
    floor = (shown([rows["floor_acc2"].mean()]),) * len(modalities_of(rows))
    cells.append(("floor", *floor, NONE))
    columns = ("system", *modalities_of(rows), "largest − smallest")
    caption = f"Fig. 1a. ACC2 of each modality's own logit in HomoGD's unit. {about(rows)}"
    return Table(caption, columns, tuple(cells))


def edges_of(rows: pd.DataFrame, unit: str) -> list[tuple[str, str]]:
    """(from, to) of every edge the rows have."""
    names = modalities_of(rows, unit)
    return [(a, b) for a in names for b in names if a != b]


def edge_table(rows: pd.DataFrame, systems: Sequence[str], caption: str) -> Table:
    """Mean edge weights of both units: one line a system and unit."""
    edges = edges_of(rows, "homo")
    cells = tuple(
        (s, unit, *(shown(values(rows, s, f"{unit}_edge_{a}_{b}"), 2, 1) for a, b in edges))
        for s in systems
        for unit in UNITS
    )
    columns = ("system", "unit", *(f"{a} → {b}" for a, b in edges))
    return Table(
        f"{caption} Alike they would be {1 / len(edges):.2f}. {about(rows)}", columns, cells
    )


def fig5(rows: pd.DataFrame) -> Table:
    """Fig. 5's edges in numbers."""
    said = "; ".join(
        f"{unit}: " + ", ".join(f"{a} → {b}" for a, b in edges)
        for unit, edges in paper.FIG_5.items()
    )
    return edge_table(rows, ("DMD",), f"Fig. 5. Paper, dominant edges: {said}.")


def edge_controls(rows: pd.DataFrame) -> Table:
    """Edge weights with and without the prior, on data and on what is none."""
    return edge_table(rows, EDGE_CONTROLS, "Edges under control.")


def choice_controls(rows: pd.DataFrame) -> Table:
    """One choice at a time against DMD."""
    return score_table(rows, CHOICE_CONTROLS, {}, "Choices, one at a time.")
