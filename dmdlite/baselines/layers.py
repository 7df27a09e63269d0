"""What several baselines are made of: LSTMs and batch normalisation over real steps.

Axes: B batch, T time steps, D feature width, M modalities.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..config import ModelConfig


class MaskedLSTM(nn.Module):
    """One layer of LSTM over each sample's real steps, forward or both ways.

    Real steps are moved to the front, where padding behind them cannot reach them; torch's fused
    LSTM is several times as fast on that as on packed sequences (CPU, width 32).
    """

    def __init__(self, width: int, dim: int, both_ways: bool = False):
        super().__init__()
        self.ways = nn.ModuleList(
            nn.LSTM(width, dim, batch_first=True) for _ in range(1 + both_ways)
        )

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, T, D], mask [B, T] -> states [B, T, ways dim], last states [B, ways dim].

        Zero at padded steps, and for a sample without a real one.
        """
        x = x.masked_fill(~mask[..., None], 0)
        time = torch.arange(x.shape[1], device=x.device)
        runs = [
            self._run(lstm, x, mask, order)
            for lstm, order in zip(self.ways, (time, -time), strict=False)
        ]
        states, last = (torch.cat(parts, dim=-1) for parts in zip(*runs, strict=True))
        return states.masked_fill(~mask[..., None], 0), last.masked_fill(~mask.any(1)[:, None], 0)

    @staticmethod
    def _run(lstm: nn.LSTM, x: Tensor, mask: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        """Over the real steps in the order of `time` [T]; states go back to their places."""
        order = torch.where(mask, time, x.shape[1]).argsort(dim=1)  # [B, T], real steps first
        states, _ = lstm(x.gather(1, order[..., None].expand_as(x)))
        end = (mask.sum(1) - 1).clamp(min=0)  # [B]
        last = states[torch.arange(len(x), device=x.device), end]  # [B, dim]
        back = order.argsort(dim=1)[..., None].expand_as(states)  # [B, T, dim]
        return states.gather(1, back), last


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation of the real vectors as one set; the others become 0.

    x [B, D] or [B, T, D], real [B] or [B, T] bool. A single vector, which has no spread, takes the
    running statistics. How many are real, only the device knows: it is not asked.
    """

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        real = real[..., None]
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = self._of_batch(x.float().masked_fill(~real, 0).flatten(0, -2), real)
        scaled = (x - mean) * (var + self.eps).rsqrt()
        if self.affine:
            scaled = scaled * self.weight + self.bias
        return scaled.to(x.dtype).masked_fill(~real, 0)

    def _of_batch(self, x: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of the real rows of x [N, D], which enter the running ones; these
        where fewer than two rows are real."""
        weight = real.flatten()[:, None].float()  # [N, 1]
        count = weight.sum()
        enough = count > 1
        mean = x.sum(0) / count.clamp(min=1)
        var = ((x - mean).square() * weight).sum(0) / count.clamp(min=1)
        with torch.no_grad():
            unbiased = var * count / (count - 1).clamp(min=1)
            pairs = ((self.running_mean, mean), (self.running_var, unbiased))
            before = [running.clone() for running, _ in pairs]
            for running, new in pairs:
                running.lerp_(new, self.momentum * enough)
            self.num_batches_tracked += enough
        return torch.where(enough, mean, before[0]), torch.where(enough, var, before[1])


def mlp(width: int, hidden: int, out: int, dropout: float) -> nn.Sequential:
    """Linear, ReLU, dropout, linear."""
    return nn.Sequential(
        nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, out)
    )


def by_modality(c: ModelConfig, make: Callable[[int], nn.Module]) -> nn.ModuleDict:
    """One module a modality; `make` takes the modality's raw width."""
    return nn.ModuleDict({m: make(w) for m, w in zip(c.modalities, c.widths, strict=True)})
