"""What a GD-Unit's options do: normalisation per target, the prior, missing modalities."""

from __future__ import annotations

import torch
from torch import nn

from . import brute_force
from .building import (
    BATCH,
    close,
    features,
    make,
    off_diagonal,
    parameters_of_g,
    same_gradient,
    share_parameters,
)

PRIOR = torch.tensor([[0.0, 0.5, 0.2], [0.1, 0.0, 0.0], [0.2, 0.0, 0.0]])  # sums to one
STRENGTH = 10.0  # of the prior's regulariser
ONE_MISSING = torch.tensor([[1, 1, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1]]).bool()


def per_target(unit_class: type[nn.Module]) -> None:
    plain, unit, x = make(unit_class), make(unit_class, normalize="target"), features()
    share_parameters(plain, unit)
    z, weights, _, loss = unit(x)
    what = 'with normalize="target"'
    close(weights.sum(1), torch.ones(BATCH, 3), f"sum of a student's weights {what}")
    graph = plain(x)[1]
    close(weights, graph / graph.sum(1, keepdim=True), f"weights {what}: a softmax over teachers")
    close(loss, brute_force.loss(z, weights), f"loss {what}, against loops")


def prior(unit_class: type[nn.Module]) -> None:
    plain, unit = make(unit_class), make(unit_class, prior=PRIOR.clone())
    share_parameters(plain, unit)
    same = len(list(plain.parameters())) == len(list(unit.parameters()))
    assert same, "expected as many parameters with a prior as without: it is given, not learned"
    x = features()
    learned, out = plain(x)[1].detach(), unit(x)
    close(out[1], (learned + PRIOR) / 2, "weights with a prior: half learned, half prior")
    scaled = make(unit_class, prior=3 * PRIOR)
    share_parameters(plain, scaled)
    close(scaled(x)[1], out[1], "weights with a prior three times as large, which is scaled")
    pull = STRENGTH * (learned.mean(0) - PRIOR).square().sum()
    expected = brute_force.loss(out[0], out[1]) + pull
    close(out[3], expected, "loss with a prior: Eq. 9 + 10 |mean learned weights - prior|^2")
    z, weights, eps, loss = out
    if weights.requires_grad:
        pull = (
            STRENGTH * (2 * weights - PRIOR - PRIOR).mean(0).square().sum()
        )  # of the learned half
        value = (weights * eps.detach()).sum((1, 2)).mean() + pull
        same_gradient(loss, value, parameters_of_g(unit, z), "that of Eq. 9 and of the pull")


def prior_of_those_there(unit_class: type[nn.Module]) -> None:
    weights = make(unit_class, prior=PRIOR.clone())(features(), ONE_MISSING.clone())[1]
    _only_present(weights, ONE_MISSING, "weights with a prior")


def _edges(present: torch.Tensor) -> torch.Tensor:
    """[B, M] -> [B, M, M] bool: the edges whose two ends are there."""
    return present[:, :, None] & present[:, None, :] & off_diagonal(3)


def _only_present(weights: torch.Tensor, present: torch.Tensor, what: str) -> None:
    """Weight only where both ends are there, and all of it where any edge is."""
    pairs = _edges(present)
    worst = weights[~pairs].abs().max()
    assert worst == 0, f"{what} of edges at a missing modality: expected 0, got {worst:.4f}"
    close(weights.sum((1, 2)), pairs.any(2).any(1).float(), f"{what}: sum of those that are left")


def missing_modality(unit_class: type[nn.Module]) -> None:
    present = torch.tensor([[1, 1, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 0]]).bool()
    unit, x, given = make(unit_class), features(), present.clone()
    zeros = (x * present[..., None]).requires_grad_()
    loss = unit(zeros, given)[3]
    assert torch.isfinite(loss), f"loss: expected a finite number, got {loss}"
    loss.backward()
    grads = [p.grad for p in [zeros, *unit.parameters()] if p.grad is not None]
    assert all(torch.isfinite(g).all() for g in grads), "expected finite gradients, got NaN or inf"
    # What stands where a modality is missing must not matter: here it is as large as the rest.
    z, weights, eps, loss = unit(x, given)
    assert torch.equal(given, present), "expected `present` as it was, but the call changed it"
    _only_present(weights, present, "weights")
    pairs = _edges(present)
    whole = unit(x, torch.ones_like(present))[1]
    close(unit(x)[1], whole, "weights without `present`, against all modalities there")
    close(eps * pairs, brute_force.gaps(z) * pairs, "discrepancy of the edges that are left")
    expected = brute_force.loss(z, weights)
    close(loss, expected, "loss with missing modalities, against loops")


def softmax_of_those_there(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class), features()
    kept = unit(x)[1] * _edges(ONE_MISSING)
    expected = kept / kept.sum((1, 2), keepdim=True)
    found = unit(x, ONE_MISSING.clone())[1]
    close(found, expected, "weights, against a softmax over the edges that are left")
