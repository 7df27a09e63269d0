"""What a data set must be: every part's type, shape and order, checked when it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .data import MultimodalDataset

VALUE_TYPES = (torch.float16, torch.bfloat16, torch.float32)
CHECKED_BYTES = 32 * 1024**2  # values up to this size are read at once when a data set is made


class DataError(ValueError):
    """Data that cannot be used; the message says where, what was found, what was expected."""


def check_dataset(dataset: MultimodalDataset) -> None:
    """Raises DataError that names the first part which does not fit."""
    where, labels, ids = dataset.name, dataset.labels, dataset.ids
    _check_tensor(where, "labels", labels, 1, (torch.float32,))
    n = len(labels)
    if len(ids) != n:
        raise DataError(f"{where}: {len(ids)} ids for {n} labels")
    odd = [i for i in ids if not isinstance(i, str)]
    if odd:
        raise DataError(f"{where}: ids must be text, got {odd[0]!r}")
    if len(set(ids)) != n:
        raise DataError(f"{where}: {n - len(set(ids))} ids appear twice")
    if not torch.isfinite(labels).all():
        raise DataError(f"{where}: labels hold NaN or inf")
    if not dataset.values or set(dataset.values) != set(dataset.offsets):
        raise DataError(
            f"{where}: values for {list(dataset.values)}, offsets for {list(dataset.offsets)}"
        )
    for m in dataset.values:
        _check_modality(dataset, m, n)
    if dataset.texts and len(dataset.texts) != n:
        raise DataError(f"{where}: {len(dataset.texts)} texts for {n} labels")
    if odd := [t for t in dataset.texts if not isinstance(t, str)]:
        raise DataError(f"{where}: texts must be text, got {odd[0]!r}")
    for name, factor in dataset.factors.items():
        if len(factor) != n:
            raise DataError(f"{where}: factor {name} has {len(factor)} rows for {n} labels")


def _check_modality(dataset: MultimodalDataset, m: str, n: int) -> None:
    where, values, offsets = dataset.name, dataset.values[m], dataset.offsets[m]
    _check_tensor(where, f"{m}.values", values, 2, VALUE_TYPES)
    _check_tensor(where, f"{m}.offsets", offsets, 1, (torch.int64,))
    if values.shape[1] == 0:
        raise DataError(f"{where}: {m}.values has shape {list(values.shape)}, not [S, D]")
    if len(offsets) != n + 1 or offsets[0] != 0 or (offsets.diff() < 0).any():
        raise DataError(f"{where}: {m}.offsets must be {n + 1} numbers that rise from 0")
    if offsets[-1] != len(values):
        raise DataError(
            f"{where}: {m}.offsets end at {int(offsets[-1])}, "
            f"but {m}.values has {len(values)} steps"
        )
    if values.nbytes <= CHECKED_BYTES:  # larger ones stay on disk: `batch` checks what it reads
        check_finite(where, m, values)
    if m in dataset.steps:
        _check_steps(where, m, dataset.steps[m], offsets)


def check_finite(where: str, m: str, values: Tensor) -> None:
    """Raises DataError that counts the values which are NaN or inf."""
    finite = torch.isfinite(values)
    if not finite.all():
        bad = int((~finite).sum())
        raise DataError(f"{where}: {m}.values holds {bad} NaN or inf; repair them first")


def _check_steps(where: str, m: str, steps: Tensor, offsets: Tensor) -> None:
    """Time indices rise within each sample: two steps at one time would overwrite each other."""
    _check_tensor(where, f"{m}.steps", steps, 1, (torch.int64,))
    if len(steps) != offsets[-1] or (steps < 0).any():
        raise DataError(f"{where}: {m}.steps must be {int(offsets[-1])} time indices from 0")
    rises = steps.diff() > 0
    starts = offsets[(offsets > 0) & (offsets < len(steps))]
    rises[starts - 1] = True  # from one sample to the next anything goes
    if not rises.all():
        raise DataError(f"{where}: {m}.steps must rise within each sample")


def _check_tensor(where: str, name: str, x: Tensor, ndim: int, types: tuple) -> None:
    if x.ndim != ndim or x.dtype not in types:
        wanted = " or ".join(str(t).removeprefix("torch.") for t in types)
        found = f"{str(x.dtype).removeprefix('torch.')} of shape {list(x.shape)}"
        raise DataError(f"{where}: {name} must be {wanted} with {ndim} axes, got {found}")
