"""Figures of distillation graphs, one function each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from .arrays import grids
from .style import COLOURS, GROUND, INK, LINES, MARKERS, mark, panels, styled


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
                place[i],
                place[j],
                connectionstyle="arc3,rad=0.22",
                arrowstyle="-|>",
                mutation_scale=8 + 12 * share,
                linewidth=0.4 + 6 * share,
                color=INK,
                alpha=0.25 + 0.65 * share,
                shrinkA=26,
                shrinkB=26,
            )
            ax.add_patch(arrow)
            dx, dy = place[j] - place[i]
            middle = (place[i] + place[j]) / 2 + 0.14 * np.array([dy, -dx])
            ax.annotate(
                f"{weights[i][j]:.2f}",
                middle,
                ha="center",
                va="center",
                fontsize=10,
                bbox={"facecolor": GROUND, "edgecolor": "none", "pad": 1},
            )
    for i, name in enumerate(names):
        ax.plot(
            *place[i],
            MARKERS[i % len(MARKERS)],
            color=COLOURS[i % len(COLOURS)],
            markersize=40,
            markeredgecolor=INK,
        )
        text = name if values is None else f"{name}\n{values[i]:+.2f}"
        above = place[i][1] > -0.01
        ax.annotate(
            text,
            place[i] + [0, 0.3 if above else -0.3],
            ha="center",
            va="bottom" if above else "top",
        )
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


def edge_matrices(
    matrices: Mapping[str, Any],
    names: Sequence[str],
    rows: str = "from (teacher)",
    columns: str = "to (student)",
) -> Figure:
    """Square matrices, two in a row, numbers in the cells; by default over edges."""
    return grids(matrices, columns, rows, names, names)


@styled
def edge_curves(weights: Any, names: Sequence[str]) -> Figure:
    """Weights [steps, M, M] over training: one line an edge, labelled at its end."""
    w = np.asarray(weights)
    figure, ax = plt.subplots(figsize=(7, 3.4))
    steps = np.arange(len(w))
    edges = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j]
    ends = _spread([w[-1, i, j] for i, j in edges], 0.06 * float(w.max()))
    for (i, j), end in zip(edges, ends, strict=True):
        line = {"color": COLOURS[i % len(COLOURS)], "linestyle": LINES[j % len(LINES)]}
        ax.plot(steps, w[:, i, j], linewidth=2, **line)
        ax.annotate(
            f"{names[i]} → {names[j]}",
            (steps[-1], end),
            (6, 0),
            va="center",
            textcoords="offset points",
            color=line["color"],
            fontsize=10,
        )
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
                ax.annotate(
                    "",
                    (float(new[i]), i),
                    (float(old[i]), i),
                    arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 2},
                )
        ax.set(yticks=range(len(names)), yticklabels=names, title=title)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.grid(axis="x", color="#dddddd")
    axes[-1, 0].set_xlabel("logit (sentiment points)")
    return figure
