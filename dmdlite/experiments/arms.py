"""Who is compared on the map: HomoGD under other graphs, other teachers (Chapter 14).

Every arm is DMD with one term exchanged, most with what its common codes' logits are pulled to;
and one that loses whole modalities in training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from ..config import DMDConfig
from ..data.dataset import Batch
from ..losses import TERMS
from ..model import DMD, DMDOutput

Graph = Callable[[DMDOutput, Batch], Tensor]  # weights [B, M, M], 0 where there is no edge


def edges(output: DMDOutput) -> Tensor:
    """[B, M, M] bool: both ends are there, and differ."""
    present, m = output.present, output.present.shape[1]
    apart = ~torch.eye(m, dtype=torch.bool, device=present.device)
    return present[:, :, None] & present[:, None, :] & apart


def normalised(weights: Tensor) -> Tensor:
    """A graph whose weights sum to one, or a graph without weight."""
    return weights / weights.sum((1, 2), keepdim=True).clamp(min=1e-12)


def one_teacher(output: DMDOutput, teacher: Tensor) -> Tensor:
    """The graph of a clip in which this modality alone teaches. teacher [B] -> [B, M, M]."""
    chosen = nn.functional.one_hot(teacher, output.present.shape[1])  # [B, M]
    return normalised((chosen[:, :, None] * edges(output)).float())


def uniform(output: DMDOutput, batch: Batch) -> Tensor:
    """Every edge alike."""
    return normalised(edges(output).float())


def from_first(output: DMDOutput, batch: Batch) -> Tensor:
    """The first modality (language) teaches all others; where it is missing, nobody does."""
    return one_teacher(output, torch.zeros_like(batch.targets, dtype=torch.int64))


def of_another_clip(output: DMDOutput, batch: Batch) -> Tensor:
    """HomoGD's loss along the learned weights, dealt out to the wrong clips: each has those of the
    clip before. The weights are learned as ever, from their own clips' gaps."""
    gaps, weights = output.homo.discrepancy, output.homo.weights
    dealt = normalised(weights.roll(1, 0) * edges(output)).detach()
    learned = (weights * gaps.detach()).sum((1, 2))  # moves the weights alone; adds 0
    return ((dealt * gaps).sum((1, 2)) + learned - learned.detach()).mean()


def best_teaches(output: DMDOutput, batch: Batch) -> Tensor:
    """The oracle: the modality whose own estimate of this clip is best teaches the others. It is
    told every label, also those that training does not see (the factor "hidden")."""
    truth = batch.factors.get("hidden", batch.labels)
    error = (output.homo.logits - truth[:, None]).abs().detach()
    return one_teacher(output, error.masked_fill(~output.present, torch.inf).argmin(1))


def along(graph: Graph) -> Callable[[DMDOutput, Batch], Tensor]:
    """HomoGD's loss (Eq. 9) along this graph instead of the learned one."""

    def distilled(output: DMDOutput, batch: Batch) -> Tensor:
        return (graph(output, batch) * output.homo.discrepancy).sum((1, 2)).mean()

    return distilled


def taught_by_fusion(output: DMDOutput, batch: Batch) -> Tensor:
    """Every modality's logit learns from the fused prediction, as from a label."""
    error = (output.homo.logits - output.prediction.detach()[:, None]).abs() * output.present
    return error.sum(1).mean() / output.present.shape[1]


class WhoErrsLessTeaches(DMD):
    """Ours, not the paper's: a modality teaches those whose logits err more on the labelled clips
    of late (about the last fifty steps), and by as much as they err more. So the weights are read
    off labels, not learned from the gaps, and the best teacher has no edge that pulls at it."""

    def __init__(self, config: DMDConfig):
        super().__init__(config)
        self.register_buffer("errors", torch.zeros(2, config.num_modalities))  # sum, and of what
        self.terms = TERMS | {"homo": self.taught}

    def taught(self, output: DMDOutput, batch: Batch) -> Tensor:
        if self.training:
            known = output.present & ~batch.labels.isnan()[:, None]  # [B, M]
            error = (output.homo.logits.detach() - batch.targets[:, None]).abs() * known
            self.errors.mul_(0.98).add_(torch.stack([error.sum(0), known.sum(0)]))
        mean = self.errors[0] / self.errors[1].clamp(min=1e-12)  # [M]
        ahead = (mean[None, :] - mean[:, None]).clamp(
            min=0
        )  # of a student's error over a teacher's
        weights = normalised(ahead * edges(output))
        return (weights * output.homo.discrepancy).sum((1, 2)).mean()


class ModalityDropout(DMD):
    """DMD that in training loses each modality of a clip with probability 0.2, never all."""

    def forward(self, batch: Batch) -> DMDOutput:
        return super().forward(dropped(batch, 0.2) if self.training else batch)


def dropped(batch: Batch, rate: float) -> Batch:
    """The batch without some modalities; a clip that would have none keeps what it has."""
    kept = batch.present & (torch.rand(batch.present.shape, device=batch.labels.device) >= rate)
    kept = torch.where(kept.any(1, keepdim=True), kept, batch.present)  # [B, M]
    masks = {m: x & kept[:, [i]] for i, (m, x) in enumerate(batch.masks.items())}
    features = {m: x * masks[m][..., None] for m, x in batch.features.items()}
    return replace(batch, features=features, masks=masks, counted=None)


def exchanged(**terms: Callable[[DMDOutput, Batch], Tensor]) -> type[DMD]:
    """DMD with these terms of its objective exchanged."""
    return type("DMDExchanged", (DMD,), {"terms": TERMS | terms})


KINDS: dict[str, type[DMD]] = {
    "uniform graph": exchanged(homo=along(uniform)),
    "language teaches": exchanged(homo=along(from_first)),
    "another clip's graph": exchanged(homo=of_another_clip),
    "best teaches": exchanged(homo=along(best_teaches)),
    "fusion teaches": exchanged(homo=taught_by_fusion),
    "who errs less teaches": WhoErrsLessTeaches,
    "no margin": exchanged(mar=lambda output, _: output.pooled.sum() * 0),
    "modality dropout": ModalityDropout,
}
