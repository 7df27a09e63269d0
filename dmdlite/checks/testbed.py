"""A small, fast place to try a GD-Unit: DMD with everything else taken away.

Features are averaged over time and each modality passes through one layer of its own. The unit
reads the layers' outputs, and so does one linear head that predicts. A run takes a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data.dataset import MultimodalDataset
from ..data.scaling import standardize, time_pooled
from ..devices import seed_everything
from ..metrics import floors

FEATURE_DIM, BATCH = 16, 100


@dataclass(frozen=True)
class Trial:
    """What a unit reached after training."""

    mae: float  # of the head's prediction, on the test split
    floor: float  # MAE of the best constant there
    unimodal: Tensor  # [M] MAE of each modality's own logit, on the clips that have it
    weights: Tensor  # [n, M, M] on the n test clips that have all modalities
    unit: nn.Module  # as trained


class PooledModel(nn.Module):
    """Time averages [B, D_m] -> features [B, M, F] -> the unit, and the head."""

    def __init__(self, widths: tuple[int, ...], make_unit: Callable[..., nn.Module], seed: int):
        super().__init__()
        seed_everything(seed)
        self.layers = nn.ModuleList(nn.Linear(width, FEATURE_DIM) for width in widths)
        self.head = nn.Linear(len(widths) * FEATURE_DIM, 1)
        seed_everything(seed)  # the unit starts the same whatever the data's widths
        self.unit = make_unit(FEATURE_DIM, num_modalities=len(widths))

    def forward(self, pooled: list[Tensor], present: Tensor) -> tuple[Tensor, tuple]:
        """pooled: M of [B, D_m]; present [B, M] -> prediction [B], the unit's output."""
        x = [torch.relu(layer(x)) for layer, x in zip(self.layers, pooled, strict=True)]
        features = torch.stack(x, dim=1) * present[..., None]  # [B, M, F]
        return self.head(features.flatten(1)).squeeze(-1), self.unit(features, present)


def pooled(dataset: MultimodalDataset) -> tuple[list[Tensor], Tensor, Tensor]:
    """Time averages M of [N, D_m], present [N, M], labels [N]."""
    averages = [torch.from_numpy(time_pooled(dataset.select(m))) for m in dataset.modalities]
    return averages, dataset.present, dataset.labels


def try_unit(
    make_unit: Callable[..., nn.Module],
    splits: Mapping[str, MultimodalDataset],
    seed: int = 0,
    epochs: int = 30,
    distil: float = 0.1,
) -> Trial:
    """Train a unit on splits["train"] and measure it on splits["test"].

    make_unit  called as make_unit(feature_dim, num_modalities=M); the unit must take (features
               [B, M, F], present [B, M]) and return (logits, weights, discrepancy, loss)
    distil     weight of the unit's loss. The rest is the absolute error of the prediction and of
               every logit.

    The same seed gives the same numbers on the same machine. Two units with one seed share all
    random numbers but their own, so that they can be compared seed by seed.
    """
    train, test = standardize(splits["train"], splits["test"])
    data, (x_test, present, labels) = pooled(train), pooled(test)
    model = PooledModel(train.widths, make_unit, seed)
    order = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        for index in torch.randperm(len(train), generator=order).split(BATCH):
            loss = _loss(model, data, index, distil)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        prediction, (logits, weights, *_) = model.eval()(x_test, present)
    error = (logits - labels[:, None]).abs() * present
    return Trial(
        mae=float(F.l1_loss(prediction, labels)),
        floor=float(floors(labels)["mae"]),
        unimodal=error.sum(0) / present.sum(0),
        weights=weights[present.all(1)],
        unit=model.unit,
    )


def _loss(model: PooledModel, data: tuple, index: Tensor, distil: float) -> Tensor:
    averages, present, labels = data
    y, here = labels[index], present[index]
    prediction, (logits, _, _, unit_loss) = model([x[index] for x in averages], here)
    unimodal = ((logits - y[:, None]).abs() * here).sum(1).mean()
    return F.l1_loss(prediction, y) + unimodal + distil * unit_loss


def cost(make_unit: Callable[..., nn.Module], modalities: int = 3) -> tuple[int, int]:
    """A unit's number of parameters, and the floating-point operations that its matrix products
    take for a batch of 100 (counted, not timed: the same on every machine)."""
    unit = make_unit(FEATURE_DIM, num_modalities=modalities)
    count = getattr(type(unit), "remote_operations", counted_operations)  # a grader's stand-in
    found = count(unit, torch.zeros(BATCH, modalities, FEATURE_DIM))
    return sum(p.numel() for p in unit.parameters()), found


def counted_operations(unit: nn.Module, *inputs: Tensor) -> int:
    """The floating-point operations of the matrix products of one call."""
    from torch.utils.flop_counter import FlopCounterMode  # a third of a second

    bilinear = {torch.ops.aten._trilinear: _bilinear_operations}  # nn.Bilinear's
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=bilinear) as counter:
        unit(*inputs)
    return counter.get_total_flops()


def _bilinear_operations(first: tuple, weight: tuple, *_: object, **__: object) -> int:
    """Shapes [N, K] and [1, O, K, L] -> a product and a sum for every number of the weight, N
    times."""
    return 2 * first[0] * prod(weight)
