"""Shared parts, TFN, LMF and the memory networks, against brute force or numbers by hand."""

import math
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dmdlite.baselines.base import BaselineConfig
from dmdlite.baselines.distances import cmd, cross_correlation, gaussian_kernel, mmd, mmd_to_normal
from dmdlite.baselines.graph_mfn import DynamicFusionGraph, edges, subsets
from dmdlite.baselines.layers import BatchNorm, MaskedLSTM
from dmdlite.baselines.mfn import DeltaMemoryAttention, MemoryFusion
from dmdlite.baselines.tfn import outer_product
from tests.test_baselines import CLOSE, made, several


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
    x, y = normal(5, 3), normal(5, 3, seed=1) + 1

    def k(a, b):
        return math.exp(-float((a - b).square().sum()) / (2 * 3))

    expected = sum(k(a, b) for a in x for b in x) / 25 + sum(k(a, b) for a in y for b in y) / 25
    expected -= 2 * sum(k(a, b) for a in x for b in y) / 25
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


@pytest.mark.parametrize("distance", [mmd, cmd, cross_correlation])
@pytest.mark.parametrize("there", [[1, 0, 1, 1, 0], [0, 1, 0, 0, 0], [0] * 5, [1] * 5])
def test_who_is_not_there_does_not_count(distance, there):
    """The same value and gradient as of the rows alone; 0 without a row, and never NaN."""
    there = torch.tensor(there, dtype=torch.bool)
    x, y = normal(5, 3).requires_grad_(), normal(5, 3, seed=1) + 1
    value = distance(x, y, there)
    value.backward()
    weighed, x.grad = x.grad, None
    assert not weighed[~there].any()
    if not there.any():
        assert float(value.detach()) == 0
        return
    alone = distance(x[there], y[there])
    alone.backward()
    torch.testing.assert_close(value, alone)
    torch.testing.assert_close(weighed, x.grad)


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
