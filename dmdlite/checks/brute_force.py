"""Eq. 7 to 9 by loops: slow, and hard to get wrong. Nothing of `dmdlite.gd_unit` is used."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def gaps(logits: Tensor) -> Tensor:
    """|z_j - z_i| for teacher i, row, and student j, column: [B, M] -> [B, M, M] (Eq. 7)."""
    batch, m = logits.shape
    z, found = logits.tolist(), torch.zeros(batch, m, m)
    for b in range(batch):
        for i in range(m):
            for j in range(m):
                found[b, i, j] = abs(z[b][j] - z[b][i])
    return found


def loss(logits: Tensor, weights: Tensor) -> float:
    """The sum of weight times gap over edges, mean over the batch: [B, M], [B, M, M] (Eq. 9)."""
    w, eps = weights.tolist(), gaps(logits).tolist()
    batch, m = logits.shape
    edges = [(i, j) for i in range(m) for j in range(m) if i != j]
    return sum(w[b][i][j] * eps[b][i][j] for b in range(batch) for i, j in edges) / batch


def weights(unit: nn.Module, features: Tensor) -> Tensor:
    """Eq. 8 edge by edge, from the unit's own layers `logit`, `node` and `edge`: [B, M, M]."""
    batch, m, _ = features.shape
    found = torch.zeros(batch, m, m)
    for b, x in enumerate(features.to(unit.logit.weight.dtype)):
        ends = [torch.cat([unit.logit(x[k]), x[k]]) for k in range(m)]
        for i in range(m):
            for j in range(m):
                if i != j:
                    pair = torch.cat([unit.node(ends[i]), unit.node(ends[j])])
                    found[b, i, j] = unit.edge(pair).exp()
        found[b] /= found[b].sum()
    return found.detach()
