"""The interactive figures: sliders and a drawing in the page itself, with or without a kernel.

Each is HTML with the two scripts beside this file, which need nothing else, so it moves on Colab,
in Jupyter and on the rendered page. Each chapter shows a static sweep beside it, for paper.
"""

from __future__ import annotations

import html
import json
from functools import cache
from importlib.resources import files
from typing import Any

import torch

from ..config import MODALITIES
from ..gd_unit import discrepancy

STYLE = (
    ".playground { max-width: 640px; border: 1px solid; border-radius: 6px; padding: .8em; } "
    ".playground label { display: flex; gap: .6em; align-items: center; } "
    ".playground input { flex: 1; min-width: 6em; } .playground select { max-width: 100%; } "
    ".playground output { min-width: 3em; } .playground svg { width: 100%; } "
    ".playground text { font: 15px sans-serif; } .playground p { margin: .4em 0 0; } "
    "@media (max-width: 480px) { .playground text { font-size: 20px; } }"
)


def softmin_weights(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """[M] logits -> [M, M]: weights that fall with an edge's discrepancy, zero diagonal.

    They minimise sum(w * eps) - temperature * entropy(w): the smaller the temperature, the
    closer to what gradient descent on Eq. 9 alone does to free weights.
    """
    eps = discrepancy(logits[None])[0]  # [M, M]
    itself = torch.eye(len(logits), dtype=torch.bool)
    scores = (-eps / temperature).masked_fill(itself, -torch.inf)
    return scores.flatten().softmax(0).view_as(eps)


class Playground:
    """HTML that draws itself; on paper, a line that says so."""

    def __init__(self, page: str):
        self.page = page

    def _repr_html_(self) -> str:
        return self.page

    def __repr__(self) -> str:
        return "(sliders: on the page and in the notebook)"


def gd_unit_playground() -> Playground:
    """Sliders for three logits and the temperature; shows the graph that Eq. 9 favours."""
    starts = zip(MODALITIES, (2.0, 0.5, -1.0), strict=True)
    sliders = {m: _slider(m, start, -3, 3) for m, start in starts}
    return _playground("graph", sliders | {"temperature": _slider("temperature", 1.0, 0.1, 5)})


def score_playground(prediction: torch.Tensor, target: torch.Tensor) -> Playground:
    """Sliders that stretch and shift predictions [N]; shows the scatter and every score."""
    sliders = {"stretch": _slider("stretch", 1.0, 0.1, 3), "shift": _slider("shift", 0.0, -2, 2)}
    return _playground("scatter", sliders, prediction=_list(prediction), target=_list(target))


def kernel_playground(signal: torch.Tensor) -> Playground:
    """Sliders for the three weights of a kernel; shows a signal [T] and its convolution."""
    starts = {"before": -1.0, "here": 0.0, "after": 1.0}
    sliders = {name: _slider(name, start, -2, 2) for name, start in starts.items()}
    return _playground("stems", sliders, signal=_list(signal))


def triplet_playground() -> Playground:
    """Sliders for two angles and the margin; shows one triplet on the circle and its hinge."""
    angles = {"positive": 60, "negative": 45}
    sliders = {name: _slider(f"{name}, °", a, -180, 180, 5) for name, a in angles.items()}
    return _playground("triplet", sliders | {"margin": _slider("margin", 0.2, 0, 2)})


def gate_playground() -> Playground:
    """Sliders for two features h and their scores Wh; shows gates and what they let through."""
    starts = {"h1": 2.0, "h2": -1.0, "s1": 0.0, "s2": 1.1}
    texts = {"h1": "h₁", "h2": "h₂", "s1": "(W h)₁", "s2": "(W h)₂"}
    sliders = {name: _slider(texts[name], start, -4, 4) for name, start in starts.items()}
    return _playground("gates", sliders)


def map_playground(curves: dict[str, dict[str, Any]]) -> Playground:
    """Choose a curve of the map and turn its dial: every arm's difference, with its interval.

    `curves` is what `experiments.slopes.for_playground` makes of the rows.
    """
    last = max(len(curve["doses"]) for curve in curves.values()) - 1
    choice = {"text": "curve", "options": list(curves), "start": next(iter(curves))}
    dose = _slider("dose, first to last", 0, 0, last, 1) | {"of": "curve"}
    return _playground("map", {"curve": choice, "dose": dose}, curves=curves)


def _list(values: torch.Tensor) -> list[float]:
    return [round(value, 4) for value in torch.as_tensor(values).tolist()]


def _slider(text: str, start: float, low: float, high: float, step: float = 0.1) -> dict[str, Any]:
    return {"text": text, "start": start, "low": low, "high": high, "step": step}


@cache
def scripts() -> str:
    """What the playgrounds compute, and what they show."""
    here = files(__package__)
    return "".join((here / name).read_text("utf-8") for name in ("arithmetic.js", "playgrounds.js"))


def _playground(kind: str, controls: dict[str, Any], **data: Any) -> Playground:
    """Raises ValueError for NaN and inf, which a drawing has no place for."""
    about = json.dumps({"kind": kind, "controls": controls, "data": data}, allow_nan=False)
    about = html.escape(about, quote=True)
    place = f'<div class="playground" data-about="{about}"></div>'
    # In braces: a page with several of them defines the names of each on its own.
    return Playground(f"<style>{STYLE}</style>{place}<script>{{{scripts()}}}</script>")
