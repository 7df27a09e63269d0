"""LMF, Low-rank Multimodal Fusion (Liu et al., ACL 2018).

TFN's tensor of products meets a weight tensor of the same size. If that weight tensor is a sum of
r outer products, neither needs to be built: every modality is projected alone, and the
projections are multiplied.
"""

from __future__ import annotations

from functools import reduce

import torch
from torch import nn

from ..data.dataset import Batch
from ..settings import Count, configuration
from .base import Baseline, BaselineConfig, Output
from .tfn import Subnetworks


@configuration
class LMFConfig(BaselineConfig):
    """dim is the width of every h_m."""

    rank: Count = 4  # r


class LMF(Baseline):
    """y = sum_r w_r prod_m ([1, h_m] W_m)_r + b, with factors W_m [dim + 1, r].

    Parameters grow linearly in M, not exponentially. Modalities may be missing and unaligned.
    """

    paper, year = "Efficient Low-rank Multimodal Fusion with Modality-Specific Factors", 2018
    family = "products"
    config_class = LMFConfig

    def __init__(self, c: LMFConfig):
        super().__init__(c)
        self.subnetworks = Subnetworks(c)
        self.factors = nn.ParameterDict(
            {m: nn.init.xavier_normal_(torch.empty(c.dim + 1, c.rank)) for m in c.modalities}
        )
        # An early release left these two out of the optimiser; here they are parameters.
        self.weights = nn.Linear(c.rank, 1)

    def forward(self, batch: Batch) -> Output:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        vectors = zip(self.config.modalities, self.subnetworks(batch), strict=True)
        projected = [h @ self.factors[m] for m, h in vectors]
        product = reduce(torch.mul, projected)  # [B, r]; torch.prod's gradient asks for zeros
        return Output(self.weights(product).squeeze(-1))
