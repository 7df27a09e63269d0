"""The released code's mistakes, each one small change to DMD (Chapter 12).

Row numbers are those of chapter 12. Every class is DMD but for one thing,
and one is the paper's letter where we depart from it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import DMDConfig
from ..data.dataset import Batch
from ..data.labels import labelled_mean
from ..losses import TERMS, mean_hinge, sentiment_class
from ..model import DMD, AdaptiveFusion, DMDOutput


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


def fused_error(output: DMDOutput, batch: Batch) -> Tensor:
    """Mean absolute error of the fused prediction alone."""
    return labelled_mean((output.prediction - batch.targets).abs(), batch)


class LabelsUnseen(DMD):
    """DMD to the letter of Eq. 11: the task loss is the fused prediction's alone, so that nothing
    ties the GD-Units' logits to the labels."""

    terms = TERMS | {"task": fused_error}


def margin_any_modality(output: DMDOutput, batch: Batch) -> Tensor:
    """Eq. 4 without its two conditions on modalities: any code of the anchor's class is a positive,
    any other a negative (row 6)."""
    c = output.config
    unit = F.normalize(output.pooled.flatten(0, 1), dim=-1, eps=1e-8)  # [B M, d]
    there = (output.present & ~batch.labels.isnan()[:, None]).flatten()  # [B M]
    classes = sentiment_class(batch.labels).repeat_interleave(c.num_modalities)
    same = classes[:, None] == classes
    pair = there[:, None] & there
    positive = pair & same & ~torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    negative = pair & ~same
    cosine = unit @ unit.T
    return mean_hinge(cosine, c.margin + cosine, positive, negative)


class MarginAnyModality(DMD):
    """DMD with `margin_any_modality`."""

    terms = TERMS | {"mar": margin_any_modality}


def orthogonality_over_batch(output: DMDOutput, batch: Batch) -> Tensor:
    """Eq. 5 along the wrong axis: cosines of each feature's values across the batch (row 10)."""
    cosines = [
        F.cosine_similarity(x, output.private[m], dim=0)  # [T, d]
        for m, x in output.common.items()
    ]
    return sum(cosine.square().mean() for cosine in cosines)


class OrthogonalityOverBatch(DMD):
    """DMD with `orthogonality_over_batch`."""

    terms = TERMS | {"ort": orthogonality_over_batch}


def hetero_pushing_apart(output: DMDOutput, batch: Batch) -> Tensor:
    """HeteroGD's loss plus w max(0, cos) of both ends of every edge: alike costs most (row 20)."""
    unit = F.normalize(output.memory, dim=-1, eps=1e-8)  # [B, M, width]
    cosine = unit.detach() @ unit.transpose(1, 2)  # [B, M, M], teacher detached
    return output.hetero.loss + (output.hetero.weights * cosine.relu()).sum((1, 2)).mean()


class HeteroPushesApart(DMD):
    """DMD with `hetero_pushing_apart`."""

    terms = TERMS | {"hetero": hetero_pushing_apart}
