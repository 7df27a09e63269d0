"""The one style of all figures.

Figures have an opaque, nearly white ground, so that they read on light and dark pages. Modalities
differ by colour (Okabe and Ito's colour-blind-safe set), marker and line, so that they also read
in grey.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Notebooks' inline backend turns interactive mode on when it loads. Were that inside rc_context, it
# would be undone, and no later figure shown.
plt.switch_backend(plt.get_backend())

INK, GROUND, FLOOR = "#222222", "#fcfcfa", "#777777"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 1)))
STYLE = {
    **sns.axes_style("ticks"),
    "figure.facecolor": GROUND,
    "axes.facecolor": GROUND,
    "savefig.facecolor": GROUND,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.dpi": 90,
    "figure.constrained_layout.use": True,
}


def styled(draw):
    """Run a drawing function under the book's style."""

    @wraps(draw)
    def run(*args, **kwargs) -> Figure:
        with plt.rc_context(STYLE):
            return draw(*args, **kwargs)

    return run


def mark(i: int) -> dict[str, Any]:
    """Colour, marker and line of the i-th modality or system."""
    k = i % len(COLOURS)
    return {"color": COLOURS[k], "marker": MARKERS[k], "linestyle": LINES[k]}


def panels(count: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Axes for `count` panels of this size in inches, two in a row: more would be too small to
    read on a page."""
    columns = min(count, 2)
    rows = -(-count // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(width * columns, height * rows))
    flat = list(np.atleast_1d(axes).flat)
    for ax in flat[count:]:
        ax.axis("off")
    return figure, flat[:count]
