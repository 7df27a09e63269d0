"""Preparing features: time pooling and standardisation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from .data import MultimodalDataset


def time_pooled(dataset: MultimodalDataset) -> np.ndarray:
    """[N, sum of D_m]: each modality's mean over its real steps (zero where missing)."""
    columns = []
    for m, values in dataset.values.items():
        row, _, place = dataset.locate(m, torch.arange(len(dataset)))
        total = torch.zeros(len(dataset), values.shape[1]).index_add_(0, row, values[place].float())
        columns.append(total / dataset.lengths(m).clamp(min=1)[:, None])
    return torch.cat(columns, dim=1).numpy()


def standardize(
    train: MultimodalDataset, *others: MultimodalDataset
) -> tuple[MultimodalDataset, ...]:
    """Each feature to mean 0, standard deviation 1, as measured on `train`'s real steps alone.

    Returns `train` and the others, scaled. A constant column becomes 0.
    """
    statistics = {}
    for m, values in train.values.items():
        mean, std = values.mean(0), values.std(0, correction=0)
        spread = std > 1e-6 * mean.abs().clamp(min=values.abs().mean())
        statistics[m] = mean, torch.where(spread, std, torch.inf)

    def scaled(dataset: MultimodalDataset) -> MultimodalDataset:
        pairs = statistics.items()
        return replace(dataset, values={m: (dataset.values[m] - a) / s for m, (a, s) in pairs})

    return tuple(scaled(d) for d in (train, *others))
