"""LF-LSTM, late fusion (no single paper): one LSTM a modality, joined at the end."""

from __future__ import annotations

import torch

from ..data.dataset import Batch
from ..model import ResidualHead
from .base import Baseline, BaselineConfig, Output
from .layers import MaskedLSTM, by_modality


class LFLSTM(Baseline):
    """One LSTM a modality -> last states joined -> residual two-layer head.

    Lengths may differ; a missing modality's state is zero.
    """

    paper, year = "late fusion LSTM (as in Tsai et al., MulT)", 2019
    family = "joined LSTMs"

    def __init__(self, c: BaselineConfig):
        super().__init__(c)
        self.lstms = by_modality(c, lambda width: MaskedLSTM(width, c.dim))
        self.head = ResidualHead(c.num_modalities * c.dim, c.dropout)

    def forward(self, batch: Batch) -> Output:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        last = [lstm(batch.features[m], batch.masks[m])[1] for m, lstm in self.lstms.items()]
        return Output(self.head(torch.cat(last, dim=1)))  # [B, M dim] -> [B]
