"""Cross-modal attention against Eq. 10 written out, and its masks."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmdlite import CrossModalTransformer
from dmdlite.attention import CrossModalAttention, attention_mask, sinusoidal
from dmdlite.data.masks import positions


def test_attention_equals_eq_10_head_by_head():
    torch.manual_seed(0)
    attention = CrossModalAttention(6, heads=2)
    query, source = torch.randn(1, 4, 6), torch.randn(1, 5, 6)
    allowed = torch.tensor([[[[True, True, False, True, True]]]])
    q, kv = attention.query(query)[0], attention.key_value(source)[0]
    k, v = kv[:, :6], kv[:, 6:]
    views = []
    for head in (slice(0, 3), slice(3, 6)):
        scores = q[:, head] @ k[:, head].T / 3**0.5
        scores[:, 2] = -torch.inf
        views.append(scores.softmax(-1) @ v[:, head])
    expected = attention.out(torch.cat(views, dim=-1))
    torch.testing.assert_close(attention(query, source, allowed)[0], expected)


def test_position_code_by_hand():
    code = sinusoidal(torch.tensor([[0, 2]]), 4)
    expected = torch.tensor([[0.0, 0, 1, 1], [2.0, 0.02, 2, 0.02]])
    expected[1] = torch.cat([expected[1, :2].sin(), expected[1, 2:].cos()])
    torch.testing.assert_close(code[0], expected)
    assert sinusoidal(torch.tensor([[3]]), 5).shape == (1, 1, 5)


def test_positions_count_real_steps():
    mask = torch.tensor([[0, 0, 1, 1, 0, 1], [1, 1, 0, 0, 0, 0]]).bool()
    assert positions(mask).tolist() == [[0, 0, 0, 1, 1, 2], [0, 1, 1, 1, 1, 1]]


def test_future_mask_follows_the_released_offset():
    # The released rule: with T queries and S keys, query t sees keys up to t + |S - T|.
    for t, s in ((3, 3), (2, 5), (5, 2)):
        real = [torch.ones(1, n, dtype=torch.bool) for n in (t, s)]
        expected = torch.ones(t, s).tril(abs(s - t)).bool()
        assert torch.equal(attention_mask(*real, causal=True)[0, 0], expected)


def test_future_mask_counts_real_lengths():
    query = torch.tensor([[True, True, False, False]])
    source = torch.tensor([[True, True, True, False, False, False]])
    allowed = attention_mask(query, source, causal=True)[0, 0]
    assert allowed[:2, :3].tolist() == [[True, True, False], [True, True, True]]
    assert not allowed[:, 3:].any()


@given(
    causal=st.booleans(), left=st.integers(0, 3), right=st.integers(0, 4), seed=st.integers(0, 1000)
)
def test_padding_on_either_side_changes_nothing(causal, left, right, seed):
    torch.manual_seed(seed)
    transformer = CrossModalTransformer(8, 2, 2, causal).eval()
    query, source = torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    plain = transformer(query, source)
    padded = torch.cat([torch.randn(2, left, 8), source, 9 * torch.randn(2, right, 8)], dim=1)
    mask = torch.zeros(2, left + 5 + right, dtype=torch.bool)
    mask[:, left : left + 5] = True
    # A padded step's content never enters: the caller zeroes it, and the mask hides it.
    torch.testing.assert_close(transformer(query, padded, None, mask), plain, atol=1e-5, rtol=1e-4)


def test_source_without_steps_gives_zero_and_finite_gradient():
    transformer = CrossModalTransformer(8, 2, 1)
    query, source = torch.randn(2, 3, 8, requires_grad=True), torch.randn(2, 4, 8)
    mask = torch.tensor([[True] * 4, [False] * 4])
    out = transformer(query, source, None, mask)
    out.sum().backward()
    assert (out[1] == 0).all()
    assert (out[0] != 0).any()
    assert torch.isfinite(query.grad).all()


def test_self_attention_is_query_as_source():
    torch.manual_seed(0)
    one_layer = CrossModalTransformer(8, 2, 1).eval()
    x = torch.randn(2, 4, 8)
    torch.testing.assert_close(one_layer(x), one_layer(x, x))


def test_heads_must_divide_dim():
    with pytest.raises(ValueError, match="must divide dim 8, got 3"):
        CrossModalTransformer(8, 3, 1)
