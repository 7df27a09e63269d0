"""One batch: sequences padded to one length, and masks that say which steps are real (Chapter 1).

Axes: B batch, T time steps, D feature width, M modalities.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Batch:
    """B samples, padded per modality to the longest of them."""

    features: dict[str, Tensor]  # m -> [B, T_m, D_m] float32, zero where padded
    masks: dict[str, Tensor]  # m -> [B, T_m] bool, True at real steps
    labels: Tensor  # [B] float32, sentiment in [-3, 3]; NaN where there is none
    counted: Tensor | None = None  # [B, M] int64 on the CPU: real steps, where who made it knows

    def __post_init__(self) -> None:
        self._of = self._masks()

    def __len__(self) -> int:
        return len(self.labels)

    def _masks(self) -> list[tuple[Tensor, int]]:
        """Every mask, and a number that rises when it is written to; none where it does not say."""
        masks = self.masks.values()
        return [] if any(m.is_inference() for m in masks) else [(m, m._version) for m in masks]

    def real_steps(self) -> Tensor:
        """[B, M] int64 on the CPU. What decides a shape is asked here, since asking a GPU for a
        number makes the CPU wait for it; that is left for masks made or changed by hand."""
        now = self._masks()
        same = len(now) == len(self._of) > 0 and all(
            a is b and before == after
            for (a, before), (b, after) in zip(self._of, now, strict=True)
        )
        if same and self.counted is not None:
            return self.counted
        return torch.stack([mask.sum(1) for mask in self.masks.values()], dim=1).cpu()

    @property
    def present(self) -> Tensor:
        """[B, M] bool: False where a modality has no real step (a missing modality)."""
        return torch.stack([mask.any(dim=1) for mask in self.masks.values()], dim=1)

    def to(self, device: torch.device | str) -> Batch:
        move = {"device": device, "non_blocking": True}
        return Batch(
            {m: x.to(**move) for m, x in self.features.items()},
            {m: x.to(**move) for m, x in self.masks.items()},
            self.labels.to(**move),
            self.real_steps(),
        )
