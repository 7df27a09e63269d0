"""What a trained model says of a data set: outputs, predictions, scores (Sec. 4, Chapter 9)."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .data.dataset import Batch, MultimodalDataset, check_labels
from .errors import DataError
from .metrics import floors, sentiment_metrics


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode, and in the modes it was in when the block ends."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def forward_all(
    model: nn.Module, dataset: MultimodalDataset, batch_size: int = 128
) -> Iterator[tuple[Batch, object]]:
    """(batch, output) over a data set in stored order, in evaluation mode, without gradients.

    What the caller does between two batches runs in the caller's own modes, and the model's.
    """
    device = next(model.parameters()).device
    for batch in dataset.batches(batch_size):
        batch = batch.to(device)
        with evaluating(model), torch.no_grad():
            output = model(batch)
        yield batch, output


def validate(model: nn.Module, dataset: MultimodalDataset, batch_size: int) -> dict[str, float]:
    """Every loss, and "mae" and "acc2": NaN where the total loss is not finite."""
    sums, predictions = defaultdict(float), []
    with evaluating(model):  # losses, too, may have dropout
        for batch, output in forward_all(model, dataset, batch_size):
            predictions.append(output.prediction.float().cpu())
            with torch.no_grad():
                losses = output.losses(batch)
            for name, value in losses.items():
                sums[name] += value.item() * len(batch)
    losses = {name: value / len(dataset) for name, value in sums.items()}
    if not math.isfinite(losses["total"]):
        return losses | {"mae": math.nan, "acc2": math.nan}
    scores = sentiment_metrics(torch.cat(predictions), dataset.labels.cpu())
    return losses | {"mae": scores["mae"], "acc2": scores["acc2"]}


def predict(model: nn.Module, dataset: MultimodalDataset) -> Tensor:
    """Predicted sentiment of every sample, in stored order: [N] float32 on the CPU.

    Raises DataError when the features are not on the scale that the model was trained on, or not
    aligned as they were.
    """
    if (check := getattr(model, "check_data", None)) is not None:  # also of a compiled one
        check(dataset)
    outputs = forward_all(model, dataset)
    return torch.cat([output.prediction.float().cpu() for _, output in outputs])


def evaluate(
    model: nn.Module, dataset: MultimodalDataset, reference: MultimodalDataset | None = None
) -> dict:
    """`sentiment_metrics` of the model on a data set, and "floors", the same for a constant.

    The constant is chosen on `reference` (the training split, say), by default on `dataset`.
    Raises DataError when the data set is empty, lacks labels or has others than from -3 to 3, and
    as `predict`.
    """
    if not len(dataset):
        raise DataError(f"{dataset.name}: no samples to evaluate on")
    if without := int((~dataset.labelled).sum()):
        raise DataError(
            f"{dataset.name}: {without} of {len(dataset)} samples lack a label; predict them"
        )
    check_labels(dataset)
    labels = dataset.labels.cpu()
    scores = sentiment_metrics(predict(model, dataset), labels)
    floor = floors(labels, None if reference is None else reference.labels.cpu())
    return {**scores, "floors": floor}


def scored(model: nn.Module, splits: dict[str, MultimodalDataset]) -> dict[str, dict]:
    """`evaluate` on valid and on test, where they are labelled."""
    there = [s for s in ("valid", "test") if len(splits.get(s, ())) and splits[s].labelled.all()]
    return {split: evaluate(model, splits[split], splits["train"]) for split in there}
