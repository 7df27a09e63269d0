"""Figures of what a sweep found, one function each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import t as student

from .arrays import grids
from .style import COLOURS, FLOOR, GROUND, INK, MARKERS, mark, panels, styled


def edge_names(edges: Sequence[tuple[str, str]]) -> list[str]:
    """("language", "vision") -> "L→V"; whole names where two modalities share a first letter."""
    names = {name for edge in edges for name in edge}
    letters = {name: name[0].upper() for name in names}
    shown = letters if len(set(letters.values())) == len(names) else {name: name for name in names}
    return [f"{shown[a]}→{shown[b]}" for a, b in edges]


@styled
def system_dots(
    scores: Mapping[str, Sequence[float]],
    label: str,
    floor: float | None = None,
    at_floor: str = "floor",
) -> Figure:
    """One line a system: a dot for each seed, its mean as a bar, the floor as a dashed line, or
    another number, named by `at_floor`.

    The axis does not start at zero, so that spreads can be seen; nothing is drawn from zero.
    """
    figure, ax = plt.subplots(figsize=(7, 1.0 + 0.36 * len(scores)))
    for row, numbers in enumerate(scores.values()):
        ax.plot(numbers, [row] * len(numbers), "o", color=COLOURS[0], markersize=5, alpha=0.6)
        ax.plot(np.mean(numbers), row, "|", color=INK, markersize=16, markeredgewidth=2.5)
    if floor is not None:
        ax.axvline(floor, color=FLOOR, linestyle="--")
        ax.annotate(at_floor, (floor, -0.6), color=FLOOR, ha="center", annotation_clip=False)
    ax.set(yticks=range(len(scores)), yticklabels=list(scores), xlabel=label)
    ax.set_ylim(len(scores) - 0.5, -0.5)
    ax.grid(axis="y", color="#dddddd")
    return figure


@styled
def code_map(points: pd.DataFrame, by: str) -> Figure:
    """t-SNE pictures, a panel a system: columns system, x, y, class, sign, modality, name.

    A marker is a modality; `by` "class" colours by emotion from blue (negative) to red.
    """
    systems = list(dict.fromkeys(points["system"]))
    figure, axes = panels(len(systems), 3.7, 3.6)
    names = list(dict.fromkeys(points["name"]))
    for ax, system in zip(axes, systems, strict=True):
        shown = points[points["system"] == system]
        for i, name in enumerate(names):
            part = shown[shown["name"] == name]
            colour: dict[str, Any] = {"color": COLOURS[i]}
            if by == "class":
                colour = {"c": part["class"], "cmap": "vlag", "vmin": -3, "vmax": 3}
            size, rim = (26, 0.3) if len(shown) < 200 else (7, 0)
            drawn = ax.scatter(
                part["x"],
                part["y"],
                marker=MARKERS[i],
                s=size,
                edgecolor=INK,
                linewidth=rim,
                label=name,
                rasterized=True,
                **colour,
            )
        ax.set(title=system, xticks=[], yticks=[])
    axes[-1].legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    if by == "class":
        key = {"location": "bottom", "shrink": 0.4, "aspect": 30, "label": "sentiment class"}
        figure.colorbar(drawn, ax=list(axes), **key)
    return figure


@styled
def edge_violins(weights: pd.DataFrame) -> Figure:
    """How each edge's weight differs over clips: columns unit, edge, weight; a panel a unit."""
    units = list(dict.fromkeys(weights["unit"]))
    edges = list(dict.fromkeys(weights["edge"]))
    figure, axes = plt.subplots(len(units), 1, figsize=(7, 2.5 * len(units)), squeeze=False)
    for i, (ax, unit) in enumerate(zip(axes[:, 0], units, strict=True)):
        part = weights[weights["unit"] == unit]
        sns.violinplot(
            part,
            x="edge",
            y="weight",
            order=edges,
            ax=ax,
            color=COLOURS[i],
            inner="quart",
            cut=0,
            density_norm="width",
            linewidth=1,
        )
        ax.axhline(1 / len(edges), color=FLOOR, linestyle="--")
        ax.set(title=f"{unit.capitalize()}GD", xlabel="", ylabel="weight", ylim=(0, None))
    axes[-1, 0].set_xlabel("edge, from teacher to student; dashed: all alike")
    return figure


def edge_grid(weights: Mapping[str, Mapping[str, Any]], edges: Sequence[str]) -> Figure:
    """Mean edge weights: title -> system -> one number an edge."""
    first = next(iter(weights.values()))
    matrices = {title: np.array(list(part.values())) for title, part in weights.items()}
    return grids(matrices, "edge", "", list(edges), list(first))


def family_styles(families: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Family -> colour and marker; more families than colours start again with open markers."""
    names = list(dict.fromkeys(families.values()))
    styles = {}
    for i, name in enumerate(names):
        look = mark(i)
        face = look["color"] if i < len(COLOURS) else GROUND
        styles[name] = {"color": look["color"], "marker": look["marker"], "markerfacecolor": face}
    return styles


@styled
def interval_dots(
    ranking: pd.DataFrame, frame: Mapping[str, float], families: Mapping[str, str]
) -> Figure:
    """Columns system, mae, mae_low, mae_high: one line a system, coloured by family.

    `frame`, the floor and perhaps a ceiling by name, stands above; a line is drawn where one of
    them lies near.
    """
    figure, ax = plt.subplots(figsize=(7.5, 1.0 + 0.34 * len(ranking)))
    styles = family_styles(families)
    for row, r in enumerate(ranking.itertuples()):
        style = styles[families[r.system]]
        ax.plot([r.mae_low, r.mae_high], [row, row], color=style["color"], linewidth=2)
        ax.plot(r.mae, row, markersize=8, linestyle="", **style)
    low, high = ranking["mae_low"].min(), ranking["mae_high"].max()
    for mae in frame.values():
        if 2 * low - high < mae < 2 * high - low:
            ax.axvline(mae, color=FLOOR, linestyle="--")
    named = "   ".join(f"{name}: {mae:.3f}" for name, mae in frame.items())
    ax.set_title(named, loc="right", color=FLOOR)
    labels = [f"{r.system}  {r.rank}" for r in ranking.itertuples()]
    ax.set(yticks=range(len(ranking)), yticklabels=labels, xlabel="MAE (sentiment points), 90 %")
    ax.set_ylim(len(ranking) - 0.5, -0.5)
    ax.grid(axis="y", color="#dddddd")
    _family_legend(ax, styles)
    return figure


@styled
def cost_scatter(ranking: pd.DataFrame, families: Mapping[str, str]) -> Figure:
    """MAE against parameters and seconds, both on log axes; numbers are ranks.

    Columns system, rank, mae, parameters, seconds.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 4.2), sharey=True)
    styles = family_styles(families)
    for ax, column in zip(axes, ("parameters", "seconds"), strict=True):
        for r in ranking.itertuples():
            style = styles[families[r.system]]
            x = getattr(r, column)
            ax.plot(x, r.mae, markersize=8, linestyle="", **style)
            side = {"xytext": (6, 4)} if r.rank % 2 else {"xytext": (-6, -11), "ha": "right"}
            ax.annotate(str(r.rank), (x, r.mae), textcoords="offset points", **side)
        ax.set(xscale="log", xlabel=column)
        ax.grid(color="#e5e5e5")
    axes[0].set_ylabel("MAE (sentiment points)")
    _family_legend(axes[1], styles)
    return figure


def _family_legend(ax: Axes, styles: Mapping[str, Mapping[str, Any]]) -> None:
    for name, style in styles.items():
        ax.plot([], [], linestyle="", markersize=8, label=name, **style)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1))


# Drawn alike in every figure, apart from the arms
YARDSTICKS = {
    "ceiling": {"color": INK, "linestyle": ":"},
    "linear": {"color": INK, "linestyle": "-.", "marker": "x"},
    "ridge": {"color": INK, "linestyle": "--", "marker": "+"},
}
MEASURES = {
    "mae": "MAE (sentiment points)",
    "corr": "correlation",
    "weak_corr": "corr of vision, audio alone",
}


@styled
def dose_curves(rows: pd.DataFrame, dial: str, measure: str, base: str) -> Figure:
    """One line an arm over the doses of a dial, in equal steps. Above, means over draws, with floor
    and ceiling; below, what each arm has more than `base` has in the same draw, with its 95 %
    interval. Columns arm, dose, draw and the measure; of the floor, floor_mae."""
    figure, (level, more) = plt.subplots(2, 1, figsize=(7, 6.6), sharex=True)
    doses, found = sorted(rows["dose"].unique()), rows.dropna(subset=measure)
    tables = {  # [draws, doses] each
        arm: own.pivot(index="draw", columns="dose", values=measure)[doses]
        for arm, own in found.groupby("arm", sort=False)
    }
    looks, at = _looks([arm for arm in tables if arm not in YARDSTICKS]), np.arange(len(doses))
    for i, (arm, table) in enumerate(tables.items()):
        level.plot(at, table.mean(), label=arm, **looks[arm])
        if arm not in (base, "ceiling"):
            gain = table - tables[base]
            half = student.ppf(0.975, gain.count() - 1) * gain.sem()
            shift = 0.03 * (i - len(tables) / 2)  # so that intervals do not hide each other
            more.errorbar(at + shift, gain.mean(), half, **looks[arm])
    if measure == "mae" and "floor_mae" in rows:
        floor = rows.groupby("dose")["floor_mae"].mean()[doses]
        level.plot(at, floor, color=FLOOR, linestyle="--", label="floor")
    more.axhline(0, **looks[base] | {"marker": ""})
    more.set(xticks=at, xticklabels=[f"{dose:g}" for dose in doses], xlabel=dial)
    level.set_ylabel(MEASURES[measure])
    more.set_ylabel(f"minus {base}")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _looks(arms: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Of every arm, and of the yardsticks; the seventh arm starts again with open markers."""
    opened = {"markerfacecolor": GROUND}
    looks = {arm: mark(i) | (opened if i >= len(COLOURS) else {}) for i, arm in enumerate(arms)}
    return YARDSTICKS | looks
