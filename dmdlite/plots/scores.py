"""Figures of training and of scores, one function each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .style import COLOURS, FLOOR, INK, mark, styled


@styled
def learning_curves(history: Sequence[Mapping[str, float]], floor: float | None = None) -> Figure:
    """Training and validation loss, and validation MAE with its floor; the best epoch marked."""
    epochs = [row["epoch"] for row in history]
    best = min(history, key=lambda row: row["valid_mae"])["epoch"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2))
    for i, part in enumerate(("train", "valid")):
        left.plot(epochs, [row[f"{part}_total"] for row in history], label=part, **mark(i))
    left.set(xlabel="epoch", ylabel="total loss", title="Total loss (Eq. 11)")
    left.legend()
    right.plot(epochs, [row["valid_mae"] for row in history], **mark(1))
    if floor is not None:
        right.axhline(floor, color=FLOOR, linestyle=":")
        right.annotate("floor: median", (epochs[-1], floor), color=FLOOR, va="top", ha="right")
    right.set(
        xlabel="epoch",
        ylabel="MAE (sentiment points)",
        title=f"Validation error, best at epoch {best}",
    )
    for ax in (left, right):
        ax.axvline(best, color=INK, linewidth=0.8)
        ax.xaxis.get_major_locator().set_params(integer=True)
    return figure


@styled
def score_bars(scores: Mapping[str, Sequence[float]], floor: float | None, label: str) -> Figure:
    """One bar a system: mean over its runs, a dot for each run; the floor, if any, as a line."""
    figure, ax = plt.subplots(figsize=(7, 0.8 + 0.42 * len(scores)))
    for row, (name, values) in enumerate(scores.items()):
        mean = float(np.mean(values))
        ax.barh(row, mean, color="#c8d8e8", edgecolor=INK, height=0.6)
        ax.plot(values, [row] * len(values), "o", color=INK, markersize=3.5)
        ax.annotate(
            f"{mean:.3f}", (max(values), row), (6, 0), textcoords="offset points", va="center"
        )
        ax.annotate(name, (0, row), (-6, 0), textcoords="offset points", va="center", ha="right")
    if floor is not None:
        ax.axvline(floor, color=FLOOR, linestyle="--")
        words = {"color": FLOOR, "ha": "center", "annotation_clip": False}
        ax.annotate(f"floor {floor:.3f}", (floor, -0.75), **words)
    ax.set(yticks=[], xlabel=label, xlim=(0, None))
    ax.margins(x=0.15)
    ax.invert_yaxis()
    return figure


@styled
def lines(x: Any, ys: Mapping[str, Any], xlabel: str, ylabel: str) -> Figure:
    """Named curves over one axis, each labelled in a legend."""
    figure, ax = plt.subplots(figsize=(7, 3.2))
    for i, (name, y) in enumerate(ys.items()):
        ax.plot(x, y, label=name, markevery=max(len(x) // 10, 1), **mark(i))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    figure.legend(loc="outside right upper")
    return figure


@styled
def prediction_scatter(prediction: Any, target: Any) -> Figure:
    """Predictions over targets [N]; the grey quadrants hold the wrong signs."""
    p, y = np.asarray(prediction), np.asarray(target)
    limit = 1.1 * max(3.0, float(np.abs(p).max()))
    figure, ax = plt.subplots(figsize=(4.6, 4.4))
    for corner in ((-limit, 0), (0, -limit)):
        ax.add_patch(plt.Rectangle(corner, limit, limit, color="#e4e4e0", zorder=0))
    ax.plot([-limit, limit], [-limit, limit], color=FLOOR, linestyle="--", linewidth=1)
    size = 45 if len(p) < 50 else 12
    ax.scatter(y, p, s=size, color=COLOURS[0], edgecolor=INK, linewidth=0.5, alpha=0.8)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    ax.set(xlabel="target (sentiment)", ylabel="prediction (sentiment)")
    return figure


@styled
def intervals(ranges: Mapping[str, Sequence[float]], zero: float, label: str) -> Figure:
    """One line a name: low, middle, high; `zero` is a reference line."""
    figure, ax = plt.subplots(figsize=(7, 0.8 + 0.42 * len(ranges)))
    for row, (low, middle, high) in enumerate(ranges.values()):
        ax.plot([low, high], [row, row], color=INK, linewidth=2, marker="|", markersize=10)
        ax.plot(middle, row, "o", color=COLOURS[0], markersize=8)
    ax.axvline(zero, color=FLOOR, linestyle="--")
    ax.set(yticks=range(len(ranges)), yticklabels=list(ranges), xlabel=label)
    ax.set_ylim(len(ranges) - 0.5, -0.5)
    return figure
