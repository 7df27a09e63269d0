"""One small picture for each system the paper compares with: what meets what, and where."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from ..config import MODALITIES
from .diagrams import arrow, box
from .style import COLOURS, styled

# A box: column, row, text; rows 2, 1, 0 are those of language, vision and audio. A name that begins
# with L, V or A has that modality's colour.
Box = tuple[float, float, str]


def each(letter: str, column: float, *texts: str) -> dict[str, Box]:
    """One box a modality, named L, V, A and `letter`; one text for all, or one for each."""
    texts = texts * 3 if len(texts) == 1 else texts
    return {f"{m}{letter}": (column, 2 - i, texts[i]) for i, m in enumerate("LVA")}


def to(letter: str, end: str, arrow: str = ">") -> str:
    """Arrows from the three boxes of a column to one box, or to those of another column."""
    ends = [f"{m}{end}" if len(end) == 1 else end for m in "LVA"]
    return " ".join(f"{m}{letter}{arrow}{e}" for m, e in zip("LVA", ends, strict=True)) + " "


def two_codes(encoder: str, common: str, private: str, loss: str) -> tuple[dict[str, Box], str]:
    """MISA's and FDMER's picture: a vector a modality, two codes of each, six tokens."""
    boxes = each("h", 1, encoder) | {
        "common": (2, 1.6, common),
        "private": (2, 0.4, private),
        "head": (3, 1, "6 tokens,\nattention"),
        "loss": (3, 2.1, loss),
    }
    arrows = to("", "h") + to("h", "common") + to("h", "private")
    return boxes, arrows + "common>head private>head head>y common~loss private~loss"


# Arrows "a>b" carry data; "a~b", dashed, are losses or are there in training only; y: the score.
DIAGRAMS: dict[str, tuple[dict[str, Box], str]] = {
    "EF-LSTM": (
        {
            "join": (1, 1, "joined at\nevery step"),
            "lstm": (2, 1, "LSTM"),
            "head": (3, 1, "last state,\n2 layers"),
        },
        to("", "join") + "join>lstm lstm>head head>y",
    ),
    "LF-LSTM": (
        each("l", 1, "LSTM")
        | {"join": (2, 1, "last states\njoined"), "head": (3, 1, "residual\nhead")},
        to("", "l") + to("l", "join") + "join>head head>y",
    ),
    "TFN": (
        each("l", 1, "LSTM\n→ [1, h]", "mean\n→ [1, h]", "mean\n→ [1, h]")
        | {"cube": (2, 1, "outer\nproduct ⊗"), "head": (3, 1, "3 layers")},
        to("", "l") + to("l", "cube") + "cube>head head>y",
    ),
    "LMF": (
        each("l", 1, "LSTM\n→ [1, h]", "mean\n→ [1, h]", "mean\n→ [1, h]")
        | each("w", 2, "× W, r wide")
        | {"head": (3, 1, "product,\nsum over r")},
        to("", "l") + to("l", "w") + to("w", "head") + "head>y",
    ),
    "Graph-MFN": (
        each("l", 1, "LSTM cell")
        | {
            "graph": (2, 1, "graph of all\nsubsets"),
            "memory": (3, 1, "gated\nmemory"),
            "head": (4, 1, "2 layers"),
        },
        to("", "l") + to("l", "graph") + "graph>memory memory>head head>y",
    ),
    "MFM": (
        {
            "Lz": (1, 2, "LSTM → z, f"),
            "mfn": (1, 1, "MFN over all\n→ z, f"),
            "Az": (1, 0, "LSTM → z, f"),
            "head": (2.6, 1, "label from\nits own f"),
            "Lx": (2.6, 2, "sequence\nback"),
            "Ax": (2.6, 0, "sequence\nback"),
        },
        to("", "mfn") + "L>Lz A>Az mfn>head head>y Lz~Lx mfn~Lx Az~Ax mfn~Ax",
    ),
    "RAVEN": (
        {
            "Vl": (1, 1, "LSTM within\na word"),
            "Al": (1, 0, "LSTM within\na word"),
            "shift": (2, 0.5, "gated\nshift"),
            "Lw": (2, 2, "word + shift"),
            "head": (3, 2, "LSTM,\n2 layers"),
        },
        "V>Vl A>Al Vl>shift Al>shift L>Lw shift>Lw Lw>head head>y",
    ),
    "MCTN": (
        {
            "one": (1, 2, "encoder 1"),
            "two": (2, 2, "encoder 2"),
            "head": (3, 2, "LSTM,\nattention"),
            "Vt": (1, 1, "decoder:\nvision"),
            "back": (2, 1, "and back to\nlanguage"),
            "At": (3, 0, "decoder:\naudio"),
        },
        "L>one one>two two>head head>y one~Vt Vt~back two~At V~Vt A~At",
    ),
    "MulT": (
        each("c", 1, "reads V, A", "reads L, A", "reads L, V")
        | each("m", 2, "self-\nattention")
        | {"head": (3, 1, "residual\nhead")},
        to("", "Lc") + to("", "Vc") + to("", "Ac") + to("c", "m") + to("m", "head") + "head>y",
    ),
    "PMR": (
        each("g", 2, "filter gate")
        | {"hub": (1, 1, "message\nhub"), "head": (3, 1, "means,\nhead")},
        to("", "hub") + "hub>Lg hub>Vg hub>Ag L>Lg A>Ag " + to("g", "head") + "head>y",
    ),
    "MICA": (
        each("q", 1, "common q, k")
        | {
            "att": (2, 1, "attention\nlike MulT's"),
            "head": (3, 1, "residual\nhead"),
            "dist": (2, 2, "alike: all,\nand in pairs"),
        },
        to("", "q") + to("q", "att") + "att>head head>y " + to("q", "dist", "~"),
    ),
    "MISA": two_codes("LSTMs → h", "3 shared:\nalike (CMD)", "3 private:\napart", "h back"),
    "FDMER": two_codes("LSTM → h", "3 common:\nfool it", "3 private:\nhelp it", "whose is it?"),
}
WIDTH, HEIGHT, PITCH = 1.55, 0.72, 2.15  # of a box, and from column to column


@styled
def system_diagram(name: str) -> Figure:
    """One system from left to right; dashed: losses, or paths that exist in training only.

    Raises KeyError for a system that has no picture.
    """
    boxes, arrows = DIAGRAMS[name]
    inputs = {m[0].upper(): (0.0, 2.0 - i, m) for i, m in enumerate(MODALITIES)}
    placed: Mapping[str, Box] = {**inputs, **boxes}
    last = max(column for column, _, _ in placed.values())
    height = placed[next(a for a in arrows.split() if a.endswith(">y"))[:-2]][1]
    figure, ax = plt.subplots(figsize=(7.5, 2.3))
    colours = dict(zip("LVA", COLOURS, strict=False))
    for key, (column, row, text) in placed.items():
        colour = colours.get(key[0], "#bbbbbb")
        box(ax, PITCH * column, row, WIDTH, HEIGHT, text, colour)
    for step in arrows.split():
        dashed = "~" in step
        start, end = step.split("~" if dashed else ">")
        target = (last + 1, height, "") if end == "y" else placed[end]
        _joined(ax, placed[start], target, "--" if dashed else "-")
    ax.annotate("score", (PITCH * (last + 1) + 0.05, height), va="center")
    ax.set(xlim=(-0.1, PITCH * (last + 1) + 0.9), ylim=(-0.5, 2.6))
    ax.axis("off")
    return figure


def _joined(ax, a: Box, b: Box, linestyle: str) -> None:
    """An arrow from the right edge to the left one, or up or down within a column."""
    if a[0] == b[0]:
        edge = HEIGHT / 2 if b[1] > a[1] else -HEIGHT / 2
        middle = PITCH * a[0] + WIDTH / 2
        arrow(ax, (middle, a[1] + edge), (middle, b[1] - edge), linestyle)
    else:
        arrow(ax, (PITCH * a[0] + WIDTH, a[1]), (PITCH * b[0], b[1]), linestyle)
