"""Notebooks' figures: a palette makes them smaller and changes nothing that can be seen."""

import base64
import io

import execute
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from dmdlite.plots import system_diagram


def test_a_figure_with_a_palette_is_smaller_and_looks_the_same():
    """No pixel moves by more than a few of 255, and most not at all."""
    figure = system_diagram("TFN")
    before = io.BytesIO()
    figure.savefig(before, dpi=90)
    plt.close(figure)
    png = base64.b64encode(before.getvalue()).decode()
    small = execute.with_palette(png)
    assert len(small) < len(png) / 2
    old, new = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(x))).convert("RGB")).astype(int)
        for x in (png, small)
    )
    assert old.shape == new.shape
    assert np.abs(old - new).max() < 32
    assert np.abs(old - new).mean() < 1
    assert len(execute.with_palette(small)) <= len(small)
