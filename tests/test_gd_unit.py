"""The GD-Unit against a double loop over Eq. 7-9, and its properties."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmdlite import ConfigError, GDUnit

MODES = pytest.mark.parametrize("normalize", ["graph", "target"])


def unit_and_features(modalities=3, seed=0, batch=5, **kwargs):
    torch.manual_seed(seed)
    return GDUnit(6, modalities, hidden_dim=4, **kwargs), torch.randn(batch, modalities, 6)


def by_double_loop(unit, features):
    """Logits, weights, discrepancy and loss of one sample [M, F], edge by edge."""
    m = len(features)
    logits = [unit.logit(x)[0] for x in features]
    scores = {}
    for i in range(m):
        for j in range(m):
            if i != j:
                ends = [torch.cat([logits[k][None], features[k]]) for k in (i, j)]
                scores[i, j] = unit.edge(torch.cat([unit.node(e) for e in ends]))[0].exp()
    weights, discrepancy = torch.zeros(m, m), torch.zeros(m, m)
    for (i, j), score in scores.items():
        rivals = [s for (_, t), s in scores.items() if unit.normalize == "graph" or t == j]
        weights[i, j] = score / sum(rivals)
        discrepancy[i, j] = (logits[j] - logits[i]).abs()
    return torch.stack(logits), weights, discrepancy, (weights * discrepancy).sum()


@MODES
@given(modalities=st.integers(2, 6), seed=st.integers(0, 1000))
def test_equals_double_loop(normalize, modalities, seed):
    unit, features = unit_and_features(modalities, seed, normalize=normalize)
    out = unit(features)
    expected = [by_double_loop(unit, x) for x in features]
    for k, name in enumerate(("logits", "weights", "discrepancy")):
        torch.testing.assert_close(getattr(out, name), torch.stack([e[k] for e in expected]))
    torch.testing.assert_close(out.loss, torch.stack([e[3] for e in expected]).mean())


@MODES
@pytest.mark.parametrize("modalities", [2, 3, 4, 6])
def test_weights_sum_to_one_with_zero_diagonal(normalize, modalities):
    prior = torch.rand(modalities, modalities).fill_diagonal_(0)
    for p in (None, prior):
        unit, features = unit_and_features(modalities, normalize=normalize, prior=p)
        weights = unit(features).weights
        total = weights.sum((1, 2)) if normalize == "graph" else weights.sum(1)
        torch.testing.assert_close(total, torch.ones_like(total))
        assert (weights.diagonal(dim1=1, dim2=2) == 0).all()


@MODES
@given(order=st.permutations(range(4)))
def test_permuting_modalities_permutes_everything(normalize, order):
    unit, features = unit_and_features(4, normalize=normalize)
    plain, mixed = unit(features), unit(features[:, list(order)])
    torch.testing.assert_close(mixed.logits, plain.logits[:, order])
    torch.testing.assert_close(mixed.weights, plain.weights[:, order][:, :, order])
    torch.testing.assert_close(mixed.loss, plain.loss)


def test_gradient_reaches_students_only():
    unit, features = unit_and_features()
    features.requires_grad_()
    out = unit(features)
    for i in range(3):
        for j in range(3):
            if i != j:
                edge = (out.weights * out.discrepancy)[:, i, j].sum()
                (g,) = torch.autograd.grad(edge, features, retain_graph=True)
                moved = [k for k in range(3) if g[:, k].abs().sum() > 0]
                assert moved == [j]


def test_without_stop_gradient_the_teacher_moves_too():
    unit, features = unit_and_features(2, batch=1, stop_gradient=False)
    with torch.no_grad():
        unit.edge.weight.zero_()  # both edges weigh a half
    features.requires_grad_()
    loss = unit(features).loss
    # Half of each direction, and each direction pulls both ends: |a - b| in all.
    (moved,) = torch.autograd.grad(loss, features)
    logits = unit.logit(features).squeeze(-1)
    gap = (logits[0, 0] - logits[0, 1]).abs()
    (expected,) = torch.autograd.grad(gap, features)
    torch.testing.assert_close(moved, expected)


@MODES
def test_scale_sharpens_or_levels_the_graph(normalize):
    unit, features = unit_and_features(3, normalize=normalize, scale=0.0)
    level = 1 / 6 if normalize == "graph" else 1 / 2
    off = ~torch.eye(3, dtype=torch.bool)
    assert torch.allclose(unit(features).weights[:, off], torch.tensor(level))
    unit.scale = 1.0
    plain = unit(features).weights
    unit.scale = 2.0
    squared = plain.square()
    total = squared.sum((1, 2) if normalize == "graph" else 1, keepdim=True)
    torch.testing.assert_close(unit(features).weights, squared / total)


def test_loss_trains_the_edge_function():
    unit, features = unit_and_features()
    unit(features).loss.backward()
    gradients = {name: p.grad.abs().max() for name, p in unit.named_parameters()}
    assert min(gradients[f"{layer}.weight"] for layer in ("logit", "node", "edge")) > 1e-4
    # A bias on every edge alike: the softmax does not see it.
    assert gradients["edge.bias"] < 1e-6


@MODES
def test_missing_modality_has_no_edges(normalize):
    unit, features = unit_and_features(
        prior=torch.ones(3, 3).fill_diagonal_(0), normalize=normalize
    )
    present = torch.tensor([[1, 1, 1], [0, 1, 1], [0, 0, 1], [0, 0, 0], [1, 1, 1]]).bool()
    features.requires_grad_()
    out = unit(features, present)
    out.loss.backward()
    assert torch.isfinite(features.grad).all()
    assert torch.isfinite(out.loss)
    pairs = present[:, :, None] & present[:, None, :]
    assert (out.weights[~pairs] == 0).all()
    total = out.weights.sum((1, 2))
    expected = [1, 1, 0, 0, 1] if normalize == "graph" else [3, 2, 0, 0, 3]
    torch.testing.assert_close(total, torch.tensor(expected).float())


def test_prior_is_half_the_weight_and_pulls():
    prior = torch.tensor([[0.0, 3, 1], [0, 0, 0], [0, 0, 0]])
    plain, features = unit_and_features()
    unit = GDUnit(6, 3, 4, prior=prior)
    unit.load_state_dict(plain.state_dict() | {"prior": prior})
    learned, out = plain(features), unit(features)
    torch.testing.assert_close(out.weights, (learned.weights + prior / 4) / 2)
    pull = 10 * (learned.weights.mean(0) - prior / 4).square().sum()
    torch.testing.assert_close(out.loss, (out.weights * out.discrepancy).sum((1, 2)).mean() + pull)


def test_training_on_noise_with_prior_learns_the_prior():
    # The control behind Fig. 5: features and targets say nothing, yet the graph has a pattern.
    torch.manual_seed(0)
    prior = torch.tensor([[0.0, 0.5, 0.5], [0, 0, 0], [0, 0, 0]])
    unit = GDUnit(6, 3, 4, prior=prior)
    means = torch.randn(3, 6)
    optimiser = torch.optim.Adam(unit.parameters(), 0.01)
    for _ in range(300):
        out = unit(means + torch.randn(16, 3, 6))
        optimiser.zero_grad()
        out.loss.backward()
        optimiser.step()
    assert out.weights.mean(0)[0, 1:].sum() > 0.9


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"num_modalities": 1}, "two or more, got 1"),
        ({"normalize": "row"}, "'graph' or 'target', got 'row'"),
        ({"prior": torch.ones(2, 2)}, r"expected shape \[3, 3\], got \[2, 2\]"),
        ({"prior": torch.eye(3)}, "zero on the diagonal"),
        ({"prior": -torch.ones(3, 3).fill_diagonal_(0)}, "not negative"),
        ({"prior": torch.full((3, 3), float("nan"))}, "finite"),
        ({"prior": torch.zeros(3, 3)}, "no weight"),
        (
            {"prior": [[0, 1, 0], [0, 0, 0], [0, 0, 0]], "normalize": "target"},
            "no weight for some student",
        ),
    ],
)
def test_bad_settings(kwargs, message):
    with pytest.raises(ConfigError, match=message):
        GDUnit(6, **kwargs)


def test_bad_features():
    with pytest.raises(ValueError, match=r"expected \[B, 3, F\], got \[5, 2, 6\]"):
        GDUnit(6)(torch.zeros(5, 2, 6))


@pytest.mark.parametrize("scale", [1e-20, 1.0, 3e38])
@pytest.mark.parametrize("normalize", ["graph", "target"])
def test_any_scale_of_prior_and_missing_modalities_keep_the_sum(scale, normalize):
    prior = [[0.0, scale, 0.0], [scale, 0.0, scale], [scale, 0.0, 0.0]]
    unit = GDUnit(6, 3, 4, normalize=normalize, prior=prior)
    present = torch.tensor([[1, 1, 1], [1, 0, 1], [0, 1, 1]]).bool()
    weights = unit(torch.randn(3, 3, 6), present).weights
    here = present.sum(1).float() if normalize == "target" else torch.ones(3)
    torch.testing.assert_close(weights.sum((1, 2)), here)
