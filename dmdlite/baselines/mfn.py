"""The Memory Fusion Network's recurrence (Zadeh et al., AAAI 2018): the core of MFM and Graph-MFN.

One LSTM cell a modality; at every step something looks at their states before and after it, and
what it sees is written through two gates into a memory that all share.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .base import BaselineConfig
from .layers import by_modality, mlp


class DeltaMemoryAttention(nn.Module):
    """MFN's look: a weight for every entry of [c_{t-1}, c_t], from all of them.

    before, after [B, M, dim] (the cells' c) -> [B, 2 M dim].
    """

    reads_cells = True

    def __init__(self, c: BaselineConfig):
        super().__init__()
        self.width = 2 * c.num_modalities * c.dim
        self.scores = mlp(self.width, c.dim, self.width, c.dropout)

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        both = torch.stack([before, after], dim=1).flatten(1)  # [B, 2 M dim]
        return self.scores(both).softmax(1) * both


class MemoryFusion(nn.Module):
    """LSTM cells, a look at their change, a gated memory.

    `look` has a `width` and takes states before and after a step: the cells' c when it
    `reads_cells`, else their outputs h.
    """

    def __init__(self, c: BaselineConfig, look: nn.Module):
        super().__init__()
        self.dim = c.dim
        self.look = look
        self.cells = by_modality(c, lambda width: nn.LSTMCell(width, c.dim))
        self.update = mlp(look.width, c.dim, c.dim, c.dropout)  # what may be written
        self.keep = mlp(look.width + c.dim, c.dim, c.dim, c.dropout)  # gate 1
        self.write = mlp(look.width + c.dim, c.dim, c.dim, c.dropout)  # gate 2
        self.width = (c.num_modalities + 1) * c.dim

    def forward(self, features: dict[str, Tensor], masks: dict[str, Tensor]) -> Tensor:
        """features [B, T, D_m], masks [B, T] on one time axis -> [h_1, ..., h_M, memory]
        after the last real step, [B, (M + 1) dim].

        A modality's cell rests where it has no step, the memory where no modality has one.
        """
        real = torch.stack(list(masks.values()), dim=-1)  # [B, T, M]
        batch, steps, count = real.shape
        first = next(iter(features.values()))
        h, c = first.new_zeros(2, batch, count, self.dim)
        memory = first.new_zeros(batch, self.dim)
        for t in range(steps):
            new_h, new_c = self._step(features, t, h, c)
            moves = real[:, t, :, None]  # [B, M, 1]
            new_h, new_c = torch.where(moves, new_h, h), torch.where(moves, new_c, c)
            seen = self.look(c, new_c) if self.look.reads_cells else self.look(h, new_h)
            both = torch.cat([seen, memory], dim=1)
            update = self.update(seen).tanh()
            written = self.keep(both).sigmoid() * memory + self.write(both).sigmoid() * update
            memory = torch.where(moves.any(1), written, memory)  # [B, dim]
            h, c = new_h, new_c
        return torch.cat([h.flatten(1), memory], dim=1)

    def _step(
        self, features: dict[str, Tensor], t: int, h: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One step of every cell: h, c [B, M, dim] -> the same."""
        states = [
            cell(features[m][:, t], (h[:, i], c[:, i]))
            for i, (m, cell) in enumerate(self.cells.items())
        ]
        new_h, new_c = (torch.stack(parts, dim=1) for parts in zip(*states, strict=True))
        return new_h.to(h.dtype), new_c.to(c.dtype)
