"""The method in one picture, drawn from a list of modality names."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from .config import MODALITIES
from .style import COLOURS, INK, MARKERS, styled


@styled
def overview(modalities: Sequence[str] = MODALITIES) -> Figure:
    """DMD from left to right: features, decoupling, two distillation graphs, fusion."""
    figure, ax = plt.subplots(figsize=(10, 5))
    m = len(modalities)
    rows = np.linspace(4.1, 0.5, m)
    for i, (name, y) in enumerate(zip(modalities, rows, strict=True)):
        colour = COLOURS[i % len(COLOURS)]
        _box(ax, 0, y, 1.5, 0.75, name, colour)
        _box(ax, 2.1, y, 1.15, 0.75, "temporal\nconvolution", colour)
        _box(ax, 3.95, y + 0.3, 1.2, 0.46, "common", colour, linestyle="-")
        _box(ax, 3.95, y - 0.3, 1.2, 0.46, "private", colour, linestyle="--")
        _arrow(ax, (1.5, y), (2.1, y))
        _arrow(ax, (3.25, y), (3.95, y + 0.3))
        _arrow(ax, (3.25, y), (3.95, y - 0.3))
        _arrow(ax, (5.15, y + 0.3), (6.5, 3.55))
        _arrow(ax, (5.15, y - 0.3), (6.5, 1.05), linestyle="--")
    _graph(ax, 7.25, 3.55, m, "HomoGD\nCommon parts teach one another", True)
    _graph(ax, 7.25, 1.05, m, "HeteroGD\nPrivate parts attend, then teach", False)
    _box(ax, 8.9, 2.3, 1.0, 0.9, "adaptive\nfusion", "#bbbbbb")
    _arrow(ax, (8.0, 3.4), (8.9, 2.5))
    _arrow(ax, (8.0, 1.2), (8.9, 2.1))
    _arrow(ax, (9.9, 2.3), (10.5, 2.3))
    ax.annotate("sentiment\n−3 … +3", (10.55, 2.3), va="center", ha="left")
    for x, text in ((0.75, "Sequences"), (2.67, "One width d"), (4.55, "Decoupling")):
        ax.annotate(text, (x, 5.0), ha="center", fontweight="bold")
    ax.set(xlim=(-0.1, 11.6), ylim=(-0.3, 5.3), aspect="equal")
    ax.axis("off")
    return figure


def _box(ax: Axes, x: float, y: float, width: float, height: float, text: str, colour: str,
         linestyle: str = "-") -> None:  # fmt: skip
    """A tinted box whose left edge is at x and whose centre is at height y."""
    patch = FancyBboxPatch(
        (x + 0.06, y - height / 2 + 0.06), width - 0.12, height - 0.12,
        boxstyle="round,pad=0.06", facecolor=colour + "33", edgecolor=INK, linestyle=linestyle,
    )  # fmt: skip
    ax.add_patch(patch)
    ax.annotate(text, (x + width / 2, y), ha="center", va="center")


def _arrow(ax: Axes, start: tuple, end: tuple, linestyle: str = "-") -> None:
    arrow = {"arrowstyle": "-|>", "color": INK, "lw": 0.9, "linestyle": linestyle}
    ax.annotate("", end, start, arrowprops={**arrow, "shrinkA": 1, "shrinkB": 1})


def _graph(ax: Axes, x: float, y: float, m: int, title: str, above: bool) -> None:
    """A small complete graph of m nodes around (x, y)."""
    angle = np.pi / 2 - 2 * np.pi * np.arange(m) / m
    place = np.column_stack([x + 0.55 * np.cos(angle), y + 0.55 * np.sin(angle) - 0.15])
    for a in place:
        for b in place:
            if (a != b).any():
                bend = {"arrowstyle": "-|>", "color": INK, "lw": 1.2, "shrinkA": 9, "shrinkB": 9}
                ax.annotate("", b, a, arrowprops={**bend, "connectionstyle": "arc3,rad=0.2"})
    for i, (px, py) in enumerate(place):
        ax.plot(px, py, MARKERS[i % len(MARKERS)], color=COLOURS[i % len(COLOURS)],
                markersize=13, markeredgecolor=INK)  # fmt: skip
    height, side = (y + 0.68, "bottom") if above else (y - 0.7, "top")
    ax.annotate(title, (x, height), ha="center", va=side, fontsize=10)
