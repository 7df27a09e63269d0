"""The losses, in the order of the paper (Eq. 2-6 and 11, Chapters 4, 5 and 8).

Every term but the margin loss is a mean over samples, and a sample's own value is a mean over
its real steps. So a batch of 2B has the mean loss of its two halves, which is what data-parallel
training assumes. Triplets of the margin loss live inside one batch and do not add up that way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import DMDConfig
from .data import Batch
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


def margin_loss(
    common: Tensor,
    labels: Tensor,
    margin: float,
    present: Tensor | None = None,
    by_distance: bool = False,
) -> Tensor:
    """Eq. 4, exactly its set S, without a loop.

    common [B, M, d] holds one pooled X_m^com for each sample and modality; labels [B];
    present [B, M] bool leaves missing modalities out of S. An anchor (a, i) is modality i of
    sample a. Its positives (b, j) have its class and another modality, a = b included; its
    negatives (c, i) have its modality and another class. Scalar; 0, with gradient 0, when S is
    empty. `by_distance` asks for margin |y_i - y_k| between anchor and negative, as the released
    code does. Takes memory B^3 M^2.
    """
    batch, modalities, _ = common.shape
    if present is None:
        present = torch.ones(batch, modalities, dtype=torch.bool, device=common.device)
    unit = F.normalize(common, dim=-1, eps=1e-8)  # [B, M, d]
    cosine = torch.einsum("aid,bjd->aibj", unit, unit)  # [B, M, B, M]
    classes = sentiment_class(labels)
    same_class = classes[:, None] == classes[None, :]  # [B, B]
    other_modality = ~torch.eye(modalities, dtype=torch.bool, device=common.device)  # [M, M]
    pair = present[:, :, None, None] & present  # [B, M, B, M]
    positive = pair & same_class[:, None, :, None] & other_modality[:, None, :]  # [B, M, B, M]
    negative = pair & ~same_class[:, None, :, None]  # [B, M, B, M]
    # A negative keeps the anchor's modality: the diagonal of the two modality axes.
    negative = negative.diagonal(dim1=1, dim2=3).transpose(1, 2)  # [B, M, B]
    negative_cosine = cosine.diagonal(dim1=1, dim2=3).transpose(1, 2)  # [B, M, B]
    triplets = positive.flatten(2)[..., None] & negative[:, :, None, :]  # [B, M, B*M, B]
    if by_distance:
        margin = margin * (labels[:, None] - labels).abs()[:, None, None, :]  # [B, 1, 1, B]
    hinge = F.relu(margin - cosine.flatten(2)[..., None] + negative_cosine[:, :, None, :])
    return (hinge * triplets).sum() / triplets.sum().clamp(min=1)


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
    prediction: Tensor, units: Sequence[GDOutput], present: Tensor, labels: Tensor
) -> Tensor:
    """Mean absolute error of the fused prediction and of every GD-Unit logit, summed.

    prediction [B], present [B, M], labels [B] -> scalar. The logits are trained on the labels too,
    so that a distilled logit means something. A missing modality's logit does not count.
    """
    error = (prediction - labels).abs().mean()
    for unit in units:
        unimodal = (unit.logits - labels[:, None]).abs() * present  # [B, M]
        error = error + unimodal.sum(1).mean()
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


def task_loss(output: DMDOutput, labels: Tensor) -> Tensor:
    """`task_error` of DMD's prediction and of both its GD-Units."""
    units = (output.homo, output.hetero)
    return task_error(output.prediction, units, output.present, labels)


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
    "task": lambda output, batch: task_loss(output, batch.labels),
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
