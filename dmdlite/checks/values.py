"""What a GD-Unit returns: shapes, and the numbers of Eq. 7 to 9.

Each function takes the class and raises AssertionError where the property fails.
"""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from unittest import mock

import torch
from torch import Tensor, nn

from .. import gd_unit as reference
from . import brute_force
from .building import (
    BATCH,
    OUTPUT,
    close,
    features,
    gradient,
    layers_of_eq_8,
    make,
    off_diagonal,
    parameters_of_f,
)


def interface(unit_class: type[nn.Module]) -> None:
    assert inspect.isclass(unit_class), f"expected a class, got {type(unit_class).__name__}"
    assert issubclass(unit_class, nn.Module), "expected a subclass of torch.nn.Module"
    out = make(unit_class)(features())
    assert isinstance(out, tuple), f"expected a tuple of four, got {type(out).__name__}"
    assert len(out) == 4, f"expected four things, {', '.join(OUTPUT)}, got {len(out)}"
    for name, value in zip(OUTPUT, out, strict=True):
        assert torch.is_tensor(value), f"{name}: expected a tensor, got {type(value).__name__}"


def _locked(*_, **__):
    raise AssertionError("uses dmdlite's own GD-Unit; expected your own code")


def is_locked() -> bool:
    """Whether this is within `reference_locked`."""
    return reference.GDUnit.__init__ is _locked


@contextmanager
def reference_locked():
    """Within it, every use of `dmdlite.GDUnit` or of its helpers raises AssertionError, also
    under another name."""
    functions = [f for f in vars(reference.GDUnit).values() if inspect.isfunction(f)]
    open_ones = [f for f in [*functions, reference.discrepancy] if not f.__code__.co_freevars]
    codes = [f.__code__ for f in open_ones]
    with mock.patch.object(reference.GDUnit, "__init__", _locked):
        for f in open_ones:
            f.__code__ = _locked.__code__
        try:
            yield
        finally:
            for f, code in zip(open_ones, codes, strict=True):
                f.__code__ = code


def own_work(unit_class: type[nn.Module]) -> None:
    inherits = reference.GDUnit in getattr(unit_class, "inherited", unit_class.__mro__)
    assert not inherits, "inherits from dmdlite.GDUnit; expected your own code"
    with reference_locked():
        make(unit_class)(features())


def shape(unit_class: type[nn.Module]) -> None:
    out = make(unit_class)(features())
    expected = [(BATCH, 3), (BATCH, 3, 3), (BATCH, 3, 3), ()]
    for name, value, size in zip(OUTPUT, out, expected, strict=True):
        assert value.shape == size, f"{name}: expected shape {list(size)}, got {list(value.shape)}"


def input_untouched(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class), features()
    before = x.clone()
    unit(x)
    assert torch.equal(x, before), "expected the features as they were, but the call changed them"


def same_twice(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class), features()
    calls = unit(x), unit(x), unit.eval()(x)
    for name, first, second, evaluated in zip(OUTPUT, *calls, strict=True):
        close(second, first, f"{name} of a second call with the same features")
        close(evaluated, first, f"{name} after unit.eval()")


def finite(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class), features()
    x[1, 2] = x[1, 0]  # two modalities agree: a gap of zero
    for scale in (1.0, 1000.0):
        for name, value in zip(OUTPUT, unit(scale * x), strict=True):
            assert torch.isfinite(value).all(), (
                f"{name}: expected finite numbers for features of size {scale:g}, got {value}"
            )


def logits(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class), features().requires_grad_()
    plain = unit(x)[0]
    slopes = gradient(plain[:, 0].sum(), x)[:, 0].abs().amax(0)  # [F]
    unread = [k for k, slope in enumerate(slopes.tolist()) if slope == 0]
    other = x.detach().clone()
    other[:, 0] += 1
    moved = unit(other)[0]
    assert not torch.allclose(moved[:, 0], plain[:, 0]), (
        "expected a logit that depends on its modality's features, but it stays the same"
    )
    close(moved[:, 1:], plain[:, 1:], "logits of modalities whose features did not change")
    same = unit(x.detach()[:, :1].expand(-1, 3, -1).contiguous())[0]
    close(same[:, 1:], same[:, :1].expand(-1, 2), "logits of equal features: f is one for all")
    if plain.requires_grad:  # that it must be is said by another check
        assert not unread, f"expected a logit that reads every feature, but not {unread}"
    if layers_of_eq_8(unit):
        close(
            plain,
            unit.logit(x.to(unit.logit.weight)).squeeze(-1),
            "logits, against the layer `logit`",
        )


def samples_apart(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class), features()
    for name, all_, alone in zip(OUTPUT[:3], unit(x)[:3], unit(x[1:2])[:3], strict=True):
        close(alone[0], all_[1], f"{name} of a clip alone, against the same clip in a batch")


def zero_diagonal(unit_class: type[nn.Module]) -> None:
    _, weights, eps, _ = make(unit_class)(features())
    for name, value in (("weights", weights), ("discrepancy", eps)):
        worst = value.diagonal(dim1=1, dim2=2).abs().max()
        assert worst == 0, f"{name}: expected 0 on the diagonal, got {worst:.4f}"


def normalisation(unit_class: type[nn.Module]) -> None:
    weights = make(unit_class)(features())[1]
    assert weights.min() >= 0, f"expected no negative weight, got {weights.min():.4f}"
    close(weights.sum((1, 2)), torch.ones(BATCH), "sum of a graph's weights")


def gaps(unit_class: type[nn.Module]) -> None:
    z, _, eps, _ = make(unit_class)(features())
    close(eps, brute_force.gaps(z), "discrepancy, against a double loop over Eq. 7")


def loss(unit_class: type[nn.Module]) -> None:
    z, weights, _, found = make(unit_class)(features())
    expected = brute_force.loss(z, weights)
    close(found, expected, "loss, against a loop over clips and edges (Eq. 9)")


def edge_scores(unit_class: type[nn.Module]) -> None:
    unit, x = make(unit_class, 4), features(4)
    weights = unit(x)[1].detach()
    spread = weights[:, off_diagonal(4)].std(1).max()
    assert spread > 1e-6, "expected weights that depend on features, but all edges weigh alike"
    if layers_of_eq_8(unit):
        expected = brute_force.weights(unit, x)
        close(
            weights, expected, "weights, against a double loop over Eq. 8 (ends: logit, features)"
        )
    other = x.clone()
    other[:, 3] += 1
    ratio = [w[:, 0, 1] / w[:, 1, 2] for w in (weights, unit(other)[1])]
    close(
        ratio[1] / ratio[0],
        torch.ones(BATCH),
        "ratio of two weights whose edges do not touch what changed, after against before",
    )
    _reads_both_ends(unit, x, weights)


def _reads_both_ends(unit: nn.Module, x: Tensor, weights: Tensor) -> None:
    """Eq. 8: g sees the logit and every feature, of the teacher and of the student."""
    moved = x.clone()
    moved[:, 1] += 1
    after = unit(moved)[1].detach()
    for end, i, j in (("student", 0, 1), ("teacher", 1, 0)):
        before, now = (w[:, i, j] / w[:, 2, 3] for w in (weights, after))
        assert not torch.allclose(now, before, rtol=1e-5), (
            f"expected a score that depends on the {end}, but it stays when only the {end} changes"
        )
    for k in range(x.shape[-1]):
        moved = x.clone()
        moved[:, 0, k] += 1
        assert not torch.allclose(unit(moved)[1], weights, rtol=1e-5), (
            f"expected weights that depend on every feature, but not on feature {k}"
        )
    leaf = x.clone().requires_grad_()
    slope = gradient(unit(leaf)[0][:, 0].sum(), leaf)[:, 0]  # [B, F]
    step = torch.randn(slope.shape, generator=torch.manual_seed(0))
    along = (step * slope).sum(-1, keepdim=True) / slope.square().sum(-1, keepdim=True)
    moved = x.clone()
    moved[:, 0] += step - along.nan_to_num() * slope  # as the logit, if linear, stays
    assert not torch.allclose(unit(moved)[1], weights, rtol=1e-5), (
        "expected weights that depend on the features, but they change with the logits alone"
    )
    of_f = parameters_of_f(unit, unit(x)[0])
    with torch.no_grad():
        for p in of_f.values():
            p += 0.5 * torch.randn(p.shape, generator=torch.manual_seed(1)).to(p)
    assert not of_f or not torch.allclose(unit(x)[1], weights, rtol=1e-5), (
        "expected weights that depend on the logits, but they stay when f changes"
    )


def permutation(unit_class: type[nn.Module]) -> None:
    unit, x, order = make(unit_class, 4), features(4), [2, 0, 3, 1]
    plain, mixed = unit(x), unit(x[:, order])
    close(mixed[0], plain[0][:, order], "logits of permuted modalities")
    for k in (1, 2):
        expected = plain[k][:, order][:, :, order]
        close(mixed[k], expected, f"{OUTPUT[k]} of permuted modalities")
    close(mixed[3], plain[3], "loss of permuted modalities")


def number_of_modalities(unit_class: type[nn.Module]) -> None:
    for m in (2, 3, 4, 6):
        try:
            out = make(unit_class, m)(features(m))
        except Exception as error:
            raise AssertionError(
                f"{m} modalities: expected an answer, got {type(error).__name__}: {error}"
            ) from None
        assert out[1].shape == (BATCH, m, m), (
            f"{m} modalities: expected weights of shape {[BATCH, m, m]}, got {list(out[1].shape)}"
        )
        close(out[1].sum((1, 2)), torch.ones(BATCH), f"sum of the weights of {m} modalities")
        expected = brute_force.loss(out[0], out[1])
        close(out[3], expected, f"loss of {m} modalities, against loops")
