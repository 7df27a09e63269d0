"""MISA, Modality-Invariant and -Specific Representations (Hazarika et al., ACM MM 2020).

DMD's nearest relative: each modality's vector has a shared and a private code. Three losses say
what that means - private codes differ from all others, shared ones are distributed alike, both
together give the vector back - and a small transformer fuses the codes.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..attention import CrossModalLayer, attention_mask
from ..data.dataset import Batch
from ..settings import Count, Weight, configuration
from .base import AttentionConfig, Baseline, Output
from .distances import cmd, cross_correlation
from .layers import MaskedLSTM, by_modality, mlp


@configuration
class MISAConfig(AttentionConfig):
    """dim is the width of every vector and code."""

    heads: Count = 2
    lambda_diff: Weight = 0.3
    lambda_sim: Weight = 1.0
    lambda_rec: Weight = 1.0
    error: Literal["squared", "absolute"] = "squared"  # the paper's; everybody else's


ERRORS = {"squared": F.mse_loss, "absolute": F.l1_loss}


class UtteranceEncoder(nn.Module):
    """Two LSTMs both ways with a LayerNorm between; their last states, projected to dim."""

    def __init__(self, width: int, dim: int):
        super().__init__()
        self.first = MaskedLSTM(width, dim, True)
        self.second = MaskedLSTM(2 * dim, dim, True)
        self.norm = nn.LayerNorm(2 * dim)
        self.project = nn.Sequential(nn.Linear(4 * dim, dim), nn.ReLU(), nn.LayerNorm(dim))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x [B, T, D], mask [B, T] -> [B, dim]."""
        states, last = self.first(x, mask)
        _, later = self.second(self.norm(states), mask)
        return self.project(torch.cat([last, later], dim=1))


def stacked(codes: dict[str, Tensor]) -> Tensor:
    """[B, d] of every modality -> [B, M, d]."""
    return torch.stack(list(codes.values()), dim=1)


class TokenFusion(nn.Module):
    """Codes as tokens of one transformer layer without positions, joined and regressed; MISA's
    and FDMER's. Codes of missing modalities are neither read nor joined."""

    def __init__(self, c: AttentionConfig, tokens: int):
        super().__init__()
        self.layer = CrossModalLayer(c.dim, c.heads, 0.0, c.dropout)
        self.head = mlp(tokens * c.dim, 3 * c.dim, 1, c.dropout)

    def forward(self, tokens: Tensor, there: Tensor) -> Tensor:
        """tokens [B, K, d], there [B, K] bool -> prediction [B]."""
        tokens = self.layer(tokens, None, attention_mask(there, there, False))
        tokens = tokens.masked_fill(~there[..., None], 0)
        return self.head(tokens.flatten(1)).squeeze(-1)


class MISA(Baseline):
    """Loss: mean *squared* error (see `MISAConfig.error`) + lambda_diff difference, a sum over its
    pairs, + lambda_sim CMD and lambda_rec reconstruction, means over theirs.

    Lengths may differ; losses look at the samples that have the modalities they compare.
    """

    paper = (
        "MISA: Modality-Invariant and -Specific Representations for Multimodal Sentiment Analysis"
    )
    year = 2020
    family = "two codes"
    config_class = MISAConfig
    interpretation = "language is read as every other modality, not by BERT; a pre-LN fusion layer"

    def __init__(self, c: MISAConfig):
        super().__init__(c)
        self.encoders = by_modality(c, lambda width: UtteranceEncoder(width, c.dim))
        self.private = by_modality(
            c, lambda _: nn.Sequential(nn.Linear(c.dim, c.dim), nn.Sigmoid())
        )
        self.shared = nn.Sequential(nn.Linear(c.dim, c.dim), nn.Sigmoid())
        self.decoders = by_modality(c, lambda _: nn.Linear(c.dim, c.dim))
        self.fusion = TokenFusion(c, 2 * c.num_modalities)

    def forward(self, batch: Batch) -> Output:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        c, present = self.config, batch.present
        h = {m: net(batch.features[m], batch.masks[m]) for m, net in self.encoders.items()}
        private = {m: self.private[m](x) for m, x in h.items()}
        shared = {m: self.shared(x) for m, x in h.items()}
        tokens = torch.cat([stacked(private), stacked(shared)], dim=1)  # [B, 2M, d]
        prediction = self.fusion(tokens, present.repeat(1, 2))
        terms = {
            "diff": self._difference(private, shared, present),
            "sim": self._over_pairs(cmd, shared, present),
            "rec": self._reconstruction(h, private, shared, present),
        }
        weights = {"diff": c.lambda_diff, "sim": c.lambda_sim, "rec": c.lambda_rec}
        return Output(prediction, terms, weights, ERRORS[c.error])

    def _difference(self, private: dict, shared: dict, present: Tensor) -> Tensor:
        """Sum over private with own shared, and private with private."""
        own = present.new_zeros((), dtype=torch.float32)
        for (m, x), there in zip(private.items(), present.unbind(1), strict=True):
            own = own + cross_correlation(x, shared[m], there)
        between = self._over_pairs(cross_correlation, private, present)
        return own + between * math.comb(len(private), 2)

    def _over_pairs(self, distance, codes: dict, present: Tensor) -> Tensor:
        """Mean distance over pairs of modalities, each on the samples that have both."""
        there = dict(zip(codes, present.unbind(1), strict=True))
        total = count = present.new_zeros((), dtype=torch.float32)
        for a, b in combinations(codes, 2):
            both = there[a] & there[b]
            total = total + distance(codes[a], codes[b], both)  # 0 where nobody has both
            count = count + both.any()
        return total / count.clamp(min=1)

    def _reconstruction(self, h: dict, private: dict, shared: dict, present: Tensor) -> Tensor:
        """Mean squared error of h_m from private + shared, over modalities."""
        errors = [
            ((self.decoders[m](private[m] + shared[m]) - x).square().mean(1) * there).mean()
            for (m, x), there in zip(h.items(), present.unbind(1), strict=True)
        ]
        return sum(errors) / len(errors)
