"""Eq. 2-6 and 11 against brute force, by hand, and at the edges."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from dmdlite import losses


def margin_by_triples(common, labels, alpha, present):
    """Eq. 4 as three nested loops over (sample, modality) pairs."""
    items = [(b, m) for b in range(len(labels)) for m in range(common.shape[1]) if present[b, m]]
    classes = [round(max(-3.0, min(3.0, float(y)))) for y in labels]  # Python rounds half to even
    terms = []
    for bi, mi in items:
        for bj, mj in items:
            for bk, mk in items:
                same_emotion = classes[bi] == classes[bj] and classes[bi] != classes[bk]
                if mi != mj and mi == mk and same_emotion:
                    anchor = common[bi, mi]
                    positive = F.cosine_similarity(anchor, common[bj, mj], dim=0)
                    negative = F.cosine_similarity(anchor, common[bk, mk], dim=0)
                    terms.append(F.relu(alpha - positive + negative))
    return torch.stack(terms).mean() if terms else torch.zeros(()), len(terms)


@given(
    seed=st.integers(0, 10_000),
    batch=st.integers(1, 6),
    modalities=st.integers(2, 4),
    alpha=st.floats(0, 1),
)
def test_margin_equals_triple_loop(seed, batch, modalities, alpha):
    generator = torch.Generator().manual_seed(seed)
    common = torch.randn(batch, modalities, 5, generator=generator)
    labels = torch.rand(batch, generator=generator) * 7 - 3.5
    present = torch.rand(batch, modalities, generator=generator) > 0.2
    expected, _ = margin_by_triples(common, labels, alpha, present)
    actual = losses.margin_loss(common, labels, alpha, present)
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-4)


@given(seed=st.integers(0, 10_000), batch=st.integers(2, 6))
def test_margin_by_distance_equals_triple_loop(seed, batch):
    generator = torch.Generator().manual_seed(seed)
    common = torch.randn(batch, 3, 5, generator=generator)
    labels = torch.rand(batch, generator=generator) * 6 - 3
    terms = []
    classes = losses.sentiment_class(labels)
    cosine = F.cosine_similarity
    for a in range(batch):
        for b in range(batch):
            for c in range(batch):
                if classes[a] != classes[b] or classes[a] == classes[c]:
                    continue
                margin = 0.15 * abs(float(labels[a] - labels[c]))
                for i in range(3):
                    near = cosine(common[a, i], common[c, i], dim=0)
                    terms += [
                        F.relu(margin - cosine(common[a, i], common[b, j], dim=0) + near)
                        for j in range(3)
                        if j != i
                    ]
    expected = torch.stack(terms).mean() if terms else torch.zeros(())
    actual = losses.margin_loss(common, labels, 0.15, by_distance=True)
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-4)


def test_margin_by_hand():
    # Two clips, two modalities, unit vectors in the plane. Angles: (clip 0) 0 and 90 degrees,
    # (clip 1) 60 and 90. Anchor (0, first): positive cos 90 = 0, negative cos 60 = .5 -> .2 + .5;
    # (0, second): 0 and cos 0 = 1 -> 1.2; (1, first): cos 30, .5; (1, second): cos 30, 1.
    angles = torch.tensor([[0.0, 90.0], [60.0, 90.0]]).deg2rad()
    common = torch.stack([angles.cos(), angles.sin()], dim=-1)
    c30 = math.cos(math.radians(30))
    expected = (0.7 + 1.2 + max(0, 0.2 - c30 + 0.5) + (0.2 - c30 + 1)) / 4
    actual = losses.margin_loss(common, torch.tensor([2.0, -1.0]), margin=0.2)
    assert actual.item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("labels", [[1.0, 1.2, 0.8], [2.0]])
def test_margin_without_triplets_is_zero_with_zero_gradient(labels):
    common = torch.randn(len(labels), 3, 4, requires_grad=True)
    loss = losses.margin_loss(common, torch.tensor(labels), 0.2)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(common.grad, torch.zeros_like(common))


def test_margin_is_finite_on_zero_vectors():
    common = torch.zeros(3, 2, 4, requires_grad=True)
    losses.margin_loss(common, torch.tensor([-1.0, 0.0, 1.0]), 0.2).backward()
    assert torch.isfinite(common.grad).all()


def test_class_rounds_half_to_even_and_clips():
    labels = torch.tensor([-3.7, -2.5, -0.5, 0.5, 1.5, 2.5, 9.0])
    assert losses.sentiment_class(labels).tolist() == [-3, -2, 0, 0, 2, 2, 3]


def test_orthogonality_kinds_at_known_angles():
    common = torch.tensor([[[1.0, 0.0]] * 3])  # [1, 3, 2]
    private = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]]])  # cos 1, 0, -1
    every = torch.ones(1, 3, dtype=torch.bool)
    last = torch.tensor([[False, False, True]])
    loss = {k: losses.orthogonality_loss(common, private, every, k) for k in losses.ORTHOGONALITY}
    assert loss["squared"].item() == pytest.approx(2 / 3)
    assert loss["signed"].item() == pytest.approx(0)
    assert loss["hinge"].item() == pytest.approx(1 / 3)
    # Eq. 5 to the letter is smallest where the codes are anti-parallel, not orthogonal.
    assert losses.orthogonality_loss(common, private, last, "signed").item() == pytest.approx(-1)


def test_orthogonality_unknown_kind():
    x = torch.ones(1, 1, 2)
    with pytest.raises(ValueError, match="squared, signed, hinge, got 'cubed'"):
        losses.orthogonality_loss(x, x, torch.ones(1, 1, dtype=torch.bool), "cubed")


def test_reconstruction_by_hand():
    # Sample 0: one real step, errors 1 and 3 -> (1 + 9) / 2 = 5; its padded step does not count.
    # Sample 1: two real steps, 4 and 0 -> 2. Mean 3.5.
    shallow = torch.zeros(2, 2, 2)
    decoded = torch.tensor([[[1.0, 3.0], [99.0, 99.0]], [[2.0, 2.0], [0.0, 0.0]]])
    mask = torch.tensor([[True, False], [True, True]])
    assert losses.reconstruction_loss(shallow, decoded, mask).item() == pytest.approx(3.5)
    assert losses.cycle_loss(shallow, decoded, mask).item() == pytest.approx(3.5)


def test_objective_is_eq_11(toy, model):
    batch = toy["train"].batch(range(16))
    t = model(batch).losses(batch)
    c = model.config
    decoupling = t["rec"] + t["cyc"] + c.gamma * (t["mar"] + t["ort"])
    expected = t["task"] + c.lambda_dec * decoupling + c.lambda_ddl * (t["homo"] + t["hetero"])
    torch.testing.assert_close(t["total"], expected)
    assert all(value > 0 for value in t.values())


def test_every_term_but_margin_is_a_mean_over_samples(toy, model):
    halves = [toy["train"].batch(range(8)), toy["train"].batch(range(8, 16))]
    whole = toy["train"].batch(range(16))
    first, second = (model(b).losses(b) for b in halves)
    for name, value in model(whole).losses(whole).items():
        if name not in ("mar", "total"):
            torch.testing.assert_close(value, (first[name] + second[name]) / 2)
