"""The code of the GD-Unit chapter: its unit against dmdlite, its checks against right and wrong."""

import pytest
import torch

import dmdlite
from tests.chapters import chapter

NAME = "06_gd_units"


@pytest.fixture(scope="module")
def ns():
    return chapter(NAME)


@pytest.mark.parametrize("modalities", range(2, 7))
def test_the_chapters_unit_is_dmdlites(ns, modalities):
    theirs = dmdlite.GDUnit(5, num_modalities=modalities)
    mine = ns["MyGDUnit"](5)
    mine.load_state_dict(theirs.state_dict())
    features = torch.randn(4, modalities, 5, requires_grad=True)
    grads = []
    for unit in (mine, theirs):
        out = unit(features)
        for a, b in zip(out, theirs(features), strict=True):
            assert torch.allclose(a, b, atol=1e-6)
        inputs = [features, *unit.parameters()]
        grads.append(torch.autograd.grad(out[3], inputs))
    for a, b in zip(*grads, strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def wrong_answers(ns):
    """Answers a learner may give, each wrong in one way."""
    mean = torch.mean

    def no_absolute(z, W):
        return float((W * (z[:, None, :] - z[:, :, None])).sum((1, 2)).mean())

    def no_mean(z, W):
        return float((W * ns["gaps"](z)).sum())

    def per_teacher(W, k):
        return torch.where(W.topk(k, dim=2).values[..., -1:] <= W, W, 0.0)

    def not_rescaled(W, k):
        return torch.where(W.topk(k, dim=1).values[:, -1:] <= W, W, 0.0)

    def no_entropy(E, temperature):
        return ns["train_free_weights"](E)[-1]

    def uniform(E, temperature):
        return (1 - torch.eye(E.shape[-1])) / 6 + 0 * mean(E)

    class NotTheSameTwice(ns["MyGDUnit"]):
        def forward(self, features):
            z, _, E, loss = super().forward(features)
            W = ns["softmax_over_edges"](torch.randn_like(E))
            return z, W, E, loss

    class MoreParameters(ns["MyGDUnit"]):
        def __init__(self, feature_dim):
            super().__init__(feature_dim)
            self.extra = torch.nn.Parameter(torch.randn(3, 3))

        def forward(self, features):
            z, W, E, _ = super().forward(features)
            W = ns["softmax_over_edges"](W.log().nan_to_num(neginf=0) + self.extra)
            return z, W, E, (W * E).sum((1, 2)).mean()

    class EdgesWithoutGradient(ns["MyGDUnit"]):
        def forward(self, features):
            z, _, E, _ = super().forward(features)
            fixed = torch.tanh(features.sum(-1)[:, :, None] * features[:, None, :, 0])
            W = ns["softmax_over_edges"](fixed)
            return z, W, E, (W * E).sum((1, 2)).mean()

    def hard_coded(E, temperature):
        z = torch.tensor([2.0, 0.5, -0.5])
        scores = -ns["gaps"](z[None]) / temperature
        return ns["softmax_over_edges"](scores)[0][: E.shape[1], : E.shape[2]]

    return [
        ("check_entropy", hard_coded),
        ("check_better", NotTheSameTwice),
        ("check_better", MoreParameters),
        ("check_better", EdgesWithoutGradient),
        ("check_loops", no_absolute),
        ("check_loops", no_mean),
        ("check_top_k", per_teacher),
        ("check_top_k", not_rescaled),
        ("check_entropy", no_entropy),
        ("check_entropy", uniform),
        ("check_better", ns["MyGDUnit"]),
    ]


@pytest.mark.parametrize("case", range(11))
def test_wrong_answers_are_refused(ns, capsys, case):
    check, answer = wrong_answers(ns)[case]
    ns["attempt"](ns[check], answer)
    assert capsys.readouterr().out.startswith("not yet: ")


def test_the_widgets_weights_follow_their_formula():
    from dmdlite.plots.playgrounds import softmin_weights

    z = torch.tensor([2.0, 0.5, -0.5])
    weights = softmin_weights(z, 1.0)
    unnormalised = torch.exp(-torch.tensor([1.5, 2.5, 1.0]))
    expected = unnormalised / (2 * unnormalised.sum())  # each pair has two directions
    assert torch.allclose(weights[[0, 0, 1], [1, 2, 2]], expected)
    assert torch.allclose(weights, weights.T)
