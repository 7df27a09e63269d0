"""What is characteristic of RAVEN, MCTN, PMR, MICA, MISA and FDMER, by brute force or by hand."""

from itertools import combinations, product

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from dmdlite.baselines.distances import cmd, cross_correlation, mmd
from dmdlite.baselines.fdmer import ReverseGradient, consistency
from dmdlite.baselines.mica import attention_weights, marginal_distance, pair_distance
from dmdlite.baselines.pmr import FilterGate
from dmdlite.baselines.raven import frames_of_words, shifted
from dmdlite.data.alignment import windows
from tests.test_baseline_parts import normal
from tests.test_baselines import made, without

# RAVEN


def test_a_shift_by_hand():
    word, shift = torch.tensor([3.0, 4.0]), torch.tensor([10.0, 0.0])
    torch.testing.assert_close(shifted(word, shift, 0.2), torch.tensor([4.0, 4.0]))  # alpha 0.1
    torch.testing.assert_close(shifted(word, shift, 9.0), torch.tensor([13.0, 4.0]))  # alpha 1
    torch.testing.assert_close(shifted(word * 0, shift, 0.2), torch.zeros(2), atol=1e-5, rtol=0)


@given(word=st.lists(st.floats(-5, 5), min_size=3, max_size=3), seed=st.integers(0, 99))
def test_a_shift_is_no_longer_than_beta_words(word, seed):
    word, shift = torch.tensor(word), 10 * normal(3, seed=seed)
    moved = shifted(word, shift, 0.2) - word
    assert moved.norm() <= 0.2 * word.norm() + 1e-4


def test_the_nonverbal_path_learns_through_the_shift():
    word, shift = normal(4, 3), normal(4, 3, seed=1).requires_grad_()
    shifted(word, shift, 0.2).sum().backward()
    assert shift.grad.any(dim=1).all()


@given(sizes=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=1, max_size=4))
def test_frames_go_to_words_in_order(sizes):
    lengths, words = (torch.tensor(n) for n in zip(*sizes, strict=True))
    time = torch.arange(max(int(lengths.max()), 1))
    mask = time < lengths[:, None]
    x = time.float().expand(len(sizes), -1)[..., None]
    n, most = max(int(words.max()), 1), max(int(lengths.max()), 1)
    frames, inside = frames_of_words(x, mask, words, n, most)
    first, count = windows(lengths, words, n)
    for i, (length, n) in enumerate(sizes):
        for w in range(inside.shape[1]):
            expected = [t for t in range(length) if n and t * n // length == w]
            if not expected and length and w < n:
                expected = [w * length // n]
            assert frames[i, w][inside[i, w]].flatten().tolist() == expected
            assert int(count[i, w]) == len(expected)
            assert not expected or int(first[i, w]) == expected[0]


# MCTN


def test_translation_reads_language_alone(toy):
    """Neither the prediction nor the way back sees the targets: no teacher forcing."""
    model = made(toy["train"], "mctn", dropout=0.0)
    complete = toy["train"].present.all(1).nonzero().squeeze(1)[:6]
    batch = toy["train"].batch(complete)
    for mode in (model.train(), model.eval()):
        plain = mode(batch)
        batch_without = without(batch, "vision", "audio")
        for m in ("vision", "audio"):
            batch_without.features[m] = batch_without.features[m] * 0 + 7
        other = mode(batch_without)
        torch.testing.assert_close(other.prediction, plain.prediction)
        torch.testing.assert_close(other.terms["cycle"], plain.terms["cycle"])
        assert other.terms["forward"] != plain.terms["forward"]


def test_the_way_back_starts_from_the_translation(toy):
    """The cycle's error reaches the first decoder, which makes what is translated back."""
    model = made(toy["train"], "mctn")
    model(toy["train"].batch(range(6))).terms["cycle"].backward()
    assert model.there.out.weight.grad.any()
    assert model.there.encoder.ways[0].weight_ih_l0.grad.any()


# PMR, MICA


def test_the_filter_gate_mixes():
    torch.manual_seed(0)
    gate, own, hub = FilterGate(4), normal(2, 3, 4), normal(2, 3, 4, seed=1)
    g = torch.sigmoid(gate.gate(torch.cat([own, hub], -1)))
    torch.testing.assert_close(gate(own, hub), g * hub + (1 - g) * own)
    for bias, expected in ((50.0, hub), (-50.0, own)):
        gate.gate.bias.data.fill_(bias)
        torch.testing.assert_close(gate(own, hub), expected)


def test_mica_attends_as_torch_does():
    q, k, v = normal(2, 5, 8), normal(2, 6, 8, seed=1), normal(2, 6, 8, seed=2)
    allowed = (torch.arange(6) < torch.tensor([[6], [3]]))[:, None, None]
    weights = attention_weights(q, k, allowed, 2)
    heads = [x.unflatten(-1, (2, 4)).transpose(1, 2) for x in (q, k, v)]
    expected = F.scaled_dot_product_attention(*heads, attn_mask=allowed)
    torch.testing.assert_close(weights @ heads[2], expected)


@pytest.mark.parametrize("tau", [1.5, 0.5])
def test_confident_pairs_by_brute_force(tau):
    q, k = normal(2, 3, 4), normal(2, 5, 4, seed=1)
    real = torch.ones(2, 3, 5).bool()
    real[1, :, 3:] = False
    real[0, 2] = False  # a padded query looks somewhere too, and does not count
    weights = (3 * normal(2, 3, 5, seed=2)).masked_fill(~real, -1e9).softmax(-1)
    weights[0, 2] = torch.tensor([0.9, 0.1, 0, 0, 0])
    total = 0.0
    for b in range(2):
        found = [
            float((q[b, t] - k[b, s]).square().mean())
            for t, s in product(range(3), range(5))
            if real[b, t, s] and weights[b, t, s] > tau / (5, 3)[b]
        ]
        assert 0 < len(found) < real[b].sum()
        total += sum(found) / len(found) / 2
    assert float(pair_distance(q, k, weights, real, tau)) == pytest.approx(total, rel=1e-4)
    assert float(pair_distance(q, k, weights, real, 9.0)) == 0


def test_marginal_distance_skips_who_lacks_one():
    q, k = normal(4, 3, 8), normal(4, 5, 8, seed=1)
    query_mask, key_mask = torch.ones(4, 3).bool(), torch.ones(4, 5).bool()
    key_mask[3] = False
    expected = mmd(q[:3].mean(1), k[:3].mean(1))
    torch.testing.assert_close(marginal_distance(q, query_mask, k, key_mask), expected)
    assert float(marginal_distance(q, query_mask, k, key_mask & False)) == 0


# MISA, FDMER


def test_misa_counts_six_pairs(toy):
    model = made(toy["train"], "misa")
    batch = toy["train"].batch(toy["train"].present.all(1).nonzero().squeeze(1)[:8])
    h = {m: net(batch.features[m], batch.masks[m]) for m, net in model.encoders.items()}
    private = [model.private[m](x) for m, x in h.items()]
    shared = [model.shared(x) for x in h.values()]
    terms = model(batch).terms
    difference = sum(cross_correlation(p, s) for p, s in zip(private, shared, strict=True))
    difference += sum(cross_correlation(a, b) for a, b in combinations(private, 2))
    torch.testing.assert_close(terms["diff"], difference)
    torch.testing.assert_close(terms["sim"], sum(cmd(a, b) for a, b in combinations(shared, 2)) / 3)
    errors = [
        F.mse_loss(model.decoders[m](p + s), x)
        for (m, x), p, s in zip(h.items(), private, shared, strict=True)
    ]
    torch.testing.assert_close(terms["rec"], sum(errors) / 3)


@pytest.mark.parametrize("name", ["misa", "fdmer"])
def test_codes_of_a_missing_modality_are_not_read(toy, name):
    model = made(toy["train"], name)
    complete = toy["train"].present.all(1).nonzero().squeeze(1)[:6]
    batch = without(toy["train"].batch(complete), "audio")
    before = model(batch).prediction
    with torch.no_grad():
        for p in model.private["audio"].parameters():
            p += 1
    after = model(batch).prediction
    torch.testing.assert_close(after[1:], before[1:])
    assert after[0] != before[0]  # which has audio


def test_the_reversed_gradient():
    x = normal(3).requires_grad_()
    (2 * ReverseGradient.apply(x)).sum().backward()
    torch.testing.assert_close(x.grad, torch.full((3,), -2.0))


def test_common_codes_fool_the_discriminator(toy):
    """A step down the loss makes the discriminator's error on common codes grow."""
    model = made(toy["train"], "fdmer", dropout=0.0)
    batch = toy["train"].batch(range(32))
    before = model(batch).terms["adv"]
    gradient = torch.autograd.grad(before, list(model.common.parameters()))
    with torch.no_grad():
        for p, g in zip(model.common.parameters(), gradient, strict=True):
            p -= 0.1 * g
    assert model(batch).terms["adv"] > before


def test_consistency_by_hand():
    common = torch.tensor([[[0.0, 0], [2, 0], [0, 4]], [[1.0, 1], [1, 1], [9, 9]]])
    present = torch.tensor([[True, True, True], [True, True, False]])
    # first sample: 2, 8, 10; second: 0 and two that do not count; mean over samples and pairs
    assert float(consistency(common, present)) == pytest.approx((2 + 8 + 10) / 2 / 3)
