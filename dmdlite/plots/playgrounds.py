"""The interactive figures, for readers with a running kernel.

Each chapter shows a static sweep beside them. Needs ipywidgets (Colab brings it; locally it is in
the `book` extra).
"""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from ipywidgets import FloatSlider, interactive

from ..config import MODALITIES
from ..gd_unit import discrepancy
from ..metrics import sentiment_metrics
from . import circle, distillation_graphs, prediction_scatter, stems


def softmin_weights(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """[M] logits -> [M, M]: weights that fall with an edge's discrepancy, zero diagonal.

    They minimise sum(w * eps) - temperature * entropy(w): the smaller the temperature, the
    closer to what gradient descent on Eq. 9 alone does to free weights.
    """
    eps = discrepancy(logits[None])[0]  # [M, M]
    itself = torch.eye(len(logits), dtype=torch.bool)
    scores = (-eps / temperature).masked_fill(itself, -torch.inf)
    return scores.flatten().softmax(0).view_as(eps)


def gd_unit_playground() -> interactive:
    """Sliders for three logits and the temperature; shows the graph that Eq. 9 favours."""

    def draw(**values: float) -> None:
        temperature = values.pop("temperature")
        logits = torch.tensor(list(values.values()))
        weights = softmin_weights(logits, temperature)
        cost = float((weights * discrepancy(logits[None])[0]).sum())
        title = f"loss {cost:.2f}"
        distillation_graphs({title: weights}, MODALITIES, {title: logits})
        plt.show()

    starts = zip(MODALITIES, (2.0, 0.5, -1.0), strict=True)
    sliders = {m: _slider(value, -3, 3, m) for m, value in starts}
    return interactive(draw, **sliders, temperature=_slider(1.0, 0.1, 5, "temperature"))


def score_playground(prediction: torch.Tensor, target: torch.Tensor) -> interactive:
    """Sliders that stretch and shift predictions [N]; shows the scatter and every score."""

    def draw(stretch: float, shift: float) -> None:
        moved = stretch * prediction + shift
        prediction_scatter(moved, target)
        plt.show()
        scores = sentiment_metrics(moved, target)
        print("  ".join(f"{name} {value:.3f}" for name, value in scores.items()))

    sliders = {"stretch": _slider(1.0, 0.1, 3, "stretch"), "shift": _slider(0.0, -2, 2, "shift")}
    return interactive(draw, **sliders)


def kernel_playground(signal: torch.Tensor) -> interactive:
    """Sliders for the three weights of a kernel; shows a signal [T] and its convolution."""

    def draw(before: float, here: float, after: float) -> None:
        kernel = torch.tensor([[[before, here, after]]])
        convolved = F.conv1d(signal[None, None], kernel, padding=1)[0, 0]
        stems({"x": signal, "convolved": convolved})
        plt.show()

    starts = {"before": -1.0, "here": 0.0, "after": 1.0}
    return interactive(draw, **{name: _slider(v, -2, 2, name) for name, v in starts.items()})


def triplet_playground() -> interactive:
    """Sliders for two angles and the margin; shows one triplet on the circle and its hinge."""

    def draw(positive: float, negative: float, margin: float) -> None:
        cos_p, cos_n = (math.cos(math.radians(a)) for a in (positive, negative))
        hinge = max(0.0, margin - cos_p + cos_n)
        # Anchor and negative share a modality; the positive shares the anchor's sample.
        angles = [[0.0, positive], [negative, math.nan]]
        title = f"max(0, {margin:.1f} − {cos_p:.2f} + {cos_n:.2f}) = {hinge:.2f}"
        circle(angles, ["A+", "B−"], MODALITIES[:2], title)
        plt.show()

    sliders = {
        "positive": _slider(60, -180, 180, "positive", 5),
        "negative": _slider(45, -180, 180, "negative", 5),
        "margin": _slider(0.2, 0, 2, "margin"),
    }
    return interactive(draw, **sliders)


def _slider(value: float, low: float, high: float, text: str, step: float = 0.1) -> FloatSlider:
    return FloatSlider(value, min=low, max=high, step=step, description=text)
