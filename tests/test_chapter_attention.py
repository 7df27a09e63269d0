"""The attention chapter: its code against PyTorch and dmdlite, its checks on wrong answers."""

import pytest
import torch
import torch.nn.functional as F

from dmdlite.attention import CrossModalAttention, CrossModalLayer, attention_mask
from tests.chapters import chapter, refused, solved

NAME = "07_cross_modal_attention"
NS = chapter(NAME)
SOLVED = solved(NAME, NS)


def test_its_weights_are_pytorchs():
    torch.manual_seed(0)
    Q, K, V = torch.randn(2, 3, 8), torch.randn(2, 5, 8), torch.randn(2, 5, 8)
    mask = torch.rand(2, 1, 5) < 0.7
    mask[..., 0] = True
    expected = F.scaled_dot_product_attention(Q, K, V, attn_mask=mask)
    torch.testing.assert_close(NS["attention_weights"](Q, K, mask) @ V, expected)


@pytest.mark.parametrize(("dim", "heads"), [(4, 1), (12, 3), (20, 2)])
def test_its_layer_and_attention_are_dmdlites(dim, heads):
    x, source = torch.randn(3, 4, dim), torch.randn(3, 6, dim)
    real = torch.ones(3, 4, dtype=torch.bool), torch.rand(3, 6) < 0.6
    allowed = attention_mask(*real, causal=True)
    for mine, theirs in (
        (NS["MyAttention"](dim, heads), CrossModalAttention(dim, heads)),
        (NS["MyLayer"](dim, heads), CrossModalLayer(dim, heads, 0.0, 0.0)),
    ):
        mine.load_state_dict(theirs.state_dict())
        a, b = mine(x, source, allowed), theirs(x, source, allowed)
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_a_profile_finds_a_lag_put_there():
    """Weights that all sit 0.5 s after the target's time."""
    batch, target, source = NS["unseen"], "language", "vision"
    when, source_when = NS["times"](batch, target), NS["times"](batch, source)
    nearest = (source_when - when[:, None] - 0.5).abs().argmin(1)
    W = F.one_hot(nearest, len(source_when)).float().expand(len(batch), -1, -1)
    lags, weight = NS["profile"](W, target, source)
    assert NS["centre"](lags, weight) == pytest.approx(0.5, abs=0.05)
    assert weight[abs(lags) < 0.2].max() == 0


def unscaled(Q, K, V, mask):
    scores = (Q @ K.transpose(1, 2)).masked_fill(~mask[:, None], -1e9)
    return (scores.softmax(-1) @ V) * mask.any(1)[:, None, None]


def unmasked(Q, K, V, mask):
    return (NS["attention_weights"](Q, K) @ V) * mask.any(1)[:, None, None]


def not_a_number(Q, K, V, mask):
    return NS["attention_weights"](Q, K, mask[:, None]) @ V


def in_steps(T, S, target_rate, source_rate, slack=0.0):
    return torch.arange(S) <= torch.arange(T)[:, None]


def strictly(T, S, target_rate, source_rate, slack=0.0):
    later = torch.arange(S) / source_rate - torch.arange(T)[:, None] / target_rate
    return later < slack - 1e-6


def rounded(T, S, target_rate, source_rate, slack=0.0):
    steps = ((torch.arange(T) / target_rate + slack) * source_rate).round()
    return torch.arange(S) <= steps[:, None]


def transposed(weights, M):
    return SOLVED["sharpness_prior"](weights, M).T.contiguous()


def entropy_itself(weights, M):
    prior = torch.zeros(M, M)
    for (i, j), W in weights.items():
        prior[i, j] = -(W * W.clamp(min=1e-12).log()).sum(-1).mean()
    return prior / prior.sum()


test_wrong_answers_are_refused = refused(
    NS,
    check_attention=(
        unscaled,
        unmasked,
        not_a_number,
    ),
    check_seconds=(
        in_steps,
        strictly,
        rounded,
    ),
    check_prior=(
        transposed,
        entropy_itself,
    ),
)
