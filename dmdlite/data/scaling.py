"""Preparing features: time pooling and standardisation (Chapter 2)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from .dataset import MultimodalDataset

ROWS = 1 << 16  # steps taken at a time where a copy of all would be large


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
    statistics = column_statistics(train)
    return tuple(scaled(dataset, statistics) for dataset in (train, *others))


Statistics = dict[str, tuple[torch.Tensor, torch.Tensor]]  # m -> mean and scale, [D_m] each


def column_statistics(train: MultimodalDataset) -> Statistics:
    """Mean and scale of every column over all real steps: its standard deviation, inf where the
    column is constant. A modality without a step keeps its values (mean 0, scale 1)."""
    statistics = {}
    for m, values in train.values.items():
        if not len(values):
            width = values.shape[1]
            statistics[m] = torch.zeros(width), torch.ones(width)
            continue
        values = values.float()
        mean, std = values.mean(0), values.std(0, correction=0)
        size = sum(part.abs().sum() for part in values.split(ROWS)) / values.numel()
        spread = std > 1e-6 * mean.abs().clamp(min=size)
        statistics[m] = mean, torch.where(spread, std, torch.inf)
    return statistics


def scaled(
    dataset: MultimodalDataset, statistics: Statistics, name: str | None = None
) -> MultimodalDataset:
    """The data set with each column moved and scaled, under another `name` if given."""
    values = {m: (dataset.values[m] - mean) / scale for m, (mean, scale) in statistics.items()}
    return replace(dataset, values=values, name=name or dataset.name)
