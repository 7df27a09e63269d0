"""A slider of precomputed frames: an interactive figure that needs no running kernel."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes

from .style import STYLE

# Of matplotlib's player only the picture, no wider than a phone, and the slider: the buttons are
# drawn with a font that has to be loaded from elsewhere.
CSS = (
    ".animation, .animation img { max-width: 100%; height: auto; } "
    ".anim-buttons, .anim-state { display: none; }"
)


def slider(
    draw: Callable[[Axes, Any], None],
    values: Sequence[Any],
    alt: str,
    size: tuple[float, float] = (7, 3.2),
) -> Any:
    """One frame a value, drawn by `draw(ax, value)`; a slider chooses.

    `alt` describes the frames in words for readers who do not see them. `size` in inches.
    """
    with plt.rc_context(STYLE | {"animation.embed_limit": 2.0}):  # MB
        figure, ax = plt.subplots(figsize=size)

        def update(value: Any) -> None:
            ax.clear()
            draw(ax, value)

        moving = FuncAnimation(figure, update, frames=list(values), init_func=lambda: None)
        player = moving.to_jshtml(fps=2, default_mode="once")
        plt.close(figure)
    label = html.escape(alt, quote=True)
    from IPython.display import HTML  # whoever sees it has it; the command line need not

    return HTML(f'<style>{CSS}</style><div role="group" aria-label="{label}">{player}</div>')
