"""Figures of signals, matrices and runs, one function each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from .style import COLOURS, FLOOR, GROUND, INK, mark, panels, styled


@styled
def stems(
    signals: Mapping[str, Any], xlabel: str = "time step", mark_step: int | None = None
) -> Figure:
    """Short signals one below the other: name -> values [T]. `mark_step` draws a line through."""
    size = (7, 0.6 + 0.95 * len(signals))
    figure, axes = plt.subplots(len(signals), 1, figsize=size, sharex=True, squeeze=False)
    for i, (ax, (name, values)) in enumerate(zip(axes[:, 0], signals.items(), strict=True)):
        values = np.asarray(values)
        colour = COLOURS[i % len(COLOURS)]
        ax.vlines(np.arange(len(values)), 0, values, color=colour, linewidth=3)
        ax.plot(values, "o", color=colour, markeredgecolor=INK, markersize=7)
        ax.axhline(0, color=INK, linewidth=0.8)
        ax.margins(y=0.25)
        ax.set_title(name, loc="left")
        if mark_step is not None:
            ax.axvline(mark_step, color=FLOOR, linestyle="--", zorder=0)
    axes[-1, 0].set_xlabel(xlabel)
    axes[-1, 0].xaxis.get_major_locator().set_params(integer=True)
    return figure


@styled
def grids(
    matrices: Mapping[str, Any],
    xlabel: str,
    ylabel: str,
    xticks: Any = "auto",
    yticks: Any = "auto",
    fmt: str | None = ".2f",
    signed: bool = False,
) -> Figure:
    """Matrices two in a row, their numbers in the cells (`fmt` None: colour alone, with a bar).

    `signed` centres the colours on zero; otherwise they start there.
    """
    arrays = {title: np.asarray(matrix) for title, matrix in matrices.items()}
    limit = max(float(np.abs(a).max()) for a in arrays.values()) or 1.0
    colours = {"cmap": "vlag" if signed else "Blues", "vmin": -limit if signed else 0}
    rows, columns = next(iter(arrays.values())).shape
    cell = 0.62 if fmt else min(0.3, 3.2 / columns)
    figure, axes = panels(len(arrays), max(3.4, 1.2 + cell * columns), 1.3 + cell * rows)
    for ax, (title, matrix) in zip(axes, arrays.items(), strict=True):
        sns.heatmap(
            matrix,
            ax=ax,
            annot=fmt is not None,
            fmt=fmt or "",
            cbar=fmt is None,
            linewidths=1 if fmt else 0,
            linecolor=GROUND,
            xticklabels=xticks,
            yticklabels=yticks,
            vmax=limit,
            **colours,
        )
        ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
        ax.tick_params(length=0)
        ax.tick_params(axis="y", rotation=0)
    return figure


@styled
def runs(
    x: Sequence[Any],
    scores: Mapping[str, Any],
    xlabel: str,
    ylabel: str,
    floor: float | None = None,
) -> Figure:
    """Scores of repeated runs over a setting: name -> [len(x), runs].

    Means are large, every run is a dot; settings stand at equal distances, in order. Lines join
    the means unless the settings are words.
    """
    figure, ax = plt.subplots(figsize=(7, 3.4))
    place = np.arange(len(x))
    joined = {"linestyle": "none"} if isinstance(x[0], str) else {}
    for i, (name, values) in enumerate(scores.items()):
        values = np.asarray(values, dtype=float)
        shift = 0.06 * (i - (len(scores) - 1) / 2)
        ax.plot(place + shift, values.mean(1), label=name, markersize=8, **mark(i) | joined)
        dots = np.repeat(place + shift, values.shape[1])
        ax.plot(dots, values.ravel(), ".", color=mark(i)["color"], alpha=0.5, markersize=5)
    if floor is not None:
        ax.axhline(floor, color=FLOOR, linestyle="--", label=f"floor {floor:.2f}")
    ax.set(xticks=place, xticklabels=[str(v) for v in x], xlabel=xlabel, ylabel=ylabel)
    figure.legend(loc="outside right upper")
    return figure
