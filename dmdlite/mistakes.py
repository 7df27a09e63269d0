"""The released code's mistakes, one small change to DMD each, so that their worth can be measured.

Row numbers are those of the chapter "Paper against code". Every class is DMD but for one thing.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import DMDConfig
from .data import Batch
from .encoders import masked_mean
from .losses import sentiment_class
from .model import DMD, READOUT, AdaptiveFusion, DMDOutput


def with_term(
    output: DMDOutput, name: str, weight: float, term: Callable[[DMDOutput, Batch], Tensor]
) -> DMDOutput:
    """The output with the loss `name` exchanged for `term`, which weighs `weight` in the total."""
    terms_of = output.losses

    def losses(batch: Batch) -> dict[str, Tensor]:
        terms, new = terms_of(batch), term(output, batch)
        total = terms["total"] + weight * (new - terms[name])
        return terms | {name: new, "total": total}

    output.losses = losses
    return output


class ReplacingFusion(AdaptiveFusion):
    """The gate sigmoid(W h) takes the place of h, where it should weigh it (row 27)."""

    def forward(self, features: list[Tensor]) -> Tensor:
        fused = torch.cat(
            [gate(h).sigmoid() for gate, h in zip(self.gates, features, strict=True)], dim=-1
        )
        return self.out(fused + self.hidden(fused)).squeeze(-1)


class GateReplaces(DMD):
    """DMD with `ReplacingFusion`."""

    def __init__(self, config: DMDConfig):
        super().__init__(config)
        widths = [gate.in_features for gate in self.fusion.gates]
        self.fusion = ReplacingFusion(widths, config.output_dropout)


def margin_any_modality(output: DMDOutput, batch: Batch) -> Tensor:
    """Eq. 4 without its two conditions on modalities: any code of the anchor's class is a positive,
    any other a negative (row 6)."""
    c = output.config
    pooled = torch.stack([masked_mean(x, batch.masks[m]) for m, x in output.common.items()], dim=1)
    unit = F.normalize(pooled.flatten(0, 1), dim=-1, eps=1e-8)  # [B M, d]
    there = output.present.flatten()  # [B M]
    classes = sentiment_class(batch.labels).repeat_interleave(c.num_modalities)
    same = classes[:, None] == classes
    pair = there[:, None] & there
    positive = pair & same & ~torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    negative = pair & ~same
    cosine = unit @ unit.T
    triplets = positive[:, :, None] & negative[:, None, :]  # [B M, B M, B M]
    hinge = F.relu(c.margin - cosine[:, :, None] + cosine[:, None, :])
    return (hinge * triplets).sum() / triplets.sum().clamp(min=1)


class MarginAnyModality(DMD):
    """DMD with `margin_any_modality`."""

    def forward(self, batch: Batch) -> DMDOutput:
        weight = self.config.lambda_dec * self.config.gamma
        return with_term(super().forward(batch), "mar", weight, margin_any_modality)


def orthogonality_over_batch(output: DMDOutput, batch: Batch) -> Tensor:
    """Eq. 5 along the wrong axis: cosines of each feature's values across the batch (row 10)."""
    cosines = [
        F.cosine_similarity(x, output.private[m], dim=0)  # [T, d]
        for m, x in output.common.items()
    ]
    return sum(cosine.square().mean() for cosine in cosines)


class OrthogonalityOverBatch(DMD):
    """DMD with `orthogonality_over_batch`."""

    def forward(self, batch: Batch) -> DMDOutput:
        weight = self.config.lambda_dec * self.config.gamma
        return with_term(super().forward(batch), "ort", weight, orthogonality_over_batch)


def hetero_pushing_apart(output: DMDOutput, batch: Batch) -> Tensor:
    """HeteroGD's loss plus w max(0, cos) of both ends of every edge: alike costs most (row 20)."""
    readout = READOUT[output.config.readout]
    memory = torch.stack([readout(z, batch.masks[m]) for m, z in output.reinforced.items()], dim=1)
    unit = F.normalize(memory, dim=-1, eps=1e-8)  # [B, M, width]
    cosine = unit.detach() @ unit.transpose(1, 2)  # [B, M, M], teacher detached
    return output.hetero.loss + (output.hetero.weights * cosine.relu()).sum((1, 2)).mean()


class HeteroPushesApart(DMD):
    """DMD with `hetero_pushing_apart`."""

    def forward(self, batch: Batch) -> DMDOutput:
        weight = self.config.lambda_ddl * self.config.hetero_gd
        return with_term(super().forward(batch), "hetero", weight, hetero_pushing_apart)
