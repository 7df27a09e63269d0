"""A linear model, trained as every other system is: the simplest thing they all have to beat.

Ridge regression differs from the systems in more than being linear: it minimises squared error, in
one step, on means over time. This model has their loss, their batches and their early stopping, so
that what they gain over it is gained by their nonlinearity and their view of time.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ..config import ModelConfig
from ..data.dataset import Batch
from ..data.masks import masked_mean
from ..settings import configuration
from .base import Baseline, Output
from .layers import BatchNorm, by_modality


@configuration
class LinearConfig(ModelConfig):
    """What of a sequence the model sees."""

    pooling: Literal["mean", "sum", "both"] = "both"  # over a modality's real steps


def masked_sum(x: Tensor, mask: Tensor) -> Tensor:
    """Sum over a sample's real steps: x [B, T, D], mask [B, T] -> [B, D]; 0 without one."""
    return x.masked_fill(~mask[..., None], 0).sum(1)


POOLINGS = {"mean": (masked_mean,), "sum": (masked_sum,), "both": (masked_mean, masked_sum)}


class Linear(Baseline):
    """y = sum over m of w_m . pooled_m + b, each pooled number scaled to mean 0 and deviation 1.

    The scale is batch normalisation's, fixed after training, so that the prediction is linear in
    the pooled features. Lengths may differ; a missing modality adds nothing.
    """

    paper, year = "a linear model (no paper)", 1805
    family = "time means"
    config_class = LinearConfig

    def __init__(self, c: LinearConfig):
        super().__init__(c)
        self.pools = POOLINGS[c.pooling]
        self.norms = by_modality(c, lambda width: BatchNorm(width * len(self.pools), affine=False))
        self.out = nn.Linear(sum(c.widths) * len(self.pools), 1)

    def forward(self, batch: Batch) -> Output:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        parts = []
        for m, norm in self.norms.items():
            x, mask = batch.features[m], batch.masks[m]
            pooled = torch.cat([pool(x, mask) for pool in self.pools], dim=1)  # [B, pools D_m]
            parts.append(norm(pooled, mask.any(1)))
        return Output(self.out(torch.cat(parts, dim=1)).squeeze(-1))
