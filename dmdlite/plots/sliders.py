"""A slider of precomputed frames: an interactive figure that needs no running kernel."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from .style import STYLE

# Where nothing may move, on GitHub for instance, the first frame stands there.
CHOOSE = "this.parentNode.querySelectorAll('img').forEach((f, i) => f.hidden = i + 1 != this.value)"


def slider(
    draw: Callable[[Axes, Any], None],
    values: Sequence[Any],
    alt: str,
    size: tuple[float, float] = (7, 3.2),
) -> Any:
    """One frame a value, drawn by `draw(ax, value)`; a slider chooses.

    `alt` describes the frames in words for readers who do not see them. `size` in inches.
    """
    frames = []
    with plt.rc_context(STYLE):
        figure, ax = plt.subplots(figsize=size)
        for value in values:
            ax.clear()
            draw(ax, value)
            png = io.BytesIO()
            figure.savefig(png, format="png")
            frames.append(base64.b64encode(png.getvalue()).decode())
        plt.close(figure)
    from IPython.display import HTML  # whoever sees it has it; the command line need not

    return HTML(player(frames, alt))


def player(frames: Sequence[str], alt: str) -> str:
    """Frames, PNGs in base64, one above the other in HTML: all but the chosen one are hidden."""
    words = html.escape(alt, quote=True)
    control = (
        f'<input type="range" min="1" max="{len(frames)}" value="1" style="width: 100%" '
        f'aria-label="frame" oninput="{CHOOSE}">'
    )
    pictures = (
        f'<img src="data:image/png;base64,{frame}" alt="{words}" {"hidden" * (i > 0)} '
        'style="max-width: 100%">'
        for i, frame in enumerate(frames)
    )
    return f'<div class="frames">{control}{"".join(pictures)}</div>'
