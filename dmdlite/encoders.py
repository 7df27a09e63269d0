"""From raw features to decoupled ones (Sec. 3.1, Eq. 1, Chapters 3 and 4).

Axes: B batch, T time steps, D raw width, d model width. Masks are [B, T] bool, True at real
steps; whatever a padded step holds is replaced by zero before it can reach a real one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .data.masks import last_step, masked_mean

__all__ = ["Decoupler", "TemporalConv", "last_step", "masked_mean"]


class TemporalConv(nn.Module):
    """Shallow 1D convolution over time; "same" padding keeps T, as Sec. 3.1 says.

    Takes raw features [B, T, D] and a mask [B, T]; returns X~_m [B, T, d], zero where padded.
    """

    def __init__(self, width: int, dim: int, kernel_size: int):
        super().__init__()
        self.conv = nn.Conv1d(width, dim, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x.masked_fill(~mask[..., None], 0)  # [B, T, D]
        y = self.conv(x.transpose(1, 2)).transpose(1, 2)  # [B, T, d]
        return y.masked_fill(~mask[..., None], 0)


class Decoupler(nn.Module):
    """Splits each modality into a common and a private part, and puts them together again.

    One shared encoder E^com, and for each modality a private encoder E_m^prt and a decoder D_m
    (Eq. 1-3). All are linear maps of single steps, like the released code's kernel-1
    convolutions; without bias, so a zero step stays zero.
    """

    def __init__(self, modalities: tuple[str, ...], dim: int):
        super().__init__()
        self.common = nn.Linear(dim, dim, bias=False)
        self.private = nn.ModuleDict({m: nn.Linear(dim, dim, bias=False) for m in modalities})
        self.decoder = nn.ModuleDict({m: nn.Linear(2 * dim, dim, bias=False) for m in modalities})

    def forward(self, shallow: dict[str, Tensor]) -> tuple[dict[str, Tensor], ...]:
        """X~_m [B, T_m, d] by modality -> (common, private, decoded, reencoded), same shapes."""
        common = {m: self.common(x) for m, x in shallow.items()}
        private = {m: self.private[m](x) for m, x in shallow.items()}
        both = {m: torch.cat([common[m], private[m]], dim=-1) for m in shallow}  # [B, T_m, 2d]
        decoded = {m: self.decoder[m](x) for m, x in both.items()}
        reencoded = {m: self.private[m](x) for m, x in decoded.items()}
        return common, private, decoded, reencoded
