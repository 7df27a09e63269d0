"""MICA, Modality-Invariant Crossmodal Attention (Liang et al., ICCV 2021).

MulT compares queries of one modality with keys of another, although the two are distributed
differently. MICA computes both in a common space that two losses keep common: whole distributions
are pulled together, and so are single pairs of elements that attend to each other with confidence.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..attention import CrossModalTransformer, attention_mask
from ..data.dataset import Batch
from ..data.masks import masked_mean
from ..encoders import TemporalConv
from ..model import ResidualHead
from ..settings import Count, Weight, configuration
from .base import AttentionConfig, Baseline, Output
from .distances import mmd
from .layers import by_modality
from .pmr import embedded


@configuration
class MICAConfig(AttentionConfig):
    """dim is the width of every sequence and of the common space."""

    layers: Count = 2
    lambda_marginal: Weight = 0.1  # of the distance between distributions
    lambda_pairs: Weight = 0.1  # of the distance between confident pairs
    tau: float = 1.5  # attention above this, in multiples of an even one, is confident


class InvariantLayer(nn.Module):
    """Attention whose weights come from the common space, and a feed-forward block.

    x [B, T, d] is the target, query and key [B, T or S, d] are common codes, source [B, S, d]
    gives the values. Weights are needed as numbers, so memory grows with T S.
    """

    def __init__(self, c: MICAConfig):
        super().__init__()
        self.heads, width = c.heads, 4 * c.dim
        self.norm = nn.LayerNorm(c.dim)
        self.norm_feed = nn.LayerNorm(c.dim)
        self.value = nn.Linear(c.dim, c.dim)
        self.out = nn.Linear(c.dim, c.dim)
        self.feed = nn.Sequential(nn.Linear(c.dim, width), nn.ReLU(), nn.Linear(width, c.dim))
        self.dropout = nn.Dropout(c.dropout)

    def forward(self, x: Tensor, source: Tensor, weights: Tensor) -> Tensor:
        """weights [B, H, T, S] -> [B, T, d]."""
        value = self.value(self.norm(source)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        read = (weights @ value).transpose(1, 2).flatten(2)  # [B, T, d]
        x = x + self.dropout(self.out(read))
        return x + self.dropout(self.feed(self.norm_feed(x)))


def attention_weights(query: Tensor, key: Tensor, allowed: Tensor, heads: int) -> Tensor:
    """softmax(Q K^T / sqrt(d_h)) a head: [B, T, d], [B, S, d] -> [B, H, T, S]."""
    q, k = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, key))
    scores = q @ k.transpose(2, 3) / q.shape[-1] ** 0.5
    return scores.masked_fill(~allowed, torch.finfo(scores.dtype).min).softmax(-1)


def pair_distance(query: Tensor, key: Tensor, weights: Tensor, real: Tensor, tau: float) -> Tensor:
    """Mean squared distance of the pairs (t, s) that attend with confidence.

    query [B, T, d], key [B, S, d], weights [B, T, S], real [B, T, S] bool. Confident: more than
    tau times what an even look at all real s would give. Which pairs these are is not
    differentiated.
    """
    even = 1 / real.sum(-1, keepdim=True).clamp(min=1)  # [B, T, 1]
    confident = (weights > tau * even) & real
    lengths = query.square().sum(-1)[:, :, None] + key.square().sum(-1)[:, None, :]
    square = (lengths - 2 * query @ key.transpose(1, 2)).clamp(min=0) / query.shape[-1]  # [B, T, S]
    per_sample = (square * confident).sum((1, 2)) / confident.sum((1, 2)).clamp(min=1)
    return per_sample.mean()


class MICA(Baseline):
    """MulT with attention in a common space: from every other modality, then self-attention, then
    means over time and a residual head.

    Loss: task + lambda_marginal sum MMD + lambda_pairs sum of pair distances, over the directed
    pairs. Lengths may differ and modalities may be missing.
    """

    paper = (
        "Attention Is Not Enough: Mitigating the Distribution Discrepancy in Asynchronous "
        "Multimodal Sequence Fusion"
    )
    year = 2021
    family = "attention"
    config_class = MICAConfig
    interpretation = "both losses' forms and weights, the threshold, one common code for all layers"

    def __init__(self, c: MICAConfig):
        super().__init__(c)
        others = c.num_modalities - 1
        self.convs = by_modality(c, lambda width: TemporalConv(width, c.dim, 5))
        self.query = by_modality(c, lambda _: nn.Linear(c.dim, c.dim))
        self.key = by_modality(c, lambda _: nn.Linear(c.dim, c.dim))
        self.layers = nn.ModuleDict(
            {
                f"{s}_to_{t}": nn.ModuleList(InvariantLayer(c) for _ in range(c.layers))
                for t in c.modalities
                for s in c.modalities
                if s != t
            }
        )
        self.memory = by_modality(
            c, lambda _: CrossModalTransformer(others * c.dim, c.heads, c.layers)
        )
        self.head = ResidualHead(c.num_modalities * others * c.dim, c.dropout)

    def forward(self, batch: Batch) -> Output:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        c, masks = self.config, batch.masks
        sequences = embedded(batch, self.convs)
        queries = {m: self.query[m](x) for m, x in sequences.items()}
        keys = {m: self.key[m](x) for m, x in sequences.items()}
        views: dict[str, list[Tensor]] = {m: [] for m in c.modalities}
        marginal, apart = [], []
        for name, layers in self.layers.items():
            s, t = name.split("_to_")
            allowed = attention_mask(masks[t], masks[s], False)
            weights = attention_weights(queries[t], keys[s], allowed, c.heads)
            real = masks[t][:, :, None] & masks[s][:, None, :]  # [B, T, S]
            apart.append(pair_distance(queries[t], keys[s], weights.mean(1), real, c.tau))
            marginal.append(marginal_distance(queries[t], masks[t], keys[s], masks[s]))
            x = sequences[t]
            for layer in layers:
                x = layer(x, sequences[s], weights)
            views[t].append(x.masked_fill(~masks[s].any(1)[:, None, None], 0))
        read = [
            masked_mean(self.memory[m](torch.cat(v, dim=-1), query_mask=masks[m]), masks[m])
            for m, v in views.items()
        ]
        terms = {"marginal": sum(marginal), "pairs": sum(apart)}
        weights = {"marginal": c.lambda_marginal, "pairs": c.lambda_pairs}
        return Output(self.head(torch.cat(read, dim=1)), terms, weights)


def marginal_distance(query: Tensor, query_mask: Tensor, key: Tensor, key_mask: Tensor) -> Tensor:
    """MMD between time means of queries [B, T, d] and of the keys [B, S, d] they are compared
    with, over the samples that have both."""
    both = query_mask.any(1) & key_mask.any(1)
    return mmd(masked_mean(query, query_mask), masked_mean(key, key_mask), both)
