"""Figures of data: one clip, a batch, a data set at a glance, how files pad."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..config import MODALITIES
from ..data import Batch, MultimodalDataset
from .style import COLOURS, FLOOR, GROUND, INK, mark, panels, styled

STEPS_READ = 20_000  # of each modality, for its columns' spreads


@styled
def data_overview(splits: dict[str, MultimodalDataset]) -> Figure:
    """Four panels: labels and missing modalities by split, lengths and columns' spreads in the
    first split."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 6.4))
    first_name, first = next(iter(splits.items()))
    _labels(axes[0, 0], splits)
    _missing(axes[0, 1], splits)
    _lengths(axes[1, 0], first)
    _spreads(axes[1, 1], first)
    axes[1, 0].set_title(f"length of clips ({first_name})")
    axes[1, 1].set_title(f"spread of every feature ({first_name})")
    sizes = ", ".join(f"{split} {len(data)}" for split, data in splits.items())
    figure.suptitle(f"{first.name}: {sizes} clips")
    return figure


def _labels(ax: Axes, splits: dict[str, MultimodalDataset]) -> None:
    edges = np.arange(-3.25, 3.5, 0.5)
    for i, (split, data) in enumerate(splits.items()):
        share = np.histogram(data.labels.numpy(), edges)[0] / max(len(data), 1)
        ax.plot(edges[:-1] + 0.25, share, label=split, **mark(i))
    ax.set(title="labels", xlabel="sentiment", ylabel="share of clips")
    ax.set_ylim(bottom=0)
    ax.legend()


def _missing(ax: Axes, splits: dict[str, MultimodalDataset]) -> None:
    first = next(iter(splits.values()))
    height = 0.8 / len(splits)
    for i, (split, data) in enumerate(splits.items()):
        share = 100 * (1 - data.present.float().mean(0).numpy()) if len(data) else 0
        place = np.arange(len(first.modalities)) + height * (i - (len(splits) - 1) / 2)
        bars = ax.barh(place, share, height, label=split, color=COLOURS[i], edgecolor=GROUND)
        ax.bar_label(bars, fmt="%.1f", padding=3, fontsize=9, color=INK)
    ax.set(title="missing modalities", xlabel="% of clips", xlim=(0, 115))
    ax.set_yticks(range(len(first.modalities)), first.modalities)
    ax.invert_yaxis()
    ax.legend(loc="lower right")


def _lengths(ax: Axes, data: MultimodalDataset) -> None:
    longest = max((int(data.lengths(m).max()) for m in data.modalities if len(data)), default=1)
    bin_width = -(-longest // 24) or 1  # whole steps, or the bins would beat against them
    edges = np.arange(0.5, longest + bin_width + 0.5, bin_width)
    for i, m in enumerate(data.modalities):
        steps = data.lengths(m).numpy()
        if (steps > 0).any():
            share = np.histogram(steps[steps > 0], edges)[0] / (steps > 0).sum()
            ax.plot((edges[:-1] + edges[1:]) / 2, share, label=m, **mark(i) | {"marker": ""})
    ax.set(xlabel="real steps", ylabel="share of clips")
    _legend(ax)


def _spreads(ax: Axes, data: MultimodalDataset) -> None:
    """Standard deviation of every column, sorted; one that never changes lies on the floor."""
    lowest, highest = 1.0, 1.0
    for i, (m, values) in enumerate(data.values.items()):
        if not len(values):
            continue
        stride = max(1, len(values) // STEPS_READ)
        spread = np.sort(values[::stride].float().std(0, correction=0).numpy())[::-1]
        place = np.linspace(0, 100, len(spread))
        ax.plot(place, np.maximum(spread, 1e-6), label=f"{m} ({len(spread)})", **mark(i))
        ax.lines[-1].set(markersize=3)
        lowest, highest = min(lowest, spread[-1]), max(highest, spread[0])
    decades = np.floor(np.log10(max(lowest, 1e-6))), np.ceil(np.log10(highest * 1.01))
    ax.set(
        yscale="log",
        ylim=10.0 ** np.array(decades),
        xlabel="features, widest first (%)",
        ylabel="standard deviation",
    )
    _legend(ax)


def _legend(ax: Axes) -> None:
    """A legend, unless nothing was drawn."""
    if ax.lines:
        ax.legend()


@styled
def padding_layouts() -> Figure:
    """One clip in the layouts of four kinds of file: which of twelve steps are real."""
    rows = {
        "MulT: padded on the left": ("000000111111", "000111111111", "000000000111"),
        "MMSA: padded on the right": ("111111000000", "111111111000", "111000000000"),
        "MFN: one grid, padded on both sides": ("001111110000", "000111011000", "001111110000"),
        "stored here: real steps only": ("111111", "111111111", "111"),
    }
    figure, axes = panels(4, 5, 1.5)
    for ax, (title, bits) in zip(axes, rows.items(), strict=True):
        for y, (name, row) in enumerate(zip(MODALITIES, bits, strict=True)):
            for x, bit in enumerate(row):
                face = COLOURS[y] if bit == "1" else "none"
                ax.add_patch(
                    Rectangle((x, y), 0.9, 0.8, facecolor=face, edgecolor=INK, linewidth=0.6)
                )
            ax.annotate(name, (-0.3, y + 0.4), ha="right", va="center", fontsize=10)
        ax.set(xlim=(-3.6, 12.1), ylim=(3.1, -0.2))
        ax.set_title(title, loc="left")
        ax.axis("off")
    return figure


@styled
def sequences(dataset: MultimodalDataset, index: int, names: Sequence[str] | None = None) -> Figure:
    """One sample as a heat map per modality: rows are features, columns real steps in order."""
    names = names or dataset.modalities
    figure, axes = plt.subplots(len(names), 1, figsize=(7, 1.7 * len(names)), squeeze=False)
    batch = dataset.batch([index])
    for ax, m in zip(axes[:, 0], names, strict=True):
        x = batch.features[m][0].cpu().T  # [D, T]
        limit = max(float(x.abs().max()), 1e-6)
        image = ax.imshow(x, aspect="auto", cmap="vlag", vmin=-limit, vmax=limit)
        real = int(batch.masks[m].sum())
        ax.set(title=f"{m}: {real} steps", ylabel="feature", yticks=[0, len(x) - 1])
        figure.colorbar(image, ax=ax, label="value")
    axes[-1, 0].set_xlabel("time step")
    figure.suptitle(f"{dataset.ids[index]}, sentiment {float(dataset.labels[index]):+.1f}")
    return figure


@styled
def timeline(dataset: MultimodalDataset, index: int, rates: Mapping[str, float]) -> Figure:
    """One sample as a heat map per modality over one axis in seconds; `rates` in steps a second.

    Rows are features. A modality without a step is an empty, labelled row.
    """
    names = list(dataset.modalities)
    figure, axes = plt.subplots(len(names), 1, figsize=(7, 1.6 * len(names)), sharex=True)
    batch = dataset.batch([index])
    for ax, m in zip(axes, names, strict=True):
        steps = int(batch.masks[m].sum())
        ax.set(title=f"{m}: {steps} steps, {rates[m]:g} a second", ylabel="feature")
        x = batch.features[m][0, :steps].cpu().T  # [D, T]
        if not steps:
            ax.annotate("missing", (0.5, 0.5), xycoords="axes fraction", ha="center", color=FLOOR)
            ax.set(yticks=[])
            continue
        limit = float(x.abs().max())
        seconds = (0, steps / rates[m], len(x) - 0.5, -0.5)
        ax.imshow(x, aspect="auto", cmap="vlag", vmin=-limit, vmax=limit, extent=seconds)
        ax.set(yticks=[0, len(x) - 1])
    ends = [dataset.lengths(m)[index] / rates[m] for m in names]
    axes[-1].set(xlabel="time (seconds)", xlim=(0, float(max(ends))))
    figure.suptitle(f"{dataset.ids[index]}, sentiment {float(dataset.labels[index]):+.1f}")
    return figure


@styled
def padding(batch: Batch) -> Figure:
    """Which steps of a batch are real (dark) and which are padding (light), a panel a modality."""
    masks = batch.masks
    figure, axes = plt.subplots(1, len(masks), figsize=(7.5, 0.9 + 0.28 * len(batch)), sharey=True)
    for ax, (m, mask) in zip(np.atleast_1d(axes), masks.items(), strict=True):
        sns.heatmap(
            mask.cpu(),
            ax=ax,
            cmap=["#e4e4e0", COLOURS[0]],
            vmin=0,
            vmax=1,
            cbar=False,
            linewidths=1,
            linecolor="#fcfcfa",
            xticklabels=5,
        )
        ax.set(title=m, xlabel="time step")
        ax.tick_params(length=0)
    np.atleast_1d(axes)[0].set_ylabel("clip of the batch")
    return figure


@styled
def label_histogram(labels: Any) -> Figure:
    """How many samples have each sentiment [N]; classes of acc7 are marked below."""
    figure, ax = plt.subplots(figsize=(7, 2.8))
    sns.histplot(
        x=np.asarray(labels),
        binwidth=0.2,
        binrange=(-3.1, 3.1),
        ax=ax,
        color=COLOURS[0],
        edgecolor=INK,
        linewidth=0.5,
    )
    ax.set(xlabel="sentiment (points)", ylabel="clips", xticks=range(-3, 4))
    return figure
