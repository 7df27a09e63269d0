"""What a trained system shows on test samples: numbers, tensors for figures (Chapter 10)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..base import SentimentModel
from ..data.dataset import MultimodalDataset
from ..data.masks import masked_mean
from ..evaluation import forward_all
from ..gd_unit import discrepancy
from ..metrics import sentiment_metrics

UNITS = ("homo", "hetero")
CODES = ("common", "private", "reinforced")
UNIMODAL = ("acc2", "f1", "mae", "corr")


def measured(model: SentimentModel, dataset: MultimodalDataset) -> dict[str, Tensor]:
    """By sample, in stored order, as far as the model has them, on the CPU:

    prediction [N], labels [N], present [N, M]; of each GD-Unit, UNIT_logits [N, M] and
    UNIT_weights [N, M, M]; and the codes of CODES, averaged over real steps, [N, M, width].
    """
    parts: dict[str, list[Tensor]] = {}
    for batch, output in forward_all(model, dataset):
        found = {"prediction": output.prediction, "labels": batch.labels, "present": batch.present}
        for name in UNITS:
            unit = getattr(output, name, None)
            if unit is not None:
                found |= {f"{name}_logits": unit.logits, f"{name}_weights": unit.weights}
        for name in CODES:
            codes = getattr(output, name, None)
            if codes is not None:
                pooled = [masked_mean(x, batch.masks[m]) for m, x in codes.items()]
                found[name] = torch.stack(pooled, dim=1)  # [B, M, width]
        for name, value in found.items():
            kept = value.float() if value.is_floating_point() else value
            parts.setdefault(name, []).append(kept.cpu())
    return {name: torch.cat(values) for name, values in parts.items()}


def scores(outputs: dict[str, Tensor], modalities: tuple[str, ...]) -> dict[str, float]:
    """Every number of one row: the metrics, and by GD-Unit those of each modality's logit
    (`homo_vision_acc2`, on the samples that have it) and the mean weight of each edge
    (`homo_edge_language_vision`) and gap of the logits (`homo_gap`), over the samples that have
    all; and what ridge regression reads from each common code (`probe_vision_acc2`)."""
    labels, present = outputs["labels"], outputs["present"]
    row = sentiment_metrics(outputs["prediction"], labels)
    complete = present.all(1)
    for unit in UNITS:
        if f"{unit}_logits" not in outputs:
            continue
        weights = outputs[f"{unit}_weights"][complete].mean(0)
        edges = ~torch.eye(len(modalities), dtype=torch.bool)
        gaps = discrepancy(outputs[f"{unit}_logits"][complete])[:, edges]
        row[f"{unit}_gap"] = float(gaps.mean())
        row |= own_scores(outputs, unit, modalities)
        for i, m in enumerate(modalities):
            for j, other in enumerate(modalities):
                if i != j and complete.any():
                    row[f"{unit}_edge_{m}_{other}"] = float(weights[i, j])
    for i, m in enumerate(modalities if "common" in outputs else ()):
        row[f"probe_{m}_acc2"] = probed(outputs["common"][present[:, i], i], labels[present[:, i]])
    return row


def own_scores(
    outputs: dict[str, Tensor], unit: str, modalities: tuple[str, ...]
) -> dict[str, float]:
    """Of each modality's logit in a GD-Unit, on the samples that have the modality:
    `homo_vision_corr` and the others of UNIMODAL. Nothing for a model without the unit."""
    row: dict[str, float] = {}
    for i, m in enumerate(modalities if f"{unit}_logits" in outputs else ()):
        has = outputs["present"][:, i]
        if has.any():
            alone = sentiment_metrics(outputs[f"{unit}_logits"][has, i], outputs["labels"][has])
            row |= {f"{unit}_{m}_{k}": alone[k] for k in UNIMODAL}
    return row


def probed(codes: Tensor, labels: Tensor) -> float:
    """acc2 of ridge regression from codes [n, width] to labels [n], out of five folds; NaN for
    fewer than five samples."""
    if len(labels) < 5:
        return float("nan")
    from sklearn.linear_model import RidgeCV  # half a second
    from sklearn.model_selection import KFold, cross_val_predict

    probe = RidgeCV(np.logspace(-3, 4, 15))
    folds = KFold(5, shuffle=True, random_state=0)
    return sentiment_metrics(cross_val_predict(probe, codes, labels, cv=folds), labels)["acc2"]
