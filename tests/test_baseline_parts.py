"""What is characteristic of each system, against brute force or numbers worked by hand."""

import math
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dmdlite.alignment import windows
from dmdlite.baselines.distances import (
    cmd,
    cross_correlation,
    gaussian_kernel,
    mmd,
    mmd_to_normal,
    pairs,
)
from dmdlite.baselines.fdmer import ReverseGradient, consistency
from dmdlite.baselines.graph_mfn import DynamicFusionGraph, edges, subsets
from dmdlite.baselines.mfn import DeltaMemoryAttention, MemoryFusion
from dmdlite.baselines.mica import attention_weights, marginal_distance, pair_distance
from dmdlite.baselines.parts import BaselineConfig, BatchNorm, MaskedLSTM
from dmdlite.baselines.pmr import FilterGate
from dmdlite.baselines.raven import frames_of_words, shifted
from dmdlite.baselines.tfn import outer_product
from tests.test_baselines import CLOSE, made, several, without


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# LSTMs and batch normalisation over real steps


@given(
    mask=st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=4),
    both_ways=st.booleans(),
)
def test_an_lstm_reads_real_steps_only(mask, both_ways):
    torch.manual_seed(0)
    mask = torch.tensor(mask)
    x = normal(*mask.shape, 3)
    lstm = MaskedLSTM(3, 4, both_ways)
    states, last = lstm(x, mask)
    assert not states[~mask].any()
    for i in range(len(x)):
        real = x[i][mask[i]]
        if not len(real):
            assert not last[i].any()
            continue
        ways = [lstm.ways[0](real[None])[0][0]]
        ends = [ways[0][-1]]
        if both_ways:
            ways.append(lstm.ways[1](real.flip(0)[None])[0][0].flip(0))
            ends.append(ways[1][0])
        torch.testing.assert_close(states[i][mask[i]], torch.cat(ways, -1), atol=1e-6, rtol=1e-4)
        torch.testing.assert_close(last[i], torch.cat(ends), atol=1e-6, rtol=1e-4)


def test_batch_norm_counts_real_vectors_only():
    norm, plain = BatchNorm(3).train(), nn.BatchNorm1d(3).train()
    x, real = normal(5, 4, 3), torch.rand(5, 4, generator=torch.Generator().manual_seed(1)) > 0.4
    scaled = norm(x, real)
    torch.testing.assert_close(scaled[real], plain(x[real]))
    torch.testing.assert_close(norm.running_mean, plain.running_mean)
    assert not scaled[~real].any()
    before = norm.running_mean.clone()
    one = norm(x[:1, 0], torch.tensor([True]))  # no spread: as in evaluation
    torch.testing.assert_close(one, norm.eval()(x[:1, 0], torch.tensor([True])))
    assert torch.equal(norm.running_mean, before)
    assert not norm.train()(x[:2, 0], torch.tensor([False, False])).any()


# TFN, LMF


def test_the_outer_product_holds_every_product():
    vectors = [normal(2, w, seed=w) for w in (2, 3, 4)]
    found = outer_product(vectors).view(2, 2, 3, 4)
    for b, i, j, k in product(range(2), range(2), range(3), range(4)):
        expected = vectors[0][b, i] * vectors[1][b, j] * vectors[2][b, k]
        torch.testing.assert_close(found[b, i, j, k], expected)


def test_the_tensor_begins_with_what_a_single_modality_says(toy):
    """Behind the 1s of the others stand the entries of one vector alone."""
    model = made(toy["train"], "tfn")
    vectors = model.subnetworks(toy["train"].batch(range(4)))
    cube = outer_product(vectors).view(4, 9, 9, 9)
    for m in range(3):
        alone = cube.movedim(m + 1, 1)[:, :, 0, 0]
        torch.testing.assert_close(alone, vectors[m])


def test_tfn_stays_inside_the_labels_range(toy):
    model = made(toy["train"], "tfn")
    model.head[-1].bias.data.fill_(50.0)
    assert (model(toy["train"].batch(range(4))).prediction == 3).all()


def test_low_rank_equals_the_full_tensor_at_full_rank():
    """Any weights over the products of two modalities, split by an SVD into as many factors."""
    data = several(2)
    model = made(data, "lmf", dim=3, rank=4)
    full = normal(4, 4)
    u, s, v = torch.linalg.svd(full)
    model.factors["language"].data, model.factors["vision"].data = u, v.T.contiguous()
    model.weights.weight.data, model.weights.bias.data = s[None], torch.tensor([0.5])
    batch = data.batch(range(6))
    expected = outer_product(model.subnetworks(batch)) @ full.flatten() + 0.5
    torch.testing.assert_close(model(batch).prediction, expected, **CLOSE)


def test_lmf_is_a_sum_of_products_of_its_named_factors(toy):
    model = made(toy["train"], "lmf")
    batch = toy["train"].batch(range(4))
    vectors = model.subnetworks(batch)
    ways = torch.stack([h @ model.factors[m] for m, h in zip(batch.features, vectors, strict=True)])
    expected = (ways.prod(0) * model.weights.weight[0]).sum(1) + model.weights.bias
    torch.testing.assert_close(model(batch).prediction, expected)


# distances


def test_mmd_by_hand_and_by_brute_force():
    x, y = normal(5, 3), normal(4, 3, seed=1) + 1

    def k(a, b):
        return math.exp(-float((a - b).square().sum()) / (2 * 3))

    expected = sum(k(a, b) for a in x for b in x) / 25 + sum(k(a, b) for a in y for b in y) / 16
    expected -= 2 * sum(k(a, b) for a in x for b in y) / 20
    assert float(mmd(x, y)) == pytest.approx(expected, rel=1e-4)
    assert abs(float(mmd(x, x))) < 1e-6
    assert float(mmd(torch.zeros(1, 1), torch.ones(1, 1))) == pytest.approx(2 - 2 * math.exp(-0.5))


def test_mmd_to_a_normal_is_what_sampling_converges_to():
    x = 0.5 * normal(20, 4) + 0.3
    drawn = normal(4000, 4, seed=1)
    width = 4 / 2**0.5
    sampled = (
        gaussian_kernel(x, x, width).mean()
        + gaussian_kernel(drawn, drawn, width).mean()
        - 2 * gaussian_kernel(x, drawn, width).mean()
    )
    assert float(mmd_to_normal(x)) == pytest.approx(float(sampled), abs=2e-3)
    assert float(mmd_to_normal(x)) > 5 * float(mmd_to_normal(normal(2000, 4, seed=2)))
    assert float(mmd_to_normal(x[:0])) == 0


def test_cmd_by_hand():
    """Means agree; second moments 1/4 and 0, fourth 1/16 and 0, odd ones 0."""
    x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.5], [0.5]])
    assert float(cmd(x, y)) == pytest.approx(1 / 4 + 1 / 16)
    assert float(cmd(x, x + 2)) == pytest.approx(2)
    x.requires_grad_()
    cmd(x, x.detach()).backward()  # a length of 0 has gradient 0, not NaN
    assert not x.grad.any()


def test_the_difference_loss_is_zero_for_codes_that_do_not_go_together():
    x = torch.tensor([[1.0, 0], [-1, 0], [1, 0], [-1, 0]])
    y = torch.tensor([[0.0, 1], [0, 1], [0, -1], [0, -1]])
    assert float(cross_correlation(x, y)) == 0
    assert float(cross_correlation(x, x)) == pytest.approx(16 / 4)  # (x^T x)_00 = 4, of 4 entries
    assert float(cross_correlation(x[:1], y[:1])) == 0
    assert pairs((1, 2, 3)) == [(1, 2), (1, 3), (2, 3)]


# the Memory Fusion Network, Graph-MFN


def test_the_memory_by_hand():
    """Two steps of one modality pair, the second without vision, written out."""
    torch.manual_seed(0)
    c = BaselineConfig((2, 3), ("language", "vision"), dim=4, dropout=0.0)
    fusion = MemoryFusion(c, DeltaMemoryAttention(c)).eval()
    x = {"language": normal(1, 2, 2), "vision": normal(1, 2, 3)}
    masks = {"language": torch.ones(1, 2).bool(), "vision": torch.tensor([[True, False]])}
    zero = torch.zeros(1, 4)
    h = {m: zero for m in x}
    cell = {m: zero for m in x}
    memory = zero
    for t in range(2):
        before = dict(cell)
        for m in x:
            if masks[m][0, t]:
                h[m], cell[m] = fusion.cells[m](x[m][:, t], (h[m], cell[m]))
        star = torch.cat([*before.values(), *cell.values()], dim=1)
        seen = torch.softmax(fusion.look.scores(star), 1) * star
        both = torch.cat([seen, memory], 1)
        kept, written = fusion.keep(both).sigmoid(), fusion.write(both).sigmoid()
        memory = kept * memory + written * fusion.update(seen).tanh()
    expected = torch.cat([*h.values(), memory], dim=1)
    torch.testing.assert_close(fusion(x, masks), expected)


def test_the_graph_has_nineteen_edges_for_three_modalities():
    assert len(subsets(3)) == 7
    assert len(edges(3)) == 19
    assert [len(edges(m)) for m in (2, 3, 4)] == [3**m - 2**m for m in (2, 3, 4)]


def test_the_fusion_graph_of_two_modalities_by_hand():
    torch.manual_seed(0)
    c = BaselineConfig((2, 3), ("language", "vision"), dim=4, dropout=0.0)
    graph = DynamicFusionGraph(c).eval()
    before, after = normal(5, 2, 4), normal(5, 2, 4, seed=1)
    a, b = (graph.single[i](torch.cat([before[:, i], after[:, i]], 1)) for i in range(2))
    e = graph.efficacies(torch.cat([a, b], 1)).sigmoid()  # a->ab, b->ab, a->out, b->out, ab->out
    ab = graph.joint["0_1"](torch.cat([e[:, :1] * a, e[:, 1:2] * b], 1))
    scaled = torch.cat([e[:, 2:3] * a, e[:, 3:4] * b, e[:, 4:] * ab], 1)
    torch.testing.assert_close(graph(before, after), graph.joint["out"](scaled))


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
    frames, inside = frames_of_words(x, mask, words)
    first, count = windows(lengths, words)
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
    difference += sum(cross_correlation(a, b) for a, b in pairs(tuple(private)))
    torch.testing.assert_close(terms["diff"], difference)
    torch.testing.assert_close(terms["sim"], sum(cmd(a, b) for a, b in pairs(tuple(shared))) / 3)
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
