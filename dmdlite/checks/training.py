"""Who learns in a GD-Unit: where gradients go, and where they must not."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from .building import (
    OUTPUT,
    close,
    features,
    gradient,
    layers_of_eq_8,
    make,
    parameters_of_f,
    parameters_of_g,
    same_gradient,
    share_parameters,
)


def registered(unit_class: type[nn.Module]) -> None:
    """Two units, made from other random numbers, are one when they share their parameters."""
    first, second = make(unit_class), make(unit_class, seed=100)
    share_parameters(first, second)
    x = features()
    for name, a, b in zip(OUTPUT, first(x), second(x), strict=True):
        close(b, a, f"{name} of another unit with the same parameters (a layer outside them?)")


def students_only(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class), features().requires_grad_()
    eps = unit(x)[2]
    for i in range(3):
        for j in range(3):
            if i != j:
                found = gradient(eps[:, i, j].sum(), x)
                moved = [k for k in range(3) if found[:, k].abs().max() > 0]
                assert moved == [j], (
                    f"edge {i} -> {j}: expected its gradient to reach the student, "
                    f"modality {j}, alone; got modalities {moved}"
                )


def loss_moves_students(unit_class: type[nn.Module]) -> None:
    """The loss's own gradient: sum over i of w_ij sign(z_j - z_i) in front of dz_j, for the
    features and for f's parameters."""
    unit, x = make(unit_class), features().requires_grad_()
    z, weights, _, loss = unit(x)
    sign = (z[:, None, :] - z[:, :, None]).sign()
    pull = (weights * sign).sum(1).detach() / len(x)  # [B, M]
    wanted = {"features": x, **parameters_of_f(unit, z)}
    what = "sum_i w_ij sign(z_j - z_i) dz_j, mean over the batch"
    same_gradient(loss, (z * pull).sum(), wanted, what)


def graph_not_bent(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class), features().requires_grad_()
    z, weights, _, _ = unit(x)
    for name, wanted in {"the features": x, **parameters_of_f(unit, z)}.items():
        worst = gradient(weights.square().sum(), wanted).abs().max()
        assert worst == 0, (
            f"weights: expected no gradient to {name} (g reads features and logits detached), "
            f"got one of size {worst:.4f}"
        )


def edge_function_learns(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class), features()
    z, weights, eps, loss = unit(x)
    of_g = parameters_of_g(unit, z)
    reached = [name for name, p in of_g.items() if gradient(loss, p).abs().max() > 0]
    assert reached, "expected the loss to train g, but no gradient of it reaches g's parameters"
    if layers_of_eq_8(unit):
        idle = {n for n in ("node.weight", "edge.weight") if n not in reached and used(unit, x, n)}
        assert not idle, f"expected the loss to train node and edge, but it does not reach {idle}"
    if weights.requires_grad:  # they may come back detached
        same_gradient(
            loss, (weights * eps.detach()).sum((1, 2)).mean(), of_g, "that of sum w |gap|"
        )


def used(unit: nn.Module, x: Tensor, name: str) -> bool:
    """Whether the weights depend on a parameter; a g of one's own may leave a layer aside."""
    other = copy.deepcopy(unit)
    with torch.no_grad():
        other.get_parameter(name).mul_(-2)
    return not torch.allclose(unit(x)[1], other(x)[1])


def logits_learn(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class), features()
    reached = parameters_of_f(unit, unit(x)[0])
    assert reached, "expected a task loss on the logits to train f, but it reaches no parameter"
