"""The losses, in the order of the paper (Eq. 2-6 and 11, Chapters 4, 5 and 8).

Every term but the margin loss is a mean over samples, and a sample's own value is a mean over
its real steps. So a batch of 2B has the mean loss of its two halves, which is what data-parallel
training assumes. Triplets of the margin loss live inside one batch and do not add up that way.
A sample without a label counts in every term but the task and margin losses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import DMDConfig
from .data import Batch
from .data.labels import labelled_mean
from .data.masks import masked_mean
from .gd_unit import GDOutput

ORTHOGONALITY = {
    "squared": torch.square,  # zero at orthogonality
    "signed": lambda cosine: cosine,  # Eq. 5 to the letter; smallest at -1, anti-parallel
    "hinge": F.relu,  # the released code's
}


def reconstruction_loss(shallow: Tensor, decoded: Tensor, mask: Tensor) -> Tensor:
    """Eq. 2 for one modality: mean squared error over real steps and width.

    shallow, decoded [B, T, d], mask [B, T] -> scalar. The paper writes a squared Frobenius
    norm; a mean differs by a factor and does not grow with length.
    """
    return masked_mean((shallow - decoded).square().mean(-1), mask).mean()


def cycle_loss(private: Tensor, reencoded: Tensor, mask: Tensor) -> Tensor:
    """Eq. 3 for one modality: the same error between private codes and re-encoded ones."""
    return reconstruction_loss(private, reencoded, mask)


def sentiment_class(labels: Tensor) -> Tensor:
    """c[i] of Eq. 4: the nearest of the seven classes -3..3 (half to even). [B] -> [B]."""
    return labels.clamp(-3, 3).round()


def positives_and_negatives(classes: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """The conditions of S in Eq. 4. An anchor (a, i) is modality i of sample a.

    classes [B], present [B, M] -> bool: positives (b, j) [B, M, B M] have the anchor's class and
    another modality, b = a included; negatives (c, i) [B, M, B] have its modality and another
    class. A missing modality is neither, and has no positives as an anchor.
    """
    same_class = classes[:, None] == classes  # [B, B]
    other_modality = ~torch.eye(present.shape[1], dtype=torch.bool, device=present.device)
    pair = present[:, :, None, None] & present  # [B, M, B, M]
    positive = pair & same_class[:, None, :, None] & other_modality[:, None, :]
    negative = present.T & ~same_class[:, None, :]
    return positive.flatten(2), negative


def mean_hinge(near: Tensor, far: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Mean of max(0, f - n) over positives n and negatives f of the same anchor; 0 without any.

    near [..., P] and far [..., N], an anchor a row; positive and negative are bool of their shapes.
    A hinge above zero is a difference, so a row's hinges add up one number at a time:

        sum of max(0, f - n)  =  sum of f * #(n below f)  -  sum of n * #(f above n)

    Both counts are searches in a sorted row, and no positive is laid against a negative: memory
    P + N, not P N. f = n does not count; there the hinge is 0, and so is its gradient.
    """
    low = near.detach().masked_fill(~positive, math.inf)  # what is no positive is below nothing,
    high = far.detach().masked_fill(~negative, -math.inf)  # what is no negative above nothing
    below = torch.searchsorted(low.sort().values, high)  # [..., N]
    above = high.shape[-1] - torch.searchsorted(high.sort().values, low, right=True)  # [..., P]
    # Counts are exact, where running sums would want float64, which Apple's GPUs lack. Both sums
    # hold the same triplets: what is taken from both cancels, and numbers near 0 round least.
    middle = near.detach().mean(-1, keepdim=True)
    total = (below * (far - middle)).sum() - (above * (near - middle)).sum()
    return total / (positive.sum(-1) * negative.sum(-1)).sum().clamp(min=1)


def margin_loss(
    common: Tensor,
    labels: Tensor,
    margin: float,
    present: Tensor | None = None,
    by_distance: bool = False,
) -> Tensor:
    """Eq. 4, exactly its set S: 1/|S| sum of max(0, alpha - cos(x_i, x_j) + cos(x_i, x_k)).

    common [B, M, d] holds one pooled X_m^com for each sample and modality; labels [B];
    present [B, M] bool leaves missing modalities out of S, a label NaN its sample. Scalar, float32
    or wider; 0, with gradient 0, when S is empty. `by_distance` asks for margin |y_i - y_k|
    between anchor and negative, as the released code does. S grows with B^3 M^2, memory with
    B^2 M^2.
    """
    if present is None:
        present = torch.ones(common.shape[:2], dtype=torch.bool, device=common.device)
    present = present & ~labels.isnan()[:, None]
    labels = labels.nan_to_num()
    unit = F.normalize(common, dim=-1, eps=1e-8)  # [B, M, d]
    cosine = torch.einsum("aid,bjd->aibj", unit, unit)  # [B, M, B, M]
    # bfloat16 skips whole numbers above 256, where counts go; float32 has them all up to 2^24.
    cosine = cosine.to(torch.promote_types(cosine.dtype, torch.float32))
    # A negative keeps the anchor's modality: the diagonal of the two modality axes.
    near, far = cosine.flatten(2), cosine.diagonal(dim1=1, dim2=3).transpose(1, 2)  # [B, M, B]
    if by_distance:  # the margin is one of anchor and negative, and moves with the negative
        margin = margin * (labels[:, None, None] - labels).abs().to(cosine.dtype)  # [B, 1, B]
    positive, negative = positives_and_negatives(sentiment_class(labels), present)
    return mean_hinge(near, far + margin, positive, negative)


def orthogonality_loss(
    common: Tensor, private: Tensor, mask: Tensor, kind: str = "squared"
) -> Tensor:
    """Eq. 5 for one modality: mean over real steps of a function of cos(common, private).

    common, private [B, T, d], mask [B, T] -> scalar. kind: "squared", "signed" or "hinge".
    Raises ValueError for another kind.
    """
    if kind not in ORTHOGONALITY:
        raise ValueError(f"kind: one of {', '.join(ORTHOGONALITY)}, got {kind!r}")
    cosine = F.cosine_similarity(common, private, dim=-1)  # [B, T]
    return masked_mean(ORTHOGONALITY[kind](cosine), mask).mean()


def task_error(
    prediction: Tensor, units: Sequence[GDOutput], present: Tensor, batch: Batch
) -> Tensor:
    """Mean absolute error of the fused prediction and of every GD-Unit logit, summed.

    prediction [B], present [B, M] -> scalar. The logits are trained on the labels too, so that a
    distilled logit means something. A missing modality's logit does not count, nor a sample
    without a label.
    """
    error = labelled_mean((prediction - batch.targets).abs(), batch)
    for unit in units:
        unimodal = (unit.logits - batch.targets[:, None]).abs() * present  # [B, M]
        error = error + labelled_mean(unimodal.sum(1), batch)
    return error


@dataclass
class DMDOutput:
    """Everything one forward pass makes; dictionaries are by modality name."""

    prediction: Tensor  # [B] sentiment
    shallow: dict[str, Tensor]  # X~_m            [B, T_m, d]
    common: dict[str, Tensor]  # X_m^com         [B, T_m, d]
    private: dict[str, Tensor]  # X_m^prt         [B, T_m, d]
    decoded: dict[str, Tensor]  # D_m([com, prt]) [B, T_m, d]
    reencoded: dict[str, Tensor]  # E_prt(D_m(...)) [B, T_m, d]
    reinforced: dict[str, Tensor]  # Z_->m^prt       [B, T_m, (M-1) d], or private if it is off
    pooled: Tensor  # [B, M, d] means of X_m^com over time: what HomoGD reads
    memory: Tensor  # [B, M, width] read-outs of Z_->m^prt: what HeteroGD reads
    homo: GDOutput
    hetero: GDOutput
    present: Tensor  # [B, M] bool, False: a missing modality
    config: DMDConfig
    terms: Mapping[str, Term] = field(default_factory=lambda: TERMS)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Every loss by name, and their weighted sum "total" (Eq. 11)."""
        return objective(self, batch)


Term = Callable[[DMDOutput, Batch], Tensor]  # a loss of the objective, unweighted


def task_loss(output: DMDOutput, batch: Batch) -> Tensor:
    """`task_error` of DMD's prediction and of both its GD-Units."""
    units = (output.homo, output.hetero)
    return task_error(output.prediction, units, output.present, batch)


def reconstruction_term(output: DMDOutput, batch: Batch) -> Tensor:
    """Eq. 2, summed over modalities."""
    pairs = output.shallow.items()
    return sum(reconstruction_loss(x, output.decoded[m], batch.masks[m]) for m, x in pairs)


def cycle_term(output: DMDOutput, batch: Batch) -> Tensor:
    """Eq. 3, summed over modalities."""
    pairs = output.private.items()
    return sum(cycle_loss(x, output.reencoded[m], batch.masks[m]) for m, x in pairs)


def margin_term(output: DMDOutput, batch: Batch) -> Tensor:
    """Eq. 4."""
    c = output.config
    return margin_loss(output.pooled, batch.labels, c.margin, output.present, c.margin_by_distance)


def orthogonality_term(output: DMDOutput, batch: Batch) -> Tensor:
    """Eq. 5, summed over modalities."""
    kind, pairs = output.config.orthogonality, output.common.items()
    return sum(orthogonality_loss(x, output.private[m], batch.masks[m], kind) for m, x in pairs)


TERMS: dict[str, Term] = {
    "task": task_loss,
    "rec": reconstruction_term,
    "cyc": cycle_term,
    "mar": margin_term,
    "ort": orthogonality_term,
    "homo": lambda output, batch: output.homo.loss,
    "hetero": lambda output, batch: output.hetero.loss,
}


def objective(output: DMDOutput, batch: Batch) -> dict[str, Tensor]:
    """Eq. 6 and 11: every term by name, unweighted, and their weighted sum as "total".

    total = task + lambda_1 (rec + cyc + gamma (mar + ort)) + lambda_2 (homo + hetero)

    A part that the configuration leaves out is still reported, and weighs nothing. What a term
    is, a model says in `terms`.
    """
    c = output.config
    terms = {name: term(output, batch) for name, term in output.terms.items()}
    decoupling = terms["rec"] + terms["cyc"] + c.gamma * (terms["mar"] + terms["ort"])
    distillation = c.homo_gd * terms["homo"] + c.hetero_gd * terms["hetero"]
    terms["total"] = (
        terms["task"] + c.decoupling * c.lambda_dec * decoupling + c.lambda_ddl * distillation
    )
    return terms
