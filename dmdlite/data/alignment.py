"""One time axis for all modalities: whether data have one, and a stand-in (Chapter 1).

Features alone do not say when a word was spoken, so sequences are cut into evenly spaced windows,
one for each step of the first modality that a sample has (one a word, with language first). Where
the data are aligned by time stamps already, nothing is moved.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import DataError
from .dataset import Batch, MultimodalDataset
from .masks import positions

Splits = dict[str, MultimodalDataset]


def windows(length: Tensor, steps: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Which of a sample's `length` [B] steps fall into each of `steps` [B] windows, n at most.

    -> first step and number of steps of every window, both [B, n].
    Step t of T falls into window floor(t n / T) of n; a window without a step, where T < n, takes
    the step floor(w T / n). No steps: no windows.
    """
    w = torch.arange(n, device=length.device)  # [n]
    length, steps = length[:, None], steps[:, None]  # [B, 1]
    some = steps.clamp(min=1)
    first, after = ((k * length + some - 1) // some for k in (w, w + 1))  # [B, n]
    empty = first == after
    first = torch.where(empty, w * length // some, first)
    count = torch.where(empty, 1, after - first)
    return first, count * ((w < steps) & (length > 0))


def resample(x: Tensor, mask: Tensor, steps: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The mean of each of `steps` [B] windows: x [B, T, D], mask [B, T] -> [B, n, D], [B, n]."""
    place = positions(mask)[:, None, :]  # [B, 1, T]
    first, count = windows(mask.sum(1), steps, n)
    first, count = first[..., None], count[..., None]  # [B, n, 1]
    inside = (place >= first) & (place < first + count) & mask[:, None, :]  # [B, n, T]
    weight = inside.to(x.dtype) / count.clamp(min=1)
    return weight @ x.masked_fill(~mask[..., None], 0), count.squeeze(-1) > 0


def first_lengths(lengths: Tensor) -> Tensor:
    """[B] length of the first modality that a sample has, 0 where it has none: lengths [B, M]."""
    first = (lengths > 0).int().argmax(1, keepdim=True)
    return lengths.gather(1, first).squeeze(1)


def one_axis(batch: Batch, is_aligned: bool) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Features [B, T, D_m] and masks [B, T] with the same T for every modality.

    Data that `is_aligned` are only padded to one length; others are resampled.
    """
    if is_aligned:
        time = max(mask.shape[1] for mask in batch.masks.values())
        masks = {m: F.pad(x, (0, time - x.shape[1])) for m, x in batch.masks.items()}
        found = {
            m: F.pad(x.masked_fill(~batch.masks[m][..., None], 0), (0, 0, 0, time - x.shape[1]))
            for m, x in batch.features.items()
        }
        return found, masks
    lengths = torch.stack([mask.sum(1) for mask in batch.masks.values()], dim=1)  # [B, M]
    steps, n = first_lengths(lengths), int(first_lengths(batch.real_steps()).max())
    parts = {m: resample(x, batch.masks[m], steps, max(n, 1)) for m, x in batch.features.items()}
    return {m: x for m, (x, _) in parts.items()}, {m: mask for m, (_, mask) in parts.items()}


def is_aligned(dataset: MultimodalDataset) -> bool:
    """Whether all modalities that a sample has share one time axis: as the data set says, else
    judged by its time grid and its lengths."""
    if dataset.aligned is not None:
        return dataset.aligned
    if dataset.steps:  # a common time grid with gaps
        return True
    lengths = torch.stack([dataset.lengths(m) for m in dataset.modalities], dim=1)  # [N, M]
    longest = lengths.amax(1, keepdim=True)
    return bool(((lengths == longest) | (lengths == 0)).all())


def aligned(dataset: MultimodalDataset) -> MultimodalDataset:
    """The data set with every sequence resampled, see `windows`."""
    values: dict[str, list[Tensor]] = {m: [] for m in dataset.modalities}
    counts: dict[str, list[Tensor]] = {m: [] for m in dataset.modalities}
    for batch in dataset.batches(256):
        features, masks = one_axis(batch, False)
        for m, mask in masks.items():
            values[m].append(features[m][mask])
            counts[m].append(mask.sum(1).cpu())
    offsets = {m: F.pad(torch.cat(count).cumsum(0), (1, 0)) for m, count in counts.items()}
    joined = {m: torch.cat(v) for m, v in values.items()}
    return replace(dataset, values=joined, offsets=offsets, steps={}, aligned=True)


def in_setting(splits: Splits, setting: str | None) -> tuple[Splits, str]:
    """The splits in the "aligned" or "unaligned" setting, by default the one they are in.

    Raises DataError when aligned data are asked for unaligned: what alignment took is gone.
    """
    found = "aligned" if all(is_aligned(d) for d in splits.values()) else "unaligned"
    if setting in (None, found):
        return splits, found
    if setting == "unaligned":
        name = next(iter(splits.values())).name
        raise DataError(f"{name}: the data are aligned already; --setting unaligned needs others")
    return {split: aligned(d) for split, d in splits.items()}, setting
