"""Samples without a label: left out of a loss, mixed in, hidden for a trial (Chapter 14)."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from ..errors import ConfigError
from .batch import Batch
from .dataset import MultimodalDataset


def labelled_mean(error: Tensor, batch: Batch) -> Tensor:
    """Mean of an error [B] over the samples that have a label; 0, with gradient 0, without any.

    The error is one from `batch.targets`, so that it is finite where there is no label. A batch
    that is part of a whole knows the whole's labelled share s (`batch.labelled_share`): its loss
    is the sum over its labelled samples / (s B), and the losses of equal parts have the whole's
    as their mean, however the labels fall.
    """
    known = ~batch.labels.isnan()  # [B]
    share = batch.labelled_share
    if share is None:
        share = known.float().mean().clamp(min=1 / len(known))
    return torch.where(known, error, 0).mean() / share


def epoch_order(labelled: Tensor, share: float | None, seed: int, epoch: int) -> Tensor:
    """Places of an epoch's samples in order: a shuffle that depends on seed and epoch alone.

    labelled [N] bool -> [n] int64. Where some lack a label, both kinds are shuffled and then
    spread evenly: any stretch has its part of the labelled ones, to a sample. Each sample comes
    once; with `share` the labelled ones are repeated, in full rounds, until they are at least
    that share of all. A batch with one labelled sample has no triplets: its margin loss is 0.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    if labelled.all():
        return torch.randperm(len(labelled), generator=generator)
    kinds = []
    for kind, rounds in ((labelled, label_rounds(labelled, share)), (~labelled, 1)):
        places = kind.nonzero().squeeze(1)
        turns = [torch.randperm(len(places), generator=generator) for _ in range(rounds)]
        kinds.append(places[torch.cat(turns)])
    # The k-th of K lies at (k + 1/2) / K of the way.
    at = torch.cat([(torch.arange(len(k), dtype=torch.float64) + 0.5) / len(k) for k in kinds])
    return torch.cat(kinds)[at.argsort(stable=True)]


def label_rounds(labelled: Tensor, share: float | None) -> int:
    """How often an epoch goes through the labelled samples [N] bool, to be `share` of all."""
    known, unknown = int(labelled.sum()), int((~labelled).sum())
    rounds = (share or 0) / (1 - (share or 0)) * unknown / known
    return max(1, math.ceil(rounds - 1e-9))  # not one more for a rounding error


def hide_labels(dataset: MultimodalDataset, keep: int, seed: int) -> MultimodalDataset:
    """The data set with the labels of `keep` samples; the others' are NaN.

    Which, the seed decides: those kept with a smaller number are among those of a larger. The
    factor "hidden" [N] keeps them all. Raises ConfigError when there are fewer.
    """
    known = dataset.labelled.nonzero().squeeze(1)
    if not 0 < keep <= len(known):
        raise ConfigError(f"labelled: from 1 to the {len(known)} labels of train, got {keep}")
    order = torch.randperm(len(known), generator=torch.Generator().manual_seed(seed))
    labels = torch.full_like(dataset.labels, torch.nan)
    labels[known[order[:keep]]] = dataset.labels[known[order[:keep]]]
    return replace(dataset, labels=labels, factors=dataset.factors | {"hidden": dataset.labels})
