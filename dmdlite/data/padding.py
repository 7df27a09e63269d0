"""From padded arrays, as files of the field hold them, to ragged data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError
from .dataset import MultimodalDataset

Repairs = dict[str, dict[str, int]]  # modality (or "labels", "ids") -> what -> how often


def from_padded(
    features: Mapping[str, np.ndarray],
    labels: np.ndarray,
    ids: Sequence[str],
    name: str,
    *,
    lengths: Mapping[str, np.ndarray] | None = None,
    aligned: bool = True,
    trim: bool = True,
    texts: Sequence[str] = (),
    factors: Mapping[str, Tensor] | None = None,
    groups: Sequence[str] = (),
) -> tuple[MultimodalDataset, Repairs]:
    """Padded arrays [N, T, D] -> a data set, and what was repaired, per modality.

    NaN and inf become 0 and are counted. A step is real where any feature differs from 0:
    files of the field pad on the left, on the right and in between, so nothing is assumed.
    `lengths[m]` [N], where known, say how many steps of a clip are not padding: those at its start
    or those at its end, whichever leaves nothing outside but zeros, or steps that are all alike.
    `lengths[m]` [N, T] bool, the mask of a tokenizer, says which they are, whatever others hold.
    A clip starts at its first real step: in any modality if the modalities are `aligned` (share
    one time grid), else in each of its own. With `trim` False it starts at step 0, real or not.

    Counts: `not_finite` values set to 0; padded steps removed, `left` and `right`; all-zero
    steps between real ones, `gaps`; padded steps that are not zero, `padding`.

    Raises DataError for a modality whose shape does not fit, or whose lengths fit neither side, and
    for a label beyond float32.
    """
    repairs, clean, real = {}, {}, {}
    for m, x in features.items():
        if np.ndim(x) != 3 or len(x) != len(labels):
            raise DataError(f"{name}: {m} has shape {np.shape(x)}, expected ({len(labels)}, T, D)")
        with np.errstate(over="ignore"):
            x = x.astype(np.float32)
        finite = np.isfinite(x)
        x[~finite] = 0
        clean[m], filled = x, (x != 0).any(axis=2)  # [N, T]
        real[m] = filled & _told(f"{name}: {m}", x, (lengths or {}).get(m), ids)
        repairs[m] = {"not_finite": int((~finite).sum()), **_padding(real[m])}
        repairs[m]["padding"] = int(filled.sum() - real[m].sum())
    starts = {m: _zeros_before(r) for m, r in real.items()}
    if aligned:
        if len({r.shape[1] for r in real.values()}) > 1:
            raise DataError(f"{name}: modalities on one time grid must have the same T")
        starts = dict.fromkeys(real, np.min(list(starts.values()), axis=0))
    if not trim:
        starts = {m: np.zeros_like(start) for m, start in starts.items()}
        for counts in repairs.values():
            counts["gaps"] += counts.pop("left")
    values, offsets, steps = {}, {}, {}
    for m, r in real.items():
        row, step = np.nonzero(r)
        values[m] = torch.from_numpy(clean[m][row, step])
        offsets[m] = torch.from_numpy(np.concatenate([[0], np.cumsum(r.sum(1))]))
        steps[m] = torch.from_numpy(step - starts[m][row])
    labels = torch.as_tensor(_as_float32(name, labels, ids))
    more = {"texts": tuple(texts), "factors": dict(factors or {}), "aligned": aligned}
    more["groups"] = tuple(groups)
    return MultimodalDataset(values, offsets, labels, tuple(ids), name, steps, **more), repairs


def _told(where: str, x: np.ndarray, lengths: np.ndarray | None, ids: Sequence[str]) -> np.ndarray:
    """[N, T] bool: the steps of x [N, T, D] that are no padding, as lengths or masks say."""
    n, time = x.shape[:2]
    if lengths is None:
        return np.ones((n, time), bool)
    filled = (x != 0).any(axis=2)
    if lengths.ndim == 2 and lengths.shape == filled.shape:
        contradicted = (filled & ~lengths).any(axis=1) & (lengths & ~filled).any(axis=1)
        if contradicted.any():
            clip = ids[int(np.flatnonzero(contradicted)[0])]
            raise DataError(f"{where}: {clip} has zeros inside its mask and non-zero steps outside")
        return lengths
    steps, counts = np.arange(time), np.asarray(lengths).reshape(n, -1)[:, :1]
    sides = steps < counts, steps >= time - counts  # real steps at the start, at the end
    fits = [~(filled & ~side).any(axis=1) for side in sides]
    lost = np.flatnonzero(~(fits[0] | fits[1]))
    if not len(lost):
        return np.where(fits[0][:, None], *sides)
    alike = [side for side in sides if _all_alike(x[~side])]  # zeros that were standardised, say
    if len(alike) == 1 or (alike and _all_alike(x[~(sides[0] & sides[1])])):
        return alike[0]
    i = int(lost[0])
    raise DataError(
        f"{where}: {ids[i]} has {counts[i, 0]:g} of {time} steps by its length, but steps that are "
        "neither zero nor all alike lie outside the first and outside the last as many"
    )


def _as_float32(name: str, labels: np.ndarray, ids: Sequence[str]) -> np.ndarray:
    with np.errstate(over="ignore"):
        small = np.asarray(labels, dtype=np.float32)
    lost = np.flatnonzero(np.isinf(small) & np.isfinite(labels))
    if len(lost):
        i = int(lost[0])
        raise DataError(f"{name}: the label of {ids[i]}, {labels[i]:g}, is beyond float32")
    return small


def _all_alike(rows: np.ndarray) -> bool:
    """Whether more than one row [R, D] is there, and all are the same."""
    return len(rows) > 1 and bool((rows == rows[0]).all())


def _padding(real: np.ndarray) -> dict[str, int]:
    """Steps of clips [N, T] before the first real one, behind the last, and zeros in between."""
    real = real[real.any(axis=1)]
    left, right = _zeros_before(real).sum(), _zeros_before(real[:, ::-1]).sum()
    gaps = real.size - real.sum() - left - right
    return {"left": int(left), "right": int(right), "gaps": int(gaps)}


def _zeros_before(real: np.ndarray) -> np.ndarray:
    """[N] steps before the first real one; all T where there is none."""
    return (~np.logical_or.accumulate(real, axis=1)).sum(axis=1)
