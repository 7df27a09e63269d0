"""Every figure of the book, one function each, in the style of `style.py`.

Every function returns a matplotlib Figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from .data import MultimodalDataset
from .style import COLOURS, FLOOR, GROUND, INK, LINES, MARKERS, mark, panels, styled


@styled
def sequences(dataset: MultimodalDataset, index: int, names: Sequence[str] | None = None) -> Figure:
    """One sample as a heat map per modality: rows are features, columns real steps in order."""
    names = names or dataset.modalities
    figure, axes = plt.subplots(len(names), 1, figsize=(7, 1.7 * len(names)), squeeze=False)
    batch = dataset.batch([index])
    for ax, m in zip(axes[:, 0], names, strict=True):
        x = batch.features[m][0].cpu().T  # [D, T]
        limit = max(float(x.abs().max()), 1e-6)
        image = ax.imshow(x, aspect="auto", cmap="vlag", vmin=-limit, vmax=limit)
        real = int(batch.masks[m].sum())
        ax.set(title=f"{m}: {real} steps", ylabel="feature", yticks=[0, len(x) - 1])
        figure.colorbar(image, ax=ax, label="value")
    axes[-1, 0].set_xlabel("time step")
    figure.suptitle(f"{dataset.ids[index]}, sentiment {float(dataset.labels[index]):+.1f}")
    return figure


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
def score_bars(scores: Mapping[str, Sequence[float]], floor: float, label: str) -> Figure:
    """One bar a system: mean over its runs, a dot for each run, and the floor as a line."""
    figure, ax = plt.subplots(figsize=(7, 0.8 + 0.42 * len(scores)))
    for row, (name, values) in enumerate(scores.items()):
        mean = float(np.mean(values))
        ax.barh(row, mean, color="#c8d8e8", edgecolor=INK, height=0.6)
        ax.plot(values, [row] * len(values), "o", color=INK, markersize=3.5)
        ax.annotate(f"{mean:.3f}", (max(values), row), (6, 0), textcoords="offset points",
                    va="center")  # fmt: skip
        ax.annotate(name, (0, row), (-6, 0), textcoords="offset points", va="center", ha="right")
    ax.axvline(floor, color=FLOOR, linestyle="--")
    ax.annotate(
        f"floor {floor:.3f}", (floor, -0.75), color=FLOOR, ha="center", annotation_clip=False
    )
    ax.set(yticks=[], xlabel=label, xlim=(0, None))
    ax.margins(x=0.15)
    ax.invert_yaxis()
    return figure


def draw_graph(
    ax: Axes, weights: np.ndarray, names: Sequence[str], values: Sequence[float] | None = None
) -> None:
    """One distillation graph on `ax`: arrows from teacher to student, as wide as their weight."""
    m = len(names)
    angle = np.pi / 2 - 2 * np.pi * np.arange(m) / m
    place = np.column_stack([np.cos(angle), np.sin(angle)])
    top = max(float(np.max(weights)), 1e-9)
    for i in range(m):
        for j in range(m):
            if i == j:
                continue
            share = float(weights[i][j]) / top
            arrow = FancyArrowPatch(
                place[i], place[j], connectionstyle="arc3,rad=0.22", arrowstyle="-|>",
                mutation_scale=8 + 12 * share, linewidth=0.4 + 6 * share, color=INK,
                alpha=0.25 + 0.65 * share, shrinkA=26, shrinkB=26,
            )  # fmt: skip
            ax.add_patch(arrow)
            dx, dy = place[j] - place[i]
            middle = (place[i] + place[j]) / 2 + 0.14 * np.array([dy, -dx])
            ax.annotate(f"{weights[i][j]:.2f}", middle, ha="center", va="center", fontsize=10,
                        bbox={"facecolor": GROUND, "edgecolor": "none", "pad": 1})  # fmt: skip
    for i, name in enumerate(names):
        ax.plot(*place[i], MARKERS[i % len(MARKERS)], color=COLOURS[i % len(COLOURS)],
                markersize=40, markeredgecolor=INK)  # fmt: skip
        text = name if values is None else f"{name}\n{values[i]:+.2f}"
        above = place[i][1] > -0.01
        ax.annotate(text, place[i] + [0, 0.3 if above else -0.3], ha="center",
                    va="bottom" if above else "top")  # fmt: skip
    ax.set(xlim=(-1.5, 1.5), ylim=(-1.3, 1.75), aspect="equal")
    ax.axis("off")


@styled
def distillation_graphs(
    graphs: Mapping[str, Any], names: Sequence[str], values: Mapping[str, Any] | None = None
) -> Figure:
    """Distillation graphs, two in a row: title -> weights [M, M]; `values` adds logits [M]."""
    figure, axes = panels(len(graphs), 3.9, 3.7)
    for ax, (title, weights) in zip(axes, graphs.items(), strict=True):
        logits = None if values is None else np.asarray(values[title])
        draw_graph(ax, np.asarray(weights), names, logits)
        ax.set_title(title)
    return figure


@styled
def edge_matrices(
    matrices: Mapping[str, Any],
    names: Sequence[str],
    rows: str = "from (teacher)",
    columns: str = "to (student)",
) -> Figure:
    """Square matrices, two in a row, values written in the cells; by default over edges."""
    figure, axes = panels(len(matrices), 3.6, 3.4)
    for ax, (title, matrix) in zip(axes, matrices.items(), strict=True):
        sns.heatmap(
            np.asarray(matrix), ax=ax, annot=True, fmt=".2f", cmap="Blues", cbar=False,
            vmin=0, linewidths=1, linecolor=GROUND, xticklabels=names, yticklabels=names,
            square=True,
        )  # fmt: skip
        ax.set(title=title, xlabel=columns, ylabel=rows)
        ax.tick_params(length=0)
    return figure


@styled
def edge_curves(weights: Any, names: Sequence[str], every: int = 1) -> Figure:
    """Weights [steps, M, M] over training: one line an edge, labelled at its end."""
    w = np.asarray(weights)
    figure, ax = plt.subplots(figsize=(7, 3.4))
    steps = np.arange(len(w)) * every
    edges = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j]
    ends = _spread([w[-1, i, j] for i, j in edges], 0.055)
    for (i, j), end in zip(edges, ends, strict=True):
        line = {"color": COLOURS[i % len(COLOURS)], "linestyle": LINES[j % len(LINES)]}
        ax.plot(steps, w[:, i, j], linewidth=2, **line)
        ax.annotate(f"{names[i]} → {names[j]}", (steps[-1], end), (6, 0), va="center",
                    textcoords="offset points", color=line["color"], fontsize=10)  # fmt: skip
    ax.set(xlabel="training step", ylabel="weight w", ylim=(-0.02, None))
    ax.margins(x=0.01)
    return figure


def _spread(values: Sequence[float], gap: float) -> list[float]:
    """Label heights near `values`, at least `gap` apart."""
    heights = np.array(values, dtype=float)
    order = np.argsort(heights)
    for low, high in pairwise(order):
        heights[high] = max(heights[high], heights[low] + gap)
    return heights.tolist()


@styled
def logit_moves(before: Any, after: Any, names: Sequence[str], titles: Sequence[str]) -> Figure:
    """Logits on a number line before and after a step, one panel a title: arrows show who moved.

    before, after: [panels, M].
    """
    figure, axes = plt.subplots(
        len(titles), 1, figsize=(7, 1.35 * len(titles)), squeeze=False, sharex=True
    )
    for ax, title, old, new in zip(axes[:, 0], titles, before, after, strict=True):
        for i in range(len(names)):
            ax.plot(float(old[i]), i, **mark(i), markersize=9)
            if abs(float(new[i] - old[i])) > 1e-6:
                ax.annotate("", (float(new[i]), i), (float(old[i]), i),
                            arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 2})  # fmt: skip
        ax.set(yticks=range(len(names)), yticklabels=names, title=title)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.grid(axis="x", color="#dddddd")
    axes[-1, 0].set_xlabel("logit (sentiment points)")
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
