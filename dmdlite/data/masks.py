"""Masks [B, T], True at real steps: places, means, last steps without padding (Chapter 3)."""

from __future__ import annotations

import torch
from torch import Tensor


def positions(mask: Tensor) -> Tensor:
    """Each real step's place among the real ones, from 0. mask [B, T] -> [B, T] int64."""
    return (mask.cumsum(1) - 1).clamp(min=0)


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean over a sample's real steps. x [B, T] or [B, T, d], mask [B, T] -> [B] or [B, d].

    A sample without a real step gives 0.
    """
    weight = mask.to(x.dtype)  # [B, T]
    count = weight.sum(1).clamp(min=1)  # [B]
    weight = weight / count[:, None]
    return torch.einsum("bt,bt...->b...", weight, x.masked_fill(_like(~mask, x), 0))


def last_step(x: Tensor, mask: Tensor) -> Tensor:
    """The last real step of each sample. x [B, T, d], mask [B, T] -> [B, d]; 0 if none is real."""
    steps = torch.arange(x.shape[1], device=x.device)
    last = torch.where(mask, steps, 0).amax(1)  # [B]
    taken = x[torch.arange(len(x), device=x.device), last]  # [B, d]
    return taken.masked_fill(~mask.any(1, keepdim=True), 0)


def _like(mask: Tensor, x: Tensor) -> Tensor:
    """A [B, T] mask with as many axes as x."""
    return mask.reshape(mask.shape + (1,) * (x.ndim - mask.ndim))
