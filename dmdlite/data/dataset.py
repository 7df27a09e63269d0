"""Sequences of several lengths, stored without padding (Chapter 1).

Axes: N samples, B batch, T time steps, D feature width, M modalities, S stored steps.
A data set stores real steps only (ragged: values + offsets); a batch is padded.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..errors import DataError
from .batch import Batch
from .validation import CHECKED_BYTES, check_finite, check_parts

SPLITS = ("train", "valid", "test")
LIMIT = 3.0  # sentiment lies in [-LIMIT, LIMIT]
HASHED_ROWS = 1 << 14  # steps hashed at a time: a data set need not fit into memory


@dataclass(frozen=True)
class MultimodalDataset:
    """N samples of M modalities, each a sequence of its own length.

    Sample i of modality m is `values[m][offsets[m][i] : offsets[m][i + 1]]`. `steps[m]`, where
    given, is the time index of every stored step, so that sequences on a common time grid
    (word-aligned data) keep their gaps. `factors` holds what is known of a sample beyond its
    label, [N, ...] each: the toy's true factors, or labels per modality. `groups` names the video
    or speaker of each sample, where the source does; see `data.groups`. A sample without a label,
    which a model can only predict, has the label NaN.

    Raises DataError when the parts do not fit together.
    """

    values: dict[str, Tensor]  # m -> [S_m, D_m] float
    offsets: dict[str, Tensor]  # m -> [N + 1] int64, on the CPU
    labels: Tensor  # [N] float32, NaN where there is none
    ids: tuple[str, ...]  # N sample names
    name: str = "unnamed"
    steps: dict[str, Tensor] = field(default_factory=dict)  # m -> [S_m] int64, on the CPU
    factors: dict[str, Tensor] = field(default_factory=dict)  # name -> [N, ...]
    texts: tuple[str, ...] = ()  # N transcripts, where the source has them
    aligned: bool | None = None  # whether modalities share one time axis, where the source says
    groups: tuple[str, ...] = ()  # N videos or speakers, where the source has them

    def __post_init__(self) -> None:
        check_parts(**vars(self))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(self.values)

    @property
    def widths(self) -> tuple[int, ...]:
        """D_m of every modality, in order."""
        return tuple(v.shape[1] for v in self.values.values())

    @property
    def nbytes(self) -> int:
        return sum(v.nbytes for v in self.values.values())

    def lengths(self, modality: str) -> Tensor:
        """[N] number of real steps; 0 where the modality is missing."""
        return self.offsets[modality].diff()

    @property
    def present(self) -> Tensor:
        """[N, M] bool: False where a modality is missing."""
        return torch.stack([self.lengths(m) > 0 for m in self.modalities], dim=1)

    @property
    def labelled(self) -> Tensor:
        """[N] bool: False where there is no label."""
        return ~self.labels.isnan()

    def to(self, device: torch.device | str) -> MultimodalDataset:
        """The same data with values and labels on `device`; the small indices stay on the CPU."""
        moved = copy.copy(self)  # its parts were checked where they were
        values = {m: v.to(device) for m, v in self.values.items()}
        vars(moved).update(values=values, labels=self.labels.to(device))
        return moved

    def locate(self, modality: str, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """For samples `index` [B]: row, time step and place in `values` of each stored step."""
        starts, lengths = self.offsets[modality][index], self.lengths(modality)[index]
        row = torch.repeat_interleave(torch.arange(len(index)), lengths)  # [S]
        first = torch.cumsum(lengths, 0) - lengths  # [B]
        within = torch.arange(len(row)) - first[row]  # [S]
        place = starts[row] + within  # [S]
        step = self.steps[modality][place] if modality in self.steps else within
        return row, step, place

    def batch(self, indices: Sequence[int] | Tensor, shapes: int | None = None) -> Batch:
        """The samples at `indices` (any order, or a mask [N]), padded to the longest of them.

        With `shapes`, batches of one size come in no more shapes than that: padding goes on to the
        next of so many even shares of the longest in the data set, the same for all modalities.
        """
        index = self._index(indices)
        located = {m: self.locate(m, index) for m in self.values}
        times = {m: int(s.max()) + 1 if len(s) else 1 for m, (_, s, _) in located.items()}
        if shapes:
            longest = self.longest
            share = max(-(-shapes * time // longest[m]) for m, time in times.items())
            times = {m: -(-share * time // shapes) for m, time in longest.items()}
        features, masks = {}, {}
        for m, values in self.values.items():
            time, (row, step, place) = times[m], located[m]
            row, step, place = (i.to(values.device, non_blocking=True) for i in (row, step, place))
            x = torch.zeros(len(index), time, values.shape[1], device=values.device)
            mask = torch.zeros(len(index), time, dtype=torch.bool, device=values.device)
            x[row, step] = values[place].float()
            mask[row, step] = torch.ones_like(row, dtype=torch.bool)
            if values.nbytes > CHECKED_BYTES:  # not read when the data set was made
                check_finite(self.name, m, x)
            features[m], masks[m] = x, mask
        labels = self.labels[index.to(self.labels.device, non_blocking=True)]
        counted = torch.stack([self.lengths(m)[index] for m in self.values], dim=1)
        factors = {k: f[index] for k, f in self.factors.items()}
        return Batch(features, masks, labels, factors=factors).with_count(counted)

    def _index(self, indices: Sequence[int] | Tensor) -> Tensor:
        """Places of samples [B] int64, from places or from a mask [N] bool."""
        index = torch.as_tensor(indices)
        if index.dtype == torch.bool and index.shape == (len(self),):
            return index.nonzero().squeeze(1)
        whole = not (index.is_floating_point() or index.dtype == torch.bool) or not len(index)
        index = index.long()
        if index.ndim != 1 or not whole or ((index < 0) | (index >= len(self))).any():
            raise DataError(
                f"{self.name}: samples are chosen by whole numbers from 0 to {len(self) - 1}, "
                f"or by a mask of {len(self)}"
            )
        return index

    def fingerprint(self) -> str:
        """Names the data: a hash of every value, label, length, time index, id and group; read
        anew each time, since not every way of writing to a tensor leaves a trace."""
        parts = {"labels": self.labels}
        for kind in ("values", "offsets", "steps"):
            parts |= {f"{m}.{kind}": part for m, part in getattr(self, kind).items()}
        digest = hashlib.sha256()
        for name, part in parts.items():
            digest.update(f"{name} {part.dtype} {list(part.shape)}".encode())
            for rows in part.split(HASHED_ROWS):
                digest.update(rows.cpu().contiguous().view(torch.uint8).numpy().data)
        about = [self.ids, self.groups, self.aligned, list(self.modalities), digest.hexdigest()]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]

    @property
    def longest(self) -> dict[str, int]:
        """Steps that the longest sample of each modality needs, 1 or more."""
        last = {m: self.steps.get(m, self.lengths(m) - 1) for m in self.values}
        return {m: max(int(x.max()) + 1, 1) if len(x) else 1 for m, x in last.items()}

    def batches(self, batch_size: int, order: Tensor | None = None, shapes: int | None = None):
        """Batches over `order` (default: as stored); the last one may be smaller. See `batch`."""
        order = torch.arange(len(self)) if order is None else order
        for index in order.split(batch_size):
            yield self.batch(index, shapes)

    def subset(self, indices: Sequence[int] | Tensor) -> MultimodalDataset:
        """A data set of the samples at `indices` (any order, or a mask [N])."""
        index = self._index(indices)
        places = {m: self.locate(m, index)[2] for m in self.values}
        zero = torch.zeros(1, dtype=torch.int64)
        return replace(
            self,
            values={m: v[places[m].to(v.device)] for m, v in self.values.items()},
            offsets={m: torch.cat([zero, self.lengths(m)[index].cumsum(0)]) for m in self.values},
            steps={m: s[places[m]] for m, s in self.steps.items()},
            labels=self.labels[index.to(self.labels.device)],
            ids=tuple(self.ids[i] for i in index.tolist()),
            factors={k: f[index] for k, f in self.factors.items()},
            texts=tuple(self.texts[i] for i in index.tolist()) if self.texts else (),
            groups=tuple(self.groups[i] for i in index.tolist()) if self.groups else (),
        )

    def select(self, *modalities: str) -> MultimodalDataset:
        """The same samples with only the named modalities, in the order given."""
        for m in modalities:
            if m not in self.values:
                raise DataError(f"{self.name}: no modality {m!r}; it has {list(self.modalities)}")
        keep = {name: getattr(self, name) for name in ("values", "offsets", "steps")}
        keep = {k: {m: part[m] for m in modalities if m in part} for k, part in keep.items()}
        return replace(self, **keep)


def concatenate(datasets: Sequence[MultimodalDataset]) -> MultimodalDataset:
    """One data set after the other; all must have the same modalities and widths."""
    first = datasets[0]
    for other in datasets[1:]:
        if (other.modalities, other.widths) != (first.modalities, first.widths):
            raise DataError(f"{first.name} and {other.name} differ in modalities or widths")
    zero = torch.zeros(1, dtype=torch.int64)
    lengths = {m: torch.cat([d.lengths(m) for d in datasets]) for m in first.modalities}
    return replace(
        first,
        values={m: torch.cat([d.values[m] for d in datasets]) for m in first.modalities},
        offsets={m: torch.cat([zero, n.cumsum(0)]) for m, n in lengths.items()},
        steps={m: torch.cat([d.steps[m] for d in datasets]) for m in first.steps},
        labels=torch.cat([d.labels for d in datasets]),
        ids=sum((d.ids for d in datasets), ()),
        factors={k: torch.cat([d.factors[k] for d in datasets]) for k in first.factors},
        texts=_joined([d.texts for d in datasets]),
        groups=_joined([d.groups for d in datasets]),
    )


def _joined(parts: list[tuple[str, ...]]) -> tuple[str, ...]:
    """One after the other; nothing where one of them is not known."""
    return sum(parts, ()) if all(parts) else ()


def check_labels(data: MultimodalDataset) -> None:
    """Raises DataError where a label is no sentiment: the metrics' classes end at -3 and 3."""
    if len(far := (data.labels.abs() > LIMIT + 1e-3).nonzero()):
        label, name = data.labels[far[0, 0]], data.ids[far[0, 0]]
        raise DataError(
            f"{data.name}: label {label:g} of {name}; sentiment lies from -{LIMIT:g} to "
            f"{LIMIT:g}, bring another scale there first"
        )


def check_trainable(splits: dict[str, MultimodalDataset]) -> None:
    """Raises DataError unless there are train and valid, with samples; train with some labels,
    valid with all, test, if it is there, with all or none; and all labels are sentiments."""
    for data in splits.values():
        check_labels(data)
    for split in ("train", "valid"):
        if split not in splits or not len(splits[split]):
            raise DataError(f"fit needs a {split} split; got {', '.join(splits) or 'none'}")
        data = splits[split]
        without = int((~data.labelled).sum())
        if without and (split == "valid" or without == len(data)):
            raise DataError(f"{data.name}, {split}: {without} of {len(data)} samples lack a label")
    test = splits.get("test", ())
    if len(test) and 0 < (without := int((~test.labelled).sum())) < len(test):
        says = "leave those out, or all labels, to predict"
        raise DataError(f"{test.name}, test: {without} of {len(test)} samples lack a label; {says}")
