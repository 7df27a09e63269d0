"""EF-LSTM, early fusion (the oldest of the comparisons; no single paper).

Features of all modalities are joined at every step, one LSTM reads the joint sequence, and its
last state is regressed.
"""

from __future__ import annotations

import torch
from torch import nn

from ..data.alignment import one_axis
from ..data.dataset import Batch
from .base import Baseline, BaselineConfig, Output
from .layers import BatchNorm, MaskedLSTM, mlp


class EFLSTM(Baseline):
    """Joint features -> batch normalisation -> LSTM -> dropout -> two layers.

    Unaligned modalities are resampled to the first one's steps (`alignment.windows`); a missing
    one is zeros.
    """

    paper, year = "early fusion LSTM (as in Zadeh et al., Memory Fusion Network)", 2018
    family = "joined LSTMs"
    one_axis = True

    def __init__(self, c: BaselineConfig):
        super().__init__(c)
        total = sum(c.widths)
        self.norm = BatchNorm(total)
        self.lstm = MaskedLSTM(total, c.dim)
        self.dropout = nn.Dropout(c.dropout)
        self.head = mlp(c.dim, c.dim, 1, c.dropout)

    def forward(self, batch: Batch) -> Output:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        features, masks = one_axis(batch, self.config.is_aligned)
        real = torch.stack(list(masks.values())).any(0)  # [B, T]
        joined = torch.cat(list(features.values()), dim=-1)  # [B, T, sum of widths]
        _, last = self.lstm(self.norm(joined, real), real)
        return Output(self.head(self.dropout(last)).squeeze(-1))
