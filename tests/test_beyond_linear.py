"""The measure of an edge function beyond the linear one, and of what it costs."""

import pytest
import torch
from torch import nn

import dmdlite
from dmdlite.checks import testbed
from dmdlite.checks.beyond_linear import cycle, require_more_than_linear


class Pairs(dmdlite.GDUnit):
    """Scores from `pair(ends of the teacher, ends of the student)`."""

    def __init__(self, feature_dim, num_modalities=3, **options):
        super().__init__(feature_dim, num_modalities, **options)
        self.left, self.right = nn.Linear(1 + feature_dim, 32), nn.Linear(1 + feature_dim, 32)
        self.both = nn.Bilinear(1 + feature_dim, 1 + feature_dim, 1)

    def edge_scores(self, features, logits):
        ends = torch.cat([logits[..., None], features], dim=-1).detach()
        return self.pair(ends)

    def pair(self, ends):
        return self.left(ends) @ self.right(ends).transpose(1, 2)


class Bilinear(Pairs):
    def pair(self, ends):
        m = ends.shape[1]
        teacher, student = (
            ends[:, :, None].expand(-1, -1, m, -1),
            ends[:, None].expand(-1, m, -1, -1),
        )
        return self.both(teacher.contiguous(), student.contiguous()).squeeze(-1)


class Symmetric(Pairs):
    def pair(self, ends):
        return self.left(ends) @ self.left(ends).transpose(1, 2)


class OneEnd(Pairs):
    def pair(self, ends):
        return self.left(ends).tanh().sum(-1)[:, :, None].expand(-1, -1, ends.shape[1])


class Constant(Pairs):
    def pair(self, ends):
        return torch.randn(3, 3, generator=torch.manual_seed(0)).expand(len(ends), -1, -1)


class Draws(Pairs):
    def pair(self, ends):
        return torch.randn(len(ends), 3, 3)


class Huge(Pairs):
    def pair(self, ends):
        return 1000 * super().pair(ends)


def test_the_two_ways_round_by_hand():
    w = torch.tensor([[[0.0, 0.2, 0.1], [0.1, 0.0, 0.2], [0.3, 0.1, 0.0]]])
    expected = torch.tensor([0.2 * 0.2 * 0.3 / (0.1 * 0.1 * 0.1)]).log()
    assert torch.allclose(cycle(w).float(), expected)


@pytest.mark.parametrize("unit", [Pairs, Bilinear])
def test_what_joins_both_ends_is_accepted(unit):
    require_more_than_linear(unit)


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        (dmdlite.GDUnit, "cancel"),
        (Symmetric, "cancel"),
        (OneEnd, "cancel"),
        (Constant, "cancel"),
        (Draws, "second call"),
        (Huge, "make them smaller"),
    ],
)
def test_what_does_not_is_refused_with_the_reason(unit, words):
    with pytest.raises(AssertionError, match=words):
        require_more_than_linear(unit)


def test_a_bilinear_layer_has_its_price():
    ends, pairs = 1 + testbed.FEATURE_DIM, testbed.BATCH * 3 * 3
    logit = 2 * testbed.BATCH * 3 * testbed.FEATURE_DIM
    assert testbed.cost(Bilinear)[1] == 2 * pairs * ends * ends + logit
