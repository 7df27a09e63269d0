"""Versions of the data that a claim must survive, or that explain it (Chapter 12).

Each takes {"train", "valid", "test"} and a seed, and returns the same splits changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from ..data.alignment import Splits
from ..data.dataset import MultimodalDataset
from ..data.scaling import time_pooled


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
                ("values", dataset.values),
                ("offsets", dataset.offsets),
                ("steps", dataset.steps),
            )
        }
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


def without_what_shifts(splits: Splits, seed: int) -> Splits:
    """The direction in which each modality of the toy shows p_m[1] is taken out of its features.

    It is the coefficient of p_m[1] in a regression of the training clips' means on p_m, the common
    factors and the label, with which p_m[1] goes where the world's `shift` says so.
    """
    train, out = splits["train"], {split: dict(d.values) for split, d in splits.items()}
    for m in train.modalities:
        here = (train.lengths(m) > 0) & train.labelled
        known = [train.factors[f"private_{m}"], train.factors["common"], train.labels[:, None]]
        about = torch.cat([*known, torch.ones(len(train), 1)], dim=1)[here].double().numpy()
        means = np.asarray(time_pooled(train.select(m)), dtype=np.float64)[here.numpy()]
        weights = np.linalg.lstsq(about, means, rcond=None)[0]  # of every factor: [8, D]
        direction = torch.tensor(weights[1] / np.linalg.norm(weights[1])).float()
        for split, dataset in splits.items():
            x = dataset.values[m].float()
            out[split][m] = x - (x @ direction)[:, None] * direction
    return {split: replace(d, values=out[split]) for split, d in splits.items()}


CONTROLS: dict[str, Callable[[Splits, int], Splits]] = {
    "as it is": as_it_is,
    "shuffled labels": shuffled_labels,
    "noise": noise,
    "rotated modalities": rotated_modalities,
    "padding as steps": padding_as_steps,
    "without what shifts": without_what_shifts,
}
