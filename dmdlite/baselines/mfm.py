"""MFM, the Multimodal Factorization Model (Tsai et al., ICLR 2019).

A code z_y for what decides the label, and one code z_m a modality for what makes its data. Both
make factors f; [f_y, f_m] must give the modality's sequence back, f_y alone the label.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..data.alignment import one_axis
from ..data.dataset import Batch
from ..losses import reconstruction_loss
from ..settings import Weight, configuration
from .base import Baseline, BaselineConfig, Output
from .distances import mmd_to_normal
from .layers import MaskedLSTM, by_modality, mlp
from .mfn import DeltaMemoryAttention, MemoryFusion


@configuration
class MFMConfig(BaselineConfig):
    """dim is the width of every code z and factor f."""

    lambda_rec: Weight = 0.1  # lambda_m, the same for every modality
    lambda_mmd: Weight = 10.0  # public settings for MOSI go from 1 to 100


class LSTMDecoder(nn.Module):
    """A sequence from one vector: the vector is the LSTM's input at every step."""

    def __init__(self, width: int, dim: int, out: int):
        super().__init__()
        self.lstm = nn.LSTM(width, dim, batch_first=True)
        self.out = nn.Linear(dim, out)

    def forward(self, code: Tensor, steps: int) -> Tensor:
        """code [B, width] -> [B, steps, out]."""
        states, _ = self.lstm(code[:, None].expand(-1, steps, -1))
        return self.out(states)


class MFM(Baseline):
    """Loss: task + lambda_rec sum_m MSE(x_m) + lambda_mmd MMD(z, N(0, I)), summed over the codes.

    Reads step by step: unaligned modalities are resampled to the first one's steps
    (`alignment.windows`), and it is these sequences that are given back. A missing modality enters
    none of the losses.
    """

    paper, year = "Learning Factorized Multimodal Representations", 2019
    family = "memory"
    config_class = MFMConfig
    one_axis = True
    interpretation = "what feeds the decoders (the factors, at every step); the losses' weights"

    def __init__(self, c: MFMConfig):
        super().__init__(c)

        def factor(_: int = 0) -> nn.Sequential:
            return nn.Sequential(mlp(c.dim, c.dim, c.dim, c.dropout), nn.ReLU())

        self.encoders = by_modality(c, lambda width: MaskedLSTM(width, c.dim))
        self.to_z = by_modality(c, lambda _: nn.Linear(c.dim, c.dim))
        self.fusion = MemoryFusion(c, DeltaMemoryAttention(c))
        self.to_z_label = nn.Linear(self.fusion.width, c.dim)
        self.factor = by_modality(c, factor)
        self.factor_label = factor()
        self.decoders = by_modality(c, lambda width: LSTMDecoder(2 * c.dim, c.dim, width))
        self.head = mlp(c.dim, c.dim, 1, c.dropout)

    def forward(self, batch: Batch) -> Output:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        c = self.config
        features, masks = one_axis(batch, c.is_aligned)
        z_label = self.to_z_label(self.fusion(features, masks))  # [B, dim]
        f_label = self.factor_label(z_label)
        rec, mmd = z_label.new_zeros(()), mmd_to_normal(z_label)
        for m, x in features.items():
            z = self.to_z[m](self.encoders[m](x, masks[m])[1])  # [B, dim]
            both = torch.cat([f_label, self.factor[m](z)], dim=1)  # [B, 2 dim]
            made = self.decoders[m](both, x.shape[1])  # [B, T, D_m]
            rec = rec + reconstruction_loss(x, made, masks[m])
            mmd = mmd + mmd_to_normal(z, masks[m].any(1))
        prediction = self.head(f_label).squeeze(-1)
        weights = {"rec": c.lambda_rec, "mmd": c.lambda_mmd}
        return Output(prediction, {"rec": rec, "mmd": mmd}, weights)
