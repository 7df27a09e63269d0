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
    """DMD from left to right: features, decoupling, attention, fusion; the graphs, dashed, act in
    training alone."""
    figure, ax = plt.subplots(figsize=(11, 6.2))
    m = len(modalities)
    rows = np.linspace(4.1, 0.5, m)
    for i, (name, y) in enumerate(zip(modalities, rows, strict=True)):
        colour = COLOURS[i % len(COLOURS)]
        box(ax, 0, y, 1.5, 0.75, name, colour)
        box(ax, 2.1, y, 1.15, 0.75, "temporal\nconvolution", colour)
        box(ax, 3.95, y + 0.3, 1.2, 0.46, "common", colour)
        box(ax, 3.95, y - 0.3, 1.2, 0.46, "private", colour)
        arrow(ax, (1.5, y), (2.1, y))
        arrow(ax, (3.25, y), (3.95, y + 0.3))
        arrow(ax, (3.25, y), (3.95, y - 0.3))
        for target in rows:  # every modality's attention reads the others' private parts
            arrow(ax, (5.15, y - 0.3), (6.15, target - 0.3))
        box(ax, 6.15, y - 0.3, 1.2, 0.46, "attention", colour)
        ax.plot([5.15, 7.35], [y + 0.3] * 2, color=INK, lw=0.9)
        arrow(ax, (7.35, y + 0.3), (10.1, 2.45))
        arrow(ax, (7.35, y - 0.3), (10.1, 2.15))
        arrow(ax, (7.35, y + 0.3), (8.45, 4.6), linestyle="--")
        arrow(ax, (7.35, y - 0.3), (8.45, 0.0), linestyle="--")
    _graph(ax, 9.1, 4.7, m, "HomoGD, in training:\ncommon parts teach one another", True)
    _graph(ax, 9.1, -0.1, m, "HeteroGD, in training:\nattended parts teach one another", False)
    box(ax, 10.1, 2.3, 1.0, 0.9, "adaptive\nfusion", "#bbbbbb")
    arrow(ax, (11.1, 2.3), (11.6, 2.3))
    ax.annotate("sentiment\n−3 … +3", (11.65, 2.3), va="center", ha="left")
    heads = ("Sequences", "One width d", "Decoupling", "Reinforcing")
    for x, text in zip((0.75, 2.67, 4.55, 6.75), heads, strict=True):
        ax.annotate(text, (x, 5.0), ha="center", fontweight="bold")
    ax.set(xlim=(-0.1, 12.7), ylim=(-1.5, 6.0), aspect="equal")
    ax.axis("off")
    return figure


@styled
def dataflow(batch: Batch, output: DMDOutput) -> Figure:
    """What flows through DMD on one batch, its shape at every arrow; what is there in training
    only, decoders and graphs, is dashed."""
    names = list(batch.features)
    figure, ax = plt.subplots(figsize=(12, 2.2 + 1.75 * len(names)))
    top, middle = 2.4 * (len(names) - 1), 1.2 * (len(names) - 1)
    ends = {"HomoGD": top + 2.1, "HeteroGD": -2.1}  # heights of the graphs
    for i, name in enumerate(names):
        y, colour = top - 2.4 * i, COLOURS[i % len(COLOURS)]
        box(ax, 0, y, 1.5, 0.8, name, colour)
        _flow(ax, (1.5, y), (3.1, y), batch.features[name])
        box(ax, 3.1, y, 1.3, 0.8, "temporal\nconv", colour)
        _flow(ax, (4.4, y), (6.0, y), output.shallow[name])
        box(ax, 6.0, y + 0.5, 1.2, 0.7, "common", colour)
        box(ax, 6.0, y - 0.5, 1.2, 0.7, "private", colour)
        box(ax, 4.3, y - 0.95, 1.2, 0.5, "decoder", colour, "--")
        arrow(ax, (6.0, y + 0.35), (5.5, y - 0.8), linestyle="--")
        arrow(ax, (6.0, y - 0.65), (5.5, y - 0.95), linestyle="--")
        _flow(ax, (7.2, y + 0.5), (10.8, y + 0.5), output.common[name])
        for k in range(len(names)):  # every target reads every other modality's private code
            arrow(ax, (7.2, y - 0.5), (8.7, top - 2.4 * k - 0.5))
        box(ax, 8.7, y - 0.5, 1.2, 0.7, "attention", colour)
        arrow(ax, (9.9, y - 0.5), (10.8, y - 0.5))
        ax.annotate(_shape(output.reinforced[name]), (9.9, y - 1.1), ha="center", fontsize=9)
        readouts = (("HomoGD", y + 0.5, "mean"), ("HeteroGD", y - 0.5, output.config.readout))
        for part, height, readout in readouts:
            box(ax, 10.8, height, 1.1, 0.7, readout, colour)
            _flow(ax, (11.9, height), (15.0, middle), None)
            arrow(ax, (11.9, height), (12.9, ends[part]), linestyle="--")
    ax.annotate("over time", (11.35, top + 1.1), ha="center", fontsize=9)
    c = output.config
    for title, unit, width in (
        ("HomoGD", output.homo, c.dim),
        ("HeteroGD", output.hetero, c.reinforced_dim),
    ):
        box(ax, 12.9, ends[title], 1.6, 0.9, title, "#bbbbbb", "--")
        beside = f"reads {_shape(unit.logits)} × {width}\nlogits {_shape(unit.logits)}\n"
        beside += f"W, E {_shape(unit.weights)}"
        ax.annotate(beside, (14.7, ends[title]), ha="left", va="center", fontsize=9)
    box(ax, 15.0, middle, 1.3, 0.9, "fusion", "#bbbbbb")
    _flow(ax, (16.3, middle), (17.6, middle), output.prediction)
    ax.set(xlim=(-0.2, 17.8), ylim=(-2.8, top + 2.8), aspect="equal")
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
