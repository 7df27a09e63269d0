"""What the checks build and compare with."""

from __future__ import annotations

import inspect

import torch
from torch import Tensor, nn

FEATURES, BATCH = 6, 5
OUTPUT = ("logits", "weights", "discrepancy", "loss")


def make(unit_class: type[nn.Module], modalities: int = 3, **options) -> nn.Module:
    """A unit with seeded weights."""
    takes = inspect.signature(unit_class).parameters
    if "num_modalities" in takes or any(p.kind is p.VAR_KEYWORD for p in takes.values()):
        options["num_modalities"] = modalities
    torch.manual_seed(modalities)
    return unit_class(FEATURES, **options)


def features(modalities: int = 3, seed: int = 0) -> Tensor:
    """[B, M, F], wide enough for the weights of edges to differ."""
    return 2 * torch.randn(BATCH, modalities, FEATURES, generator=torch.manual_seed(seed))


def close(found: Tensor, expected: Tensor, what: str) -> None:
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
