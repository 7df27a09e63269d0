"""FDMER, Feature-Disentangled Multimodal Emotion Recognition (Yang et al., ACM MM 2022).

Common and private codes as in MISA, kept apart by an adversary: a discriminator tries to tell
from a code which modality it came from. Private codes help it, common codes are trained to fool
it.
"""

from __future__ import annotations

from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.dataset import Batch
from ..losses import ORTHOGONALITY
from ..settings import Count, Weight, configuration
from .base import AttentionConfig, Baseline, Output
from .layers import MaskedLSTM, by_modality, mlp
from .misa import TokenFusion, stacked


@configuration
class FDMERConfig(AttentionConfig):
    """dim is the width of every vector and code."""

    heads: Count = 2
    lambda_adv: Weight = 0.1
    lambda_con: Weight = 0.1
    lambda_ort: Weight = 0.1


class ReverseGradient(torch.autograd.Function):
    """The identity forward, minus the gradient backward (Ganin and Lempitsky 2015): one optimiser
    then trains a discriminator, and what comes before it to fool it."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return -gradient


def consistency(common: Tensor, present: Tensor) -> Tensor:
    """Mean squared distance of every two common codes of a sample. [B, M, d], [B, M] -> scalar."""
    found = []
    for a, b in combinations(range(common.shape[1]), 2):
        both = present[:, a] & present[:, b]
        found.append(((common[:, a] - common[:, b]).square().mean(1) * both).mean())
    return sum(found) / len(found)


class FDMER(Baseline):
    """Loss: task + lambda_adv discriminator + lambda_con consistency + lambda_ort orthogonality.

    Lengths may differ; a missing modality enters no loss and no attention.
    """

    paper = "Disentangled Representation Learning for Multimodal Emotion Recognition"
    year = 2022
    family = "two codes"
    config_class = FDMERConfig
    interpretation = (
        "the losses' forms and weights, the gradient reversal, LF-LSTM's encoders (the paper: BERT)"
    )

    def __init__(self, c: FDMERConfig):
        super().__init__(c)
        self.encoders = by_modality(c, lambda width: MaskedLSTM(width, c.dim))
        self.private = by_modality(c, lambda _: mlp(c.dim, c.dim, c.dim, c.dropout))
        self.common = mlp(c.dim, c.dim, c.dim, c.dropout)
        self.discriminator = mlp(c.dim, c.dim, c.num_modalities, c.dropout)
        self.fusion = TokenFusion(c, 2 * c.num_modalities)

    def forward(self, batch: Batch) -> Output:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        c, present = self.config, batch.present
        h = {m: net(batch.features[m], batch.masks[m])[1] for m, net in self.encoders.items()}
        private = stacked({m: self.private[m](x) for m, x in h.items()})  # [B, M, d]
        common = stacked({m: self.common(x) for m, x in h.items()})
        tokens = torch.cat([common, private], dim=1)  # [B, 2M, d]
        prediction = self.fusion(tokens, present.repeat(1, 2))
        cosine = F.cosine_similarity(common, private, dim=-1)  # [B, M]
        terms = {
            "adv": self._told_apart(ReverseGradient.apply(common), present)
            + self._told_apart(private, present),
            "con": consistency(common, present),
            "ort": (ORTHOGONALITY["squared"](cosine) * present).mean(),
        }
        weights = {"adv": c.lambda_adv, "con": c.lambda_con, "ort": c.lambda_ort}
        return Output(prediction, terms, weights)

    def _told_apart(self, codes: Tensor, present: Tensor) -> Tensor:
        """Cross-entropy of the discriminator's guess of the modality: codes [B, M, d] -> scalar."""
        guess = self.discriminator(codes).float().transpose(1, 2)  # [B, classes, M]
        modality = torch.arange(codes.shape[1], device=codes.device).expand(len(codes), -1)
        error = F.cross_entropy(guess, modality, reduction="none")  # [B, M]
        return (error * present).sum() / present.sum().clamp(min=1)
