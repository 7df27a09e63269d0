"""Labels as sentiment in [-3, 3]: a few may lie outside and are cut, another scale is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from dmdlite import DataError, MultimodalDataset
from dmdlite.data.dataset import LIMIT
from dmdlite.data.padding import Repairs

MANY = 0.05  # share of labels that may be cut
USUAL = ((-1, 1), (0, 1), (1, 5), (0, 4), (1, 7), (-5, 5), (1, 9), (0, 10), (-10, 10), (0, 100))


def within_limits(
    splits: dict[str, MultimodalDataset], repaired: dict[str, Repairs]
) -> dict[str, MultimodalDataset]:
    """The splits with labels cut to the limits, and how many in `repaired`.

    Raises DataError when there are more than MANY, with the flags that would map their scale.
    """
    known = {split: data.labels[data.labelled] for split, data in splits.items()}
    outside = {split: int((labels.abs() > LIMIT).sum()) for split, labels in known.items()}
    check_scale(next(iter(splits.values())).name, torch.cat(list(known.values())).numpy())
    for split, number in outside.items():
        if number:
            counts = repaired[split].setdefault("labels", {})
            counts["clipped"] = counts.get("clipped", 0) + number
    return {
        split: replace(data, labels=data.labels.clamp(-LIMIT, LIMIT))
        for split, data in splits.items()
    }


def check_scale(name: str, labels: np.ndarray) -> None:
    """Raises DataError when more than MANY labels lie beyond the limits, with the flags that would
    map their scale. A NaN is no label."""
    labels = labels[~np.isnan(labels)]
    lying = int((np.abs(labels) > LIMIT).sum())
    if lying > MANY * len(labels):
        low, high = float(labels.min()), float(labels.max())
        raise DataError(
            f"{name}: labels run from {low:.4g} to {high:.4g}, outside [-{LIMIT:g}, {LIMIT:g}] in "
            f"{lying} of {len(labels)} clips; {_flags(low, high)}"
        )


def _flags(low: float, high: float) -> str:
    """What maps the smallest usual scale that holds [low, high], else that range, to ours."""
    holds = [(a, b) for a, b in USUAL if a <= low and high <= b and high - low > (b - a) / 2]
    low, high = min(holds, key=lambda scale: scale[1] - scale[0], default=(low, high))
    shift, scale = (low + high) / 2, 2 * LIMIT / (high - low or 1)
    return (
        f"if {low:g} to {high:g} is the whole scale, it is mapped with "
        f"--label-shift {shift:.6g} --label-scale {scale:.6g}"
    )


def check_labels(
    where: str, labels: np.ndarray, ids: Sequence[str] | None, unlabelled: bool | None = None
) -> None:
    """Raises DataError that names the first clip whose label is no number.

    With `unlabelled` a label may be NaN; False: the person could have allowed it, None: not here.
    """
    bad = np.flatnonzero(np.isinf(labels) if unlabelled else ~np.isfinite(labels))
    if len(bad):
        first = ids[bad[0]] if ids is not None and len(ids) else f"clip {bad[0]} from 0"
        raise DataError(
            f"{where}: {len(bad)} of {len(labels)} labels are NaN, inf or missing (an empty "
            f"cell?), first {first}; leave all labels out to convert clips for prediction"
            + (", or give --unlabelled to learn also from clips without" * (unlabelled is False))
        )
