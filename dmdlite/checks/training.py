"""Who learns in a GD-Unit: where gradients go, and where they must not."""

from __future__ import annotations

import torch
from torch import nn

from .building import features, make


def _gradient(value: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """d value / d x, zeros where there is no path."""
    if not value.requires_grad:
        return torch.zeros_like(x)
    (found,) = torch.autograd.grad(value, x, retain_graph=True, allow_unused=True)
    return torch.zeros_like(x) if found is None else found


def students_only(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class), features().requires_grad_()
    eps = unit(x)[2]
    for i in range(3):
        for j in range(3):
            if i != j:
                found = _gradient(eps[:, i, j].sum(), x)
                moved = [k for k in range(3) if found[:, k].abs().max() > 0]
                assert moved == [j], (
                    f"edge {i} -> {j}: expected its gradient to reach the student, "
                    f"modality {j}, alone; got modalities {moved}"
                )


def loss_moves_students(unit_class: type[nn.Module]) -> None:
    """The loss's own gradient: sum over i of w_ij sign(z_j - z_i) in front of dz_j."""
    unit, x = make(unit_class), features().requires_grad_()
    z, weights, _, loss = unit(x)
    sign = (z[:, None, :] - z[:, :, None]).sign()
    pull = (weights * sign).sum(1).detach() / len(x)  # [B, M]
    (expected,) = torch.autograd.grad(z, x, pull, retain_graph=True)
    worst = (_gradient(loss, x) - expected).abs().max()
    assert worst < 1e-4, (
        "gradient of the loss: expected sum_i w_ij sign(z_j - z_i) for student j, "
        f"mean over the batch; got one that differs by {worst:.4f}"
    )


def graph_not_bent(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class), features().requires_grad_()
    worst = _gradient(unit(x)[1].square().sum(), x).abs().max()
    assert worst == 0, (
        "weights: expected no gradient to the features (g reads them detached), "
        f"got one of size {worst:.4f}"
    )


def edge_function_learns(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class), features()
    _, weights, _, loss = unit(x)
    parameters = list(unit.parameters())
    of_edges = [p for p in parameters if _gradient(weights.square().sum(), p).abs().max() > 0]
    assert of_edges, "expected weights with a gradient to g's parameters, got none"
    assert any(_gradient(loss, p).abs().max() > 0 for p in of_edges), (
        "expected the loss to train g, but no gradient of it reaches g's parameters"
    )


def logits_learn(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class), features()
    error = unit(x)[0].square().mean()  # a task loss: predict zero
    reached = [p for p in unit.parameters() if _gradient(error, p).abs().max() > 0]
    assert reached, "expected a task loss on the logits to train f, but it reaches no parameter"
