"""A slider of precomputed frames: an interactive figure that needs no running kernel."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from PIL import Image  # which matplotlib brings

from .style import STYLE

# Where nothing may move, on GitHub for instance, the first frame stands there.
CHOOSE = "this.parentNode.querySelectorAll('img').forEach((f, i) => f.hidden = i + 1 != this.value)"
ON_PAPER = 4  # frames


class Frames:
    """PNGs of equal size: in a page a slider chooses one, on paper up to four stand together."""

    def __init__(self, pictures: Sequence[bytes], alt: str):
        self.pictures, self.alt = pictures, alt

    def _repr_html_(self) -> str:
        words = html.escape(self.alt, quote=True)
        control = (
            f'<input type="range" min="1" max="{len(self.pictures)}" value="1" '
            f'style="width: 100%" aria-label="frame" oninput="{CHOOSE}">'
        )
        shown = (
            f'<img src="data:image/png;base64,{base64.b64encode(picture).decode()}" '
            f'alt="{words}" {"hidden" * (i > 0)} style="max-width: 100%">'
            for i, picture in enumerate(self.pictures)
        )
        return f'<div class="frames">{control}{"".join(shown)}</div>'

    def _repr_png_(self) -> bytes:
        last = len(self.pictures) - 1
        chosen = sorted({round(i) for i in np.linspace(0, last, ON_PAPER)})
        frames = [Image.open(io.BytesIO(self.pictures[i])).convert("RGB") for i in chosen]
        width, height = frames[0].size
        sheet = Image.new("RGB", (2 * width, -(-len(frames) // 2) * height), "white")
        for i, frame in enumerate(frames):
            sheet.paste(frame, (i % 2 * width, i // 2 * height))
        png = io.BytesIO()
        sheet.save(png, "PNG", optimize=True)
        return png.getvalue()


def slider(
    draw: Callable[[Axes, Any], None],
    values: Sequence[Any],
    alt: str,
    size: tuple[float, float] = (7, 3.2),
) -> Frames:
    """One frame a value, drawn by `draw(ax, value)`; a slider chooses.

    `alt` describes the frames in words for readers who do not see them. `size` in inches.
    """
    pictures = []
    with plt.rc_context(STYLE):
        figure, ax = plt.subplots(figsize=size)
        for value in values:
            ax.clear()
            draw(ax, value)
            png = io.BytesIO()
            figure.savefig(png, format="png")
            pictures.append(png.getvalue())
        plt.close(figure)
    return Frames(pictures, alt)
