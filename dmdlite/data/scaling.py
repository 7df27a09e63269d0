"""Preparing features: time pooling, standardisation, and what of it a model keeps (Chapter 2)."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import DataError
from .dataset import Batch, MultimodalDataset

CELLS = 1 << 21  # numbers taken at a time: a data set need not fit into memory
SAMPLED = 1 << 14  # steps from which the middle of a column is found
FEW = 100  # steps; of fewer none is called wild
USUAL = 0.9  # of a column; where one value makes more, the others are events
WILD = 10.0  # widths of the middle 98 % beyond which a value is
MEAN, SPREAD = 1.0, (0.1, 10.0)  # columns within these need no scaling
OTHER = 4.0  # training deviations between two typical means: other features, or another scale
SOME, ALIKE = 10, (1 / 3, 2.0)  # samples whose typical column varies so; one person's vary less
LARGEST = torch.finfo(torch.float32).max


def time_pooled(dataset: MultimodalDataset, pooling: str = "mean") -> np.ndarray:
    """[N, sum of D_m]: each modality's mean, or "sum", over its real steps (zero where missing)."""
    columns = []
    for m, values in dataset.values.items():
        row, _, place = dataset.locate(m, torch.arange(len(dataset)))
        total = torch.zeros(len(dataset), values.shape[1]).index_add_(0, row, values[place].float())
        count = dataset.lengths(m).clamp(min=1)[:, None]
        columns.append(total if pooling == "sum" else total / count)
    return torch.cat(columns, dim=1).numpy()


def standardize(
    train: MultimodalDataset, *others: MultimodalDataset
) -> tuple[MultimodalDataset, ...]:
    """Each feature to mean 0, standard deviation 1, as measured on `train`'s real steps alone.

    Returns `train` and the others, scaled; see `column_statistics`.
    """
    statistics = column_statistics(train)
    return tuple(scaled(dataset, statistics) for dataset in (train, *others))


class Columns(NamedTuple):
    """How one modality's columns are scaled, [D] float32 each: x is cut to [low, high], then
    becomes (x - mean) * gain."""

    mean: Tensor
    gain: Tensor  # 1 / standard deviation; 0 for a constant column
    low: Tensor
    high: Tensor

    def apply(self, x: Tensor) -> Tensor:
        """[..., D] -> [..., D]."""
        return (torch.minimum(torch.maximum(x, self.low), self.high) - self.mean) * self.gain


Statistics = dict[str, Columns]  # by modality


def column_statistics(train: MultimodalDataset) -> Statistics:
    """Every column by its own mean and standard deviation over all real steps, in float64.

    A column is constant, and becomes 0, when nothing but float32's rounding varies. Single wild
    values do not decide the scale: what lies further from a column's middle 98 % than ten times
    its width is left out of mean and deviation, and cut to that bound. Where one value makes nine
    tenths of a column (most often zero), the middle is that of the others, rare events; where it
    has no width, or there are too few, nothing is wild. A modality without a step keeps its
    values (mean 0, gain 1).
    """
    return {m: _of_columns(values) for m, values in train.values.items()}


def _of_columns(values: Tensor) -> Columns:
    width = values.shape[1]
    if not len(values):
        return Columns(
            torch.zeros(width),
            torch.ones(width),
            torch.full((width,), -LARGEST),
            torch.full((width,), LARGEST),
        )
    low, high = bounds(values)
    count, mean, squares = torch.zeros(3, width, dtype=torch.float64)
    for part in _parts(values):
        n, centre, around = _moments(part.cpu(), low, high)
        moved, count = centre - mean, count + n  # two parts' moments to one's: Chan et al. 1983
        mean = mean + moved * n / count.clamp(min=1)
        squares = squares + around + moved.square() * n * (count - n) / count.clamp(min=1)
    deviation = (squares / count).sqrt()
    varies = deviation > (1e-7 * mean.abs()).clamp(min=1e-30)  # a float32 rounds to 6e-8 of itself
    gain = torch.where(varies, 1 / deviation, 0)
    return Columns(mean.float(), gain.float(), low, high)


def _moments(part: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of each column's values that are not wild: how many, their mean, their squared distances
    from it added up; [D] float64."""
    if not _any_wild(part, low, high):
        variance, mean = torch.var_mean(part.double(), dim=0, correction=0)
        return torch.full_like(mean, len(part)), mean, variance * len(part)
    x = part.double()
    tame = (x >= low) & (x <= high)
    n = tame.sum(0).double()
    mean = torch.where(tame, x, 0).sum(0) / n.clamp(min=1)
    return n, mean, torch.where(tame, x - mean, 0).square().sum(0)


def _any_wild(part: Tensor, low: Tensor, high: Tensor) -> bool:
    if not len(part):
        return False
    smallest, largest = part.float().aminmax(dim=0)
    return bool(((smallest < low) | (largest > high)).any())


def bounds(values: Tensor) -> tuple[Tensor, Tensor]:
    """[D] each: below and above them a value is wild; float32's largest where none can be.

    Where one value makes nine tenths of a column, the middle is that of the others.
    """
    sample = values[:: len(values) // SAMPLED + 1].float().cpu().numpy()
    low, high = _middle(sample)
    usual = sample == np.median(sample, axis=0)
    for column in np.flatnonzero(usual.mean(axis=0) > USUAL):
        events = sample[~usual[:, column], column]
        enough = len(events) >= FEW
        low[column], high[column] = _middle(events) if enough else (0, 0)
    low, high = (torch.from_numpy(edge.astype(np.float64)) for edge in (low, high))
    width = high - low
    wide = (width > 0) & (len(values) >= FEW)
    low = torch.where(wide, low - WILD * width, -LARGEST).clamp(min=-LARGEST)
    high = torch.where(wide, high + WILD * width, LARGEST).clamp(max=LARGEST)
    return low.float(), high.float()


def _middle(sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the middle 98 % along the first axis."""
    sides = ((0.01, "higher"), (0.99, "lower"))
    return tuple(np.quantile(sample, share, axis=0, method=side) for share, side in sides)


def _parts(values: Tensor) -> tuple[Tensor, ...]:
    """Values [S, D], some steps at a time."""
    return values.split(max(1, CELLS // values.shape[1]))


def scaled(
    dataset: MultimodalDataset, statistics: Statistics, name: str | None = None
) -> MultimodalDataset:
    """The data set with each column moved and scaled, under another `name` if given."""
    values = {m: columns.apply(dataset.values[m].float()) for m, columns in statistics.items()}
    return replace(dataset, values=values, name=name or dataset.name)


def needs_scaling(train: MultimodalDataset, statistics: Statistics) -> list[str]:
    """The modalities with a column whose mean lies beyond 1, whose deviation is not from 0.1 to
    10, or that holds wild values; a constant column has no deviation."""
    low, high = SPREAD
    found = []
    for m, c in statistics.items():
        fits = (c.mean.abs() <= MEAN) & (c.gain <= 1 / low) & ((c.gain >= 1 / high) | (c.gain == 0))
        wild = (_any_wild(part.cpu(), c.low, c.high) for part in _parts(train.values[m]))
        if not fits.all() or any(wild):
            found.append(m)
    return found


class Scaler(nn.Module):
    """What the columns of the training data were, kept with a model. Where `applied`, the model
    scales by it whatever it reads; else its training data were taken as they are."""

    def __init__(self, statistics: Statistics, applied: bool):
        super().__init__()
        self.applied = applied
        self.modalities = tuple(statistics)
        self.register_buffer("on", torch.tensor(applied))
        for m, columns in statistics.items():
            for part, x in columns._asdict().items():
                self.register_buffer(f"{part}_{m}", x)

    def _load_from_state_dict(self, *arguments: Any) -> None:
        """What is loaded says whether it applies, too."""
        super()._load_from_state_dict(*arguments)
        self.applied = bool(self.on)

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> Scaler:
        """The scaler whose `state_dict` this is. Raises KeyError where a part is missing."""
        names = [name.removeprefix("mean_") for name in tensors if name.startswith("mean_")]
        parts = {m: [tensors[f"{part}_{m}"] for part in Columns._fields] for m in names}
        return cls({m: Columns(*part) for m, part in parts.items()}, bool(tensors["on"]))

    def columns(self, m: str) -> Columns:
        return Columns(*(getattr(self, f"{part}_{m}") for part in Columns._fields))

    def forward(self, batch: Batch) -> Batch:
        """The batch with every real step scaled; padding stays 0."""
        if not self.applied:
            return batch
        features = {
            m: self.columns(m).apply(x) * batch.masks[m][..., None]
            for m, x in batch.features.items()
        }
        return replace(batch, features=features)

    def check(self, dataset: MultimodalDataset) -> None:
        """Raises DataError when the typical column of a modality lies far off what it was in
        training: other features, or not scaled alike. Warns of a lesser difference."""
        for m in self.modalities:
            values, columns = dataset.values.get(m, ()), self.columns(m)
            varies = (columns.gain > 0).cpu()
            if not len(values) or not varies.any() or values.shape[1] != len(varies):
                continue  # other modalities and widths are what `prepared` names
            sample = values[:: len(values) // SAMPLED + 1].float().to(columns.mean.device)
            z = columns.apply(sample).double().cpu()[:, varies]
            shift = z.median(0).values.abs()  # at most 1 in training, whatever a few values do
            spread = z.std(0, correction=0)
            worst = int(varies.nonzero()[shift.argmax()])
            says = (
                f"{dataset.name}: {m} is not on the scale that the model was trained on: its "
                f"typical column lies {shift.median():.3g} training deviations off and varies "
                f"{spread.median():.3g} times as much (column {worst}: {shift.max():.3g} off)"
            )
            if shift.median() > OTHER or spread.median() > SPREAD[1]:
                raise DataError(
                    f"{says}. Give the features as they were in training; standardize.py --like "
                    "scales by another data set's"
                )
            if (
                shift.median() > OTHER / 2
                or shift.max() > 2 * OTHER
                or (len(dataset) > 1 and spread.median() < SPREAD[0])
                or (len(dataset) >= SOME and not ALIKE[0] < spread.median() < ALIKE[1])
            ):
                warnings.warn(says, stacklevel=4)
