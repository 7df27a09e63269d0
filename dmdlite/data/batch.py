"""One batch: sequences padded to one length, and masks that say which steps are real (Chapter 1).

Axes: B batch, T time steps, D feature width, M modalities.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor


@dataclass
class Batch:
    """B samples, padded per modality to the longest of them."""

    features: dict[str, Tensor]  # m -> [B, T_m, D_m] float32, zero where padded
    masks: dict[str, Tensor]  # m -> [B, T_m] bool, True at real steps
    labels: Tensor  # [B] float32, sentiment in [-3, 3]; NaN where there is none
    # Of the samples that this batch is a part of, how many have a label; None: of these themselves.
    labelled_share: float | None = None
    # What else is known of the samples, [B, ...] each; no model reads it, an oracle may.
    factors: dict[str, Tensor] = field(default_factory=dict)
    # Real steps [B, M] on the CPU, and of which masks: there where who made the batch knows them.
    counted: tuple[Tensor, list[tuple[Tensor, int]]] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def _masks(self) -> list[tuple[Tensor, int]]:
        """Every mask, and a number that rises when it is written to; none where it does not say."""
        masks = self.masks.values()
        return [] if any(m.is_inference() for m in masks) else [(m, m._version) for m in masks]

    def with_count(self, real_steps: Tensor) -> Batch:
        """The batch, told how many steps [B, M] are real; until its masks are changed."""
        return replace(self, counted=(real_steps, self._masks()))

    def real_steps(self) -> Tensor:
        """[B, M] int64 on the CPU. What decides a shape is asked here, since asking a GPU for a
        number makes the CPU wait for it; that is left for masks made or changed by hand."""
        count, then = self.counted or (None, [])
        now = self._masks()
        same = len(now) == len(then) > 0 and all(
            a is b and before == after for (a, before), (b, after) in zip(then, now, strict=True)
        )
        if same:
            return count
        return torch.stack([mask.sum(1) for mask in self.masks.values()], dim=1).cpu()

    @property
    def present(self) -> Tensor:
        """[B, M] bool: False where a modality has no real step (a missing modality)."""
        return torch.stack([mask.any(dim=1) for mask in self.masks.values()], dim=1)

    @property
    def targets(self) -> Tensor:
        """[B] labels, 0 where there is none: an error from it is finite. See `labelled_mean`."""
        return self.labels.nan_to_num()

    def to(self, device: torch.device | str) -> Batch:
        move = {"device": device, "non_blocking": True}
        moved = Batch(
            {m: x.to(**move) for m, x in self.features.items()},
            {m: x.to(**move) for m, x in self.masks.items()},
            self.labels.to(**move),
            self.labelled_share,
            {k: x.to(**move) for k, x in self.factors.items()},
        )
        return moved.with_count(self.real_steps())
