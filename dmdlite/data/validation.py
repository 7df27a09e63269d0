"""What a data set must be: every part's type, shape and order, checked when it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..errors import DataError

VALUE_TYPES = (torch.float16, torch.bfloat16, torch.float32)
CHECKED_BYTES = 32 * 1024**2  # values up to this size are read at once when a data set is made


def check_parts(
    values: Mapping[str, Tensor],
    offsets: Mapping[str, Tensor],
    labels: Tensor,
    ids: Sequence[str],
    name: str,
    steps: Mapping[str, Tensor],
    factors: Mapping[str, Tensor],
    texts: Sequence[str],
    aligned: bool | None,
    groups: Sequence[str],
) -> None:
    """Raises DataError that names the first part of a data set which does not fit."""
    _check_tensor(name, "labels", labels, 1, (torch.float32,))
    n = len(labels)
    if len(ids) != n:
        raise DataError(f"{name}: {len(ids)} ids for {n} labels")
    odd = [i for i in ids if not isinstance(i, str)]
    if odd:
        raise DataError(f"{name}: ids must be text, got {odd[0]!r}")
    if len(set(ids)) != n:
        raise DataError(f"{name}: {n - len(set(ids))} ids appear twice")
    if labels.isinf().any():
        clip = ids[int(labels.isinf().nonzero()[0])]
        raise DataError(f"{name}: labels hold inf, first for {clip}")
    if not values or set(values) != set(offsets):
        raise DataError(f"{name}: values for {list(values)}, offsets for {list(offsets)}")
    for m, x in values.items():
        _check_modality(name, m, x, offsets[m], n)
        if m in steps:
            _check_steps(name, m, steps[m], offsets[m])
    for part, found in (("texts", texts), ("groups", groups)):
        if found and len(found) != n:
            raise DataError(f"{name}: {len(found)} {part} for {n} labels")
        if odd := [t for t in found if not isinstance(t, str)]:
            raise DataError(f"{name}: {part} must be text, got {odd[0]!r}")
    for factor, known in factors.items():
        if len(known) != n:
            raise DataError(f"{name}: factor {factor} has {len(known)} rows for {n} labels")
    if aligned not in (None, True, False):
        raise DataError(f"{name}: aligned must be True, False or None, got {aligned!r}")


def _check_modality(where: str, m: str, values: Tensor, offsets: Tensor, n: int) -> None:
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
