"""One small picture for each system the paper compares with: what meets what, and where."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from .diagrams import arrow, box
from .model_config import MODALITIES
from .style import COLOURS, styled

# name -> (column, row, text); rows 2, 1, 0 are those of language, vision and audio. A name that
# begins with L, V or A has that modality's colour. Arrows "a>b" carry data; "a~b", dashed, are
# losses or are there in training only. "y" is the score, at the end of the last column.
Box = tuple[float, float, str]
DIAGRAMS: dict[str, tuple[dict[str, Box], str]] = {
    "EF-LSTM": (
        {"join": (1, 1, "joined at\nevery step"), "lstm": (2, 1, "LSTM"),
         "head": (3, 1, "last state,\n2 layers")},
        "L>join V>join A>join join>lstm lstm>head head>y",
    ),
    "LF-LSTM": (
        {"Ll": (1, 2, "LSTM"), "Vl": (1, 1, "LSTM"), "Al": (1, 0, "LSTM"),
         "join": (2, 1, "last states\njoined"), "head": (3, 1, "residual\nhead")},
        "L>Ll V>Vl A>Al Ll>join Vl>join Al>join join>head head>y",
    ),
    "TFN": (
        {"Ll": (1, 2, "LSTM\n→ [1, h]"), "Vl": (1, 1, "mean\n→ [1, h]"),
         "Al": (1, 0, "mean\n→ [1, h]"), "cube": (2, 1, "outer\nproduct ⊗"),
         "head": (3, 1, "3 layers")},
        "L>Ll V>Vl A>Al Ll>cube Vl>cube Al>cube cube>head head>y",
    ),
    "LMF": (
        {"Ll": (1, 2, "LSTM\n→ [1, h]"), "Vl": (1, 1, "mean\n→ [1, h]"),
         "Al": (1, 0, "mean\n→ [1, h]"), "Lw": (2, 2, "× W, r wide"), "Vw": (2, 1, "× W, r wide"),
         "Aw": (2, 0, "× W, r wide"), "head": (3, 1, "product,\nsum over r")},
        "L>Ll V>Vl A>Al Ll>Lw Vl>Vw Al>Aw Lw>head Vw>head Aw>head head>y",
    ),
    "Graph-MFN": (
        {"Ll": (1, 2, "LSTM cell"), "Vl": (1, 1, "LSTM cell"), "Al": (1, 0, "LSTM cell"),
         "graph": (2, 1, "graph of all\nsubsets"), "memory": (3, 1, "gated\nmemory"),
         "head": (4, 1, "2 layers")},
        "L>Ll V>Vl A>Al Ll>graph Vl>graph Al>graph graph>memory memory>head head>y",
    ),
    "MFM": (
        {"Lz": (1, 2, "LSTM → z, f"), "mfn": (1, 1, "MFN over all\n→ z, f"),
         "Az": (1, 0, "LSTM → z, f"), "head": (2.6, 1, "label from\nits own f"),
         "Lx": (2.6, 2, "sequence\nback"), "Ax": (2.6, 0, "sequence\nback")},
        "L>Lz L>mfn V>mfn A>mfn A>Az mfn>head head>y Lz~Lx mfn~Lx Az~Ax mfn~Ax",
    ),
    "RAVEN": (
        {"Vl": (1, 1, "LSTM within\na word"), "Al": (1, 0, "LSTM within\na word"),
         "shift": (2, 0.5, "gated\nshift"), "Lw": (2, 2, "word + shift"),
         "head": (3, 2, "LSTM,\n2 layers")},
        "V>Vl A>Al Vl>shift Al>shift L>Lw shift>Lw Lw>head head>y",
    ),
    "MCTN": (
        {"one": (1, 2, "encoder 1"), "two": (2, 2, "encoder 2"), "head": (3, 2, "LSTM,\nattention"),
         "Vt": (1, 1, "decoder:\nvision"), "back": (2, 1, "and back to\nlanguage"),
         "At": (3, 0, "decoder:\naudio")},
        "L>one one>two two>head head>y one~Vt Vt~back two~At V~Vt A~At",
    ),
    "MulT": (
        {"Lc": (1, 2, "reads V, A"), "Vc": (1, 1, "reads L, A"), "Ac": (1, 0, "reads L, V"),
         "Lm": (2, 2, "self-\nattention"), "Vm": (2, 1, "self-\nattention"),
         "Am": (2, 0, "self-\nattention"), "head": (3, 1, "residual\nhead")},
        "L>Lc V>Lc A>Lc L>Vc V>Vc A>Vc L>Ac V>Ac A>Ac Lc>Lm Vc>Vm Ac>Am Lm>head Vm>head Am>head "
        "head>y",
    ),
    "PMR": (
        {"hub": (1, 1, "message\nhub"), "Lg": (2, 2, "filter gate"), "Vg": (2, 1, "filter gate"),
         "Ag": (2, 0, "filter gate"), "head": (3, 1, "means,\nhead")},
        "L>hub V>hub A>hub hub>Lg hub>Vg hub>Ag L>Lg A>Ag Lg>head Vg>head Ag>head head>y",
    ),
    "MICA": (
        {"Lq": (1, 2, "common q, k"), "Vq": (1, 1, "common q, k"), "Aq": (1, 0, "common q, k"),
         "att": (2, 1, "attention\nlike MulT's"), "head": (3, 1, "residual\nhead"),
         "dist": (2, 2, "alike: all,\nand in pairs")},
        "L>Lq V>Vq A>Aq Lq>att Vq>att Aq>att att>head head>y Lq~dist Vq~dist Aq~dist",
    ),
    "MISA": (
        {"Lh": (1, 2, "LSTMs → h"), "Vh": (1, 1, "LSTMs → h"), "Ah": (1, 0, "LSTMs → h"),
         "common": (2, 1.6, "3 shared:\nalike (CMD)"), "private": (2, 0.4, "3 private:\napart"),
         "head": (3, 1, "6 tokens,\nattention"), "back": (3, 2.1, "h back")},
        "L>Lh V>Vh A>Ah Lh>common Vh>common Ah>common Lh>private Vh>private Ah>private "
        "common>head private>head head>y common~back private~back",
    ),
    "FDMER": (
        {"Lh": (1, 2, "LSTMs → h"), "Vh": (1, 1, "LSTMs → h"), "Ah": (1, 0, "LSTMs → h"),
         "common": (2, 1.6, "3 common:\nfool it"), "private": (2, 0.4, "3 private:\nhelp it"),
         "head": (3, 1, "6 tokens,\nattention"), "who": (3, 2.1, "whose is it?")},
        "L>Lh V>Vh A>Ah Lh>common Vh>common Ah>common Lh>private Vh>private Ah>private "
        "common>head private>head head>y common~who private~who",
    ),
}  # fmt: skip
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
