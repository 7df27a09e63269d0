"""What a model says of each clip, and what each modality says by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import FLOOR, GROUND, INK, mark, styled
from .sweeps import edge_names

MOST = 40  # clips in one picture
LIMIT = 3  # of the sentiment scale
DARKEST = 0.6  # the weight drawn black; six edges alike have 0.17 each


@styled
def opinions(
    ids: Sequence[str],
    prediction: np.ndarray,
    label: np.ndarray,
    logits: Mapping[str, np.ndarray],
    weights: Mapping[tuple[str, str], np.ndarray],
    title: str = "",
) -> Figure:
    """One line a clip, of the first MOST: prediction [N], label [N] where there is one (else NaN),
    each modality's own logit [N] (NaN where it is missing), and beside them, as shades, the edges'
    weights [N], edge by edge from teacher to student. Without logits the left part alone."""
    n = min(len(ids), MOST)
    wide = 1.6 + 0.5 * len(weights) if weights else 0
    size = {"figsize": (6.5 + wide, 1.9 + 0.26 * n)}
    if weights:
        figure, (ax, beside) = plt.subplots(1, 2, sharey=True, width_ratios=[6, wide], **size)
        _edges(beside, {edge: w[:n] for edge, w in weights.items()})
    else:
        figure, ax = plt.subplots(**size)
    places = np.arange(n)
    for i, (m, values) in enumerate(logits.items()):
        look = mark(i) | {"linestyle": "", "markersize": 7}
        ax.plot(values[:n], places, alpha=0.85, label=f"{m} alone", **look)
    ax.plot(prediction[:n], places, "|", color=INK, markersize=15, markeredgewidth=3, label="fused")
    if np.isfinite(label[:n]).any():
        ax.plot(label[:n], places, "x", color=FLOOR, markersize=8, label="label")
    ax.axvline(0, color=FLOOR, linewidth=0.8)
    names = [name if len(name) <= 24 else f"{name[:23]}…" for name in ids[:n]]
    ax.set_yticks(places, names, parse_math=False)
    far = max(
        [LIMIT, *(np.nanmax(np.abs(x[:n]), initial=0) for x in (prediction, *logits.values()))]
    )
    ax.set(xlim=(-far - 0.2, far + 0.2), ylim=(n - 0.4, -0.6), xlabel="sentiment")
    ax.grid(axis="y", linewidth=0.4)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=5)
    shown = f"{title}, the first {n} of {len(ids)} clips" if len(ids) > n else title
    figure.suptitle(shown, y=-0.01, va="top", fontsize=10, parse_math=False)
    return figure


def _edges(ax: Axes, weights: Mapping[tuple[str, str], np.ndarray]) -> None:
    """Shades, and numbers in them: rows are clips, columns edges; an edge that is not there is
    blank."""
    shades = np.stack(list(weights.values()), axis=1)  # [N, edges]
    ax.imshow(shades, cmap="Greys", vmin=0, vmax=DARKEST, aspect="auto")
    for (row, column), w in np.ndenumerate(shades):
        colour = GROUND if w > 0.6 * DARKEST else INK
        text = f"{w:.2f}" if w > 0 else ""
        ax.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    ax.set_xticks(range(len(weights)), edge_names(list(weights)))
    ax.tick_params(left=False, labelleft=False)
    ax.set_xlabel("who teaches whom, weight")
