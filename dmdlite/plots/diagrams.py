"""The method in one picture: from a list of modality names, or with the shapes of a real batch."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from ..config import MODALITIES
from ..data.dataset import Batch
from ..model import DMDOutput
from .style import COLOURS, INK, MARKERS, styled


@styled
def overview(modalities: Sequence[str] = MODALITIES) -> Figure:
    """DMD from left to right: features, decoupling, two distillation graphs, fusion."""
    figure, ax = plt.subplots(figsize=(10, 5))
    m = len(modalities)
    rows = np.linspace(4.1, 0.5, m)
    for i, (name, y) in enumerate(zip(modalities, rows, strict=True)):
        colour = COLOURS[i % len(COLOURS)]
        box(ax, 0, y, 1.5, 0.75, name, colour)
        box(ax, 2.1, y, 1.15, 0.75, "temporal\nconvolution", colour)
        box(ax, 3.95, y + 0.3, 1.2, 0.46, "common", colour, linestyle="-")
        box(ax, 3.95, y - 0.3, 1.2, 0.46, "private", colour, linestyle="--")
        arrow(ax, (1.5, y), (2.1, y))
        arrow(ax, (3.25, y), (3.95, y + 0.3))
        arrow(ax, (3.25, y), (3.95, y - 0.3))
        arrow(ax, (5.15, y + 0.3), (6.5, 3.55))
        arrow(ax, (5.15, y - 0.3), (6.5, 1.05), linestyle="--")
    _graph(ax, 7.25, 3.55, m, "HomoGD\nCommon parts teach one another", True)
    _graph(ax, 7.25, 1.05, m, "HeteroGD\nPrivate parts attend, then teach", False)
    box(ax, 8.9, 2.3, 1.0, 0.9, "adaptive\nfusion", "#bbbbbb")
    arrow(ax, (8.0, 3.4), (8.9, 2.5))
    arrow(ax, (8.0, 1.2), (8.9, 2.1))
    arrow(ax, (9.9, 2.3), (10.5, 2.3))
    ax.annotate("sentiment\n−3 … +3", (10.55, 2.3), va="center", ha="left")
    for x, text in ((0.75, "Sequences"), (2.67, "One width d"), (4.55, "Decoupling")):
        ax.annotate(text, (x, 5.0), ha="center", fontweight="bold")
    ax.set(xlim=(-0.1, 11.6), ylim=(-0.3, 5.3), aspect="equal")
    ax.axis("off")
    return figure


@styled
def dataflow(batch: Batch, output: DMDOutput) -> Figure:
    """What flows through DMD on one batch, its shape at every arrow."""
    names = list(batch.features)
    figure, ax = plt.subplots(figsize=(12, 1.0 + 1.75 * len(names)))
    top, middle = 2.4 * (len(names) - 1), 1.2 * (len(names) - 1)
    upper, lower = middle + 1.7, middle - 1.7
    for i, name in enumerate(names):
        y, colour = top - 2.4 * i, COLOURS[i % len(COLOURS)]
        box(ax, 0, y, 1.5, 0.8, name, colour)
        _flow(ax, (1.5, y), (3.1, y), batch.features[name])
        box(ax, 3.1, y, 1.3, 0.8, "temporal\nconv", colour)
        _flow(ax, (4.4, y), (6.0, y), output.shallow[name])
        box(ax, 6.0, y + 0.5, 1.2, 0.7, "common", colour)
        box(ax, 6.0, y - 0.5, 1.2, 0.7, "private", colour, "--")
        _flow(ax, (7.2, y + 0.5), (8.8, y + 0.5), output.common[name])
        _flow(ax, (7.2, y - 0.5), (8.8, y - 0.5), output.private[name])
        box(ax, 8.8, y + 0.5, 1.3, 0.7, "mean", colour)
        box(ax, 8.8, y - 0.5, 1.3, 0.7, "attention", colour, "--")
        _flow(ax, (10.1, y + 0.5), (12.4, upper), None)
        _flow(ax, (10.1, y - 0.5), (12.4, lower), None)
        reinforced = _shape(output.reinforced[name])
        ax.annotate(reinforced, (9.45, y - 1.03), ha="center", fontsize=9)
    c = output.config
    units = (
        ("HomoGD", upper, output.homo, c.dim),
        ("HeteroGD", lower, output.hetero, c.reinforced_dim),
    )
    for title, y, unit, width in units:
        box(ax, 12.4, y, 1.6, 0.9, title, "#bbbbbb")
        below = f"reads {_shape(unit.logits)} × {width}\nlogits {_shape(unit.logits)}\n"
        below += f"W, E {_shape(unit.weights)}"
        ax.annotate(below, (13.2, y - 0.6), ha="center", va="top", fontsize=9)
        _flow(ax, (14.0, y), (15.0, middle), None)
    box(ax, 15.0, middle, 1.3, 0.9, "fusion", "#bbbbbb")
    _flow(ax, (16.3, middle), (17.6, middle), output.prediction)
    ax.set(xlim=(-0.2, 17.8), ylim=(-1.4, top + 1.3), aspect="equal")
    ax.axis("off")
    return figure


def _shape(x) -> str:
    return " × ".join(str(n) for n in x.shape)


def _flow(ax: Axes, start: tuple, end: tuple, x) -> None:
    """An arrow with the shape of what flows along it, if given, above its middle."""
    arrow(ax, start, end)
    if x is not None:
        place = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.1)
        ax.annotate(_shape(x), place, ha="center", va="bottom", fontsize=9)


def box(
    ax: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    text: str,
    colour: str,
    linestyle: str = "-",
) -> None:
    """A tinted box whose left edge is at x and whose centre is at height y."""
    patch = FancyBboxPatch(
        (x + 0.06, y - height / 2 + 0.06),
        width - 0.12,
        height - 0.12,
        boxstyle="round,pad=0.06",
        facecolor=colour + "33",
        edgecolor=INK,
        linestyle=linestyle,
    )
    ax.add_patch(patch)
    ax.annotate(text, (x + width / 2, y), ha="center", va="center")


def arrow(ax: Axes, start: tuple, end: tuple, linestyle: str = "-") -> None:
    """From one point to another."""
    look = {"arrowstyle": "-|>", "color": INK, "lw": 0.9, "linestyle": linestyle}
    ax.annotate("", end, start, arrowprops={**look, "shrinkA": 1, "shrinkB": 1})


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
        ax.plot(
            px,
            py,
            MARKERS[i % len(MARKERS)],
            color=COLOURS[i % len(COLOURS)],
            markersize=13,
            markeredgecolor=INK,
        )
    height, side = (y + 0.68, "bottom") if above else (y - 0.7, "top")
    ax.annotate(title, (x, height), ha="center", va=side, fontsize=10)
