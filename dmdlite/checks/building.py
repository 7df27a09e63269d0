"""What the checks build and compare with."""

from __future__ import annotations

import inspect

import torch
from torch import Tensor, nn

FEATURES, BATCH = 6, 5
OUTPUT = ("logits", "weights", "discrepancy", "loss")


def make(unit_class: type[nn.Module], modalities: int = 3, seed: int = 0, **options) -> nn.Module:
    """A unit with seeded weights, moved away from where its constructor leaves them: a layer that
    starts at zero would hide faults, and hide what is right."""
    takes = inspect.signature(unit_class).parameters
    if "num_modalities" in takes or any(p.kind is p.VAR_KEYWORD for p in takes.values()):
        options["num_modalities"] = modalities
    torch.manual_seed(seed + modalities)
    try:
        unit = unit_class(FEATURES, **options)
    except TypeError as error:
        call = ", ".join([str(FEATURES), *(f"{name}=..." for name in options)])
        raise TypeError(f"called with ({call}): {error}") from error
    unit(features(modalities))  # layers that take their width from the first input do so now
    with torch.no_grad():
        for p in unit.parameters():
            p += 0.3 * torch.randn_like(p)
    return unit


def share_parameters(source: nn.Module, target: nn.Module) -> None:
    """Give `target` the parameters of `source` that it has by the same names."""
    theirs = dict(source.named_parameters())
    with torch.no_grad():
        for name, p in target.named_parameters():
            if name in theirs:
                p.copy_(theirs[name])


def gradient(value: Tensor, wanted: Tensor) -> Tensor:
    """d value / d wanted, zeros where there is no path."""
    if not (value.requires_grad and wanted.requires_grad):  # a unit may freeze some
        return torch.zeros_like(wanted)
    (found,) = torch.autograd.grad(value, wanted, retain_graph=True, allow_unused=True)
    return torch.zeros_like(wanted) if found is None else found


def same_gradient(found: Tensor, expected: Tensor, wanted: dict[str, Tensor], what: str) -> None:
    """Raises AssertionError where d found / d wanted is not d expected / d wanted."""
    for name, leaf in wanted.items():
        worst = (gradient(found, leaf) - gradient(expected, leaf)).abs().max()
        assert worst < 1e-3, (
            f"gradient of the loss for {name}: expected {what}, got one that differs by {worst:.4f}"
        )


def parameters_of_f(unit: nn.Module, logits: Tensor) -> dict[str, nn.Parameter]:
    """The parameters that the logits depend on, by name."""
    value = logits.square().sum()
    return {n: p for n, p in unit.named_parameters() if gradient(value, p).abs().max() > 0}


def parameters_of_g(unit: nn.Module, logits: Tensor) -> dict[str, nn.Parameter]:
    """All other parameters, by name."""
    of_f = parameters_of_f(unit, logits)
    return {n: p for n, p in unit.named_parameters() if n not in of_f}


def layers_of_eq_8(unit: nn.Module) -> bool:
    """Whether the unit has linear layers of the names and widths that the chapter gives them."""
    layers = [getattr(unit, name, None) for name in ("logit", "node", "edge")]
    if not all(isinstance(layer, nn.Linear) for layer in layers):
        return False
    _, node, edge = layers
    return node.in_features == 1 + FEATURES and edge.in_features == 2 * node.out_features


def features(modalities: int = 3) -> Tensor:
    """[B, M, F], wide enough for the weights of edges to differ."""
    return 2 * torch.randn(BATCH, modalities, FEATURES, generator=torch.manual_seed(0))


def close(found: Tensor, expected: Tensor | float, what: str) -> None:
    """Raises AssertionError with the worst place where the two differ."""
    found, expected = torch.as_tensor(found).detach(), torch.as_tensor(expected).detach()
    assert found.shape == expected.shape, (
        f"{what}: expected shape {list(expected.shape)}, got {list(found.shape)}"
    )
    wrong = (found.double() - expected.double()).abs().nan_to_num(torch.inf)
    if wrong.numel() and wrong.max() > 1e-4:
        at = [int(i) for i in torch.unravel_index(wrong.argmax(), wrong.shape)]
        where = f" at {at}" if at else ""
        raise AssertionError(
            f"{what}: expected {float(expected[tuple(at)]):.4f}{where}, "
            f"got {float(found[tuple(at)]):.4f}"
        )


def off_diagonal(modalities: int) -> Tensor:
    """[M, M] bool: True where there is an edge."""
    return ~torch.eye(modalities, dtype=torch.bool)
