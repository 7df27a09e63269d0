"""Versions of the data that a claim must survive, or that settle what a finding means.

Each takes {"train", "valid", "test"} and a seed, and returns the same splits changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from .data import DataError, MultimodalDataset

Splits = dict[str, MultimodalDataset]


def as_it_is(splits: Splits, seed: int) -> Splits:
    """No change."""
    return splits


def shuffled_labels(splits: Splits, seed: int) -> Splits:
    """Training and validation labels change owners; the test labels stay true."""
    generator = torch.Generator().manual_seed(seed)
    shuffled = {}
    for split in ("train", "valid"):
        labels = splits[split].labels
        order = torch.randperm(len(labels), generator=generator)
        shuffled[split] = replace(splits[split], labels=labels[order])
    return splits | shuffled


def noise(splits: Splits, seed: int) -> Splits:
    """Every number becomes normal noise with its column's mean and spread on the training split.

    Lengths and labels stay.
    """
    generator = torch.Generator().manual_seed(seed)
    spread, centre = {}, {}
    for m, values in splits["train"].values.items():
        centre[m], spread[m] = values.float().mean(0), values.float().std(0, correction=0)

    def drawn(dataset: MultimodalDataset) -> MultimodalDataset:
        values = {
            m: centre[m] + spread[m] * torch.randn(v.shape, generator=generator)
            for m, v in dataset.values.items()
        }
        return replace(dataset, values=values)

    return {split: drawn(dataset) for split, dataset in splits.items()}


def rotated_modalities(splits: Splits, seed: int) -> Splits:
    """The first name gets the second's data, and so on round: what is learned should follow."""
    names = list(next(iter(splits.values())).modalities)
    owners = dict(zip(names, names[1:] + names[:1], strict=True))

    def rotated(dataset: MultimodalDataset) -> MultimodalDataset:
        parts = {
            part: {new: old[owner] for new, owner in owners.items() if owner in old}
            for part, old in (
                ("values", dataset.values), ("offsets", dataset.offsets), ("steps", dataset.steps)
            )
        }  # fmt: skip
        return replace(dataset, **parts)

    return {split: rotated(dataset) for split, dataset in splits.items()}


def padding_as_steps(splits: Splits, seed: int) -> Splits:
    """Every sequence ends in zeros up to the longest of all splits, and they count as real.

    What a model without padding masks sees; a missing modality is all zeros.
    """
    names = next(iter(splits.values())).modalities
    longest = {m: max(int(d.lengths(m).max()) for d in splits.values()) for m in names}
    longest = {m: max(length, 1) for m, length in longest.items()}
    return {split: _padded(dataset, longest) for split, dataset in splits.items()}


def _padded(dataset: MultimodalDataset, longest: dict[str, int]) -> MultimodalDataset:
    values, offsets = {}, {}
    for m, v in dataset.values.items():
        row, _, place = dataset.locate(m, torch.arange(len(dataset)))
        within = place - dataset.offsets[m][row]
        padded = torch.zeros(len(dataset), longest[m], v.shape[1])
        padded[row, within] = v[place].float()
        values[m] = padded.flatten(0, 1)
        offsets[m] = longest[m] * torch.arange(len(dataset) + 1)
    return replace(dataset, values=values, offsets=offsets, steps={})


CONTROLS: dict[str, Callable[[Splits, int], Splits]] = {
    "as it is": as_it_is,
    "shuffled labels": shuffled_labels,
    "noise": noise,
    "rotated modalities": rotated_modalities,
    "padding as steps": padding_as_steps,
}


def is_aligned(dataset: MultimodalDataset) -> bool:
    """Whether all modalities that a sample has share one time axis."""
    if dataset.steps:  # a common time grid with gaps
        return True
    lengths = torch.stack([dataset.lengths(m) for m in dataset.modalities], dim=1)  # [N, M]
    longest = lengths.amax(1, keepdim=True)
    return bool(((lengths == longest) | (lengths == 0)).all())


def aligned(dataset: MultimodalDataset) -> MultimodalDataset:
    """Every sequence averaged to as many steps as the sample's first present modality has.

    Step t of T falls into window floor(t n / T) of n; a window without a step, where T < n, takes
    the step floor(w T / n). With language first this gives one step a word, evenly spaced: a
    stand-in for alignment by time stamps, which features alone do not have.
    """
    lengths = torch.stack([dataset.lengths(m) for m in dataset.modalities], dim=1)  # [N, M]
    first = (lengths > 0).int().argmax(1)  # [N] first present modality
    steps = lengths.gather(1, first[:, None]).squeeze(1)  # [N] n
    values, offsets = {}, {}
    for m in dataset.modalities:
        values[m], offsets[m] = _resampled(dataset, m, steps)
    return replace(dataset, values=values, offsets=offsets, steps={})


def _resampled(dataset: MultimodalDataset, m: str, steps: Tensor) -> tuple[Tensor, Tensor]:
    """Values and offsets of modality m with `steps` [N] windows a sample, 0 where it is missing."""
    length = dataset.lengths(m)  # [N] T
    count = torch.where(length > 0, steps, 0)
    start = torch.cumsum(count, 0) - count  # [N] first window of each sample
    row, _, place = dataset.locate(m, torch.arange(len(dataset)))
    within = place - dataset.offsets[m][row]
    window = start[row] + within * count[row] // length[row]  # [S]
    size = int(count.sum())
    total = torch.zeros(size, dataset.values[m].shape[1])
    total.index_add_(0, window, dataset.values[m][place].float())
    filled = torch.bincount(window, minlength=size)
    owner = torch.repeat_interleave(torch.arange(len(dataset)), count)  # [size]
    nearest = (torch.arange(size) - start[owner]) * length[owner] // steps[owner]
    source = dataset.offsets[m][owner] + nearest
    empty = filled == 0
    total[empty] = dataset.values[m][source[empty]].float()
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), count.cumsum(0)])
    return total / filled.clamp(min=1)[:, None], offsets


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
