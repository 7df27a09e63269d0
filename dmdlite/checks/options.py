"""What a GD-Unit's options do: normalisation per target, the prior, missing modalities."""

from __future__ import annotations

import torch
from torch import nn

from . import brute_force
from .building import BATCH, close, features, make, off_diagonal

PRIOR = torch.tensor([[0.0, 0.5, 0.2], [0.1, 0.0, 0.0], [0.2, 0.0, 0.0]])  # sums to one
STRENGTH = 10.0  # of the prior's regulariser


def per_target(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class, normalize="target"), features()
    weights = unit(x)[1]
    close(weights.sum(1), torch.ones(BATCH, 3), 'sum of a student\'s weights, normalize="target"')


def _pair(unit_class: type[nn.Module], prior: torch.Tensor) -> tuple[nn.Module, nn.Module]:
    """The same unit without and with a prior."""
    plain, unit = make(unit_class), make(unit_class, prior=prior)
    unit.load_state_dict(plain.state_dict(), strict=False)
    return plain, unit


def prior(unit_class: type[nn.Module]) -> None:
    plain, unit = _pair(unit_class, PRIOR)
    x = features()
    learned, out = plain(x)[1].detach(), unit(x)
    close(out[1], (learned + PRIOR) / 2, "weights with a prior: half learned, half prior")
    scaled = make(unit_class, prior=3 * PRIOR)
    close(scaled(x)[1], out[1], "weights with a prior three times as large, which is scaled")
    pull = STRENGTH * (learned.mean(0) - PRIOR).square().sum()
    expected = brute_force.loss(out[0], out[1]) + pull
    close(out[3], expected, "loss with a prior: Eq. 9 + 10 |mean learned weights - prior|^2")


def missing_modality(unit_class: type[nn.Module]) -> None:
    present = torch.tensor([[1, 1, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 0]]).bool()
    unit, x = make(unit_class), features()
    x = (x * present[..., None]).requires_grad_()
    z, weights, eps, loss = unit(x, present)
    assert torch.isfinite(loss), f"loss: expected a finite number, got {loss}"
    loss.backward()
    grads = [p.grad for p in [x, *unit.parameters()] if p.grad is not None]
    assert all(torch.isfinite(g).all() for g in grads), "expected finite gradients, got NaN or inf"
    pairs = present[:, :, None] & present[:, None, :] & off_diagonal(3)
    worst = weights[~pairs].abs().max()
    assert worst == 0, f"weights of edges at a missing modality: expected 0, got {worst:.4f}"
    some = pairs.any(2).any(1).float()
    close(weights.sum((1, 2)), some, "sum of the weights that are left")
    close(eps * pairs, brute_force.gaps(z) * pairs, "discrepancy of the edges that are left")
    expected = torch.tensor(brute_force.loss(z, weights))
    close(loss, expected, "loss with missing modalities, against loops")
    whole = unit(x.detach())[1]
    close(unit(x.detach(), torch.ones_like(present))[1], whole, "weights with all modalities there")
