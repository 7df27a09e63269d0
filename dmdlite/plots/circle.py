"""Figures of codes as points on the unit circle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import COLOURS, FLOOR, INK, MARKERS, styled


def draw_circle(ax: Axes, angles: Any, labels: Sequence[str], names: Sequence[str]) -> None:
    """Codes at `angles` [B, M] in degrees: a marker a modality, a label a sample."""
    turn = np.linspace(0, 2 * np.pi, 200)
    ax.plot(np.cos(turn), np.sin(turn), color=FLOOR, linewidth=1)
    for m, name in enumerate(names):
        radians = np.radians(np.asarray(angles, dtype=float)[:, m])
        x, y = np.cos(radians), np.sin(radians)
        ax.plot(x, y, MARKERS[m], color=COLOURS[m], markersize=12, markeredgecolor=INK, label=name)
        for b, (label, px, py) in enumerate(zip(labels, x, y, strict=True)):
            reach = 1.2 + 0.17 * b  # a ring a sample, so that labels of close codes stay apart
            ax.plot([px, reach * px], [py, reach * py], color=COLOURS[m], linewidth=0.6)
            ax.annotate(label, (reach * px, reach * py), ha="center", va="center", color=COLOURS[m])
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    edge = 1.4 + 0.17 * len(labels)  # room for the outermost ring
    ax.set(xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal")
    ax.axis("off")


@styled
def circle(angles: Any, labels: Sequence[str], names: Sequence[str], title: str = "") -> Figure:
    """`draw_circle` as a figure: angles [B, M] in degrees, B labels, M names."""
    figure, ax = plt.subplots(figsize=(5.6, 3.9))
    draw_circle(ax, angles, labels, names)
    ax.set_title(title)
    return figure
