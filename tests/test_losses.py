"""Eq. 2-6 and 11 against brute force, by hand, and at the edges."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dmdlite import losses


def margin_by_triples(common, labels, alpha, present, by_distance):
    """Eq. 4 as three nested loops over (sample, modality) pairs."""
    items = [(b, m) for b in range(len(labels)) for m in range(common.shape[1]) if present[b, m]]
    classes = [round(max(-3.0, min(3.0, float(y)))) for y in labels]  # Python rounds half to even
    cosine = F.cosine_similarity(common[:, :, None, None], common, dim=-1)  # [B, M, B, M]
    terms = []
    for bi, mi in items:
        for bj, mj in items:
            for bk, mk in items:
                same_emotion = classes[bi] == classes[bj] and classes[bi] != classes[bk]
                if mi != mj and mi == mk and same_emotion:
                    margin = alpha * (abs(labels[bi] - labels[bk]) if by_distance else 1)
                    near, far = cosine[bi, mi, bj, mj], cosine[bi, mi, bk, mk]
                    terms.append(F.relu(margin - near + far))
    return torch.stack(terms).mean() if terms else common.sum() * 0


def random_codes(seed, batch, modalities):
    return torch.randn(batch, modalities, 5, generator=torch.manual_seed(seed)).double()


def collapsed_codes(seed, batch, modalities):
    """Nearly one direction: what counts are small differences of large cosines."""
    return 1 + 0.01 * random_codes(seed, batch, modalities)


def tied_codes(seed, batch, modalities):
    """Along the axes: cosines are -1, 0 and 1, and many hinges are just zero."""
    codes = random_codes(seed, batch, modalities)
    return F.one_hot(codes.abs().argmax(-1), 5) * codes.sign()


@given(
    seed=st.integers(0, 10_000),
    codes=st.sampled_from([random_codes, collapsed_codes, tied_codes]),
    batch=st.integers(1, 6),
    modalities=st.integers(1, 4),
    alpha=st.sampled_from([0, 0.2, 1]),
    by_distance=st.booleans(),
)
@settings(max_examples=40)
def test_margin_and_its_gradient_equal_triple_loop(
    seed, codes, batch, modalities, alpha, by_distance
):
    common = codes(seed, batch, modalities).requires_grad_()
    labels = (torch.rand(batch).double() * 14 - 7).round() / 2  # -3.5, -3 ... 3.5: some twice
    present = torch.rand(batch, modalities) > 0.2
    values, gradients = [], []
    for loss in (margin_by_triples, losses.margin_loss):
        values.append(loss(common, labels, alpha, present, by_distance))
        gradients += torch.autograd.grad(values[-1], common)
    torch.testing.assert_close(*values, atol=1e-13, rtol=1e-10)
    torch.testing.assert_close(*gradients, atol=1e-13, rtol=1e-10)


@pytest.mark.parametrize("by_distance", [False, True])
def test_margin_gradient_is_its_slope(by_distance):
    common, labels = random_codes(0, 7, 3).requires_grad_(), torch.linspace(-3, 3, 7).double()
    present = torch.rand(7, 3) > 0.2

    def loss(common, alpha):
        return losses.margin_loss(common, labels, alpha, present, by_distance)

    alpha = torch.tensor(0.2).double().requires_grad_()
    assert torch.autograd.gradcheck(loss, (common, alpha))


def test_margin_keeps_small_differences_of_large_cosines():
    """Its sums hold 3 million numbers near 0.9, and what they leave is near 0.0001."""
    near, far = 0.9 + 1e-4 * torch.rand(2, 100, 300, generator=torch.manual_seed(0))
    every = torch.ones(100, 300, dtype=torch.bool)
    hinges = F.relu(far.double()[:, None, :] - near.double()[:, :, None])  # of the same numbers
    actual = losses.mean_hinge(near, far, every, every)
    assert actual.item() == pytest.approx(hinges.mean().item(), rel=1e-6)


def test_margin_counts_in_float32_under_autocast():
    """Cosines of axes are exact in bfloat16; 300 positives of an anchor are no bfloat16 number."""
    common, labels = tied_codes(0, 300, 3).float().requires_grad_(), torch.ones(300)
    labels[::2] = -1
    plain = losses.margin_loss(common, labels, 0.2)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = losses.margin_loss(common, labels, 0.2)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, plain, rtol=1e-6, atol=0)
    gradients = [torch.autograd.grad(loss, common)[0] for loss in (mixed, plain)]
    assert torch.dist(*gradients) < 0.01 * gradients[1].norm()


class Made(TorchDispatchMode):
    """Operations that make tensors, in a block's forward and backward passes, with their sizes."""

    def __init__(self):
        super().__init__()
        self.sizes, self.names = [], set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        self.names.add(function.overloadpacket.__name__)
        self.sizes += [x.numel() for x in tree_leaves(made) if isinstance(x, torch.Tensor)]
        return made


@pytest.mark.parametrize("by_distance", [False, True])
@pytest.mark.parametrize("batch", [64, 1024])
def test_margin_holds_every_cosine_but_no_triplet(batch, by_distance):
    """Without numbers, so that nothing can wait for one: no step depends on what a batch holds."""
    common = torch.empty(batch, 3, 32, device="meta", requires_grad=True)
    with Made() as made:
        loss = losses.margin_loss(common, common[:, 0, 0].detach(), 0.2, by_distance=by_distance)
        loss.backward()
    cosines = (3 * batch) ** 2
    assert max(made.sizes) == cosines
    assert sum(made.sizes) < 100 * cosines  # in all, views too; there are up to B triplets a cosine
    # A GPU adds these up in any order: a second run would differ in the last digits.
    assert not made.names & {"scatter_add", "scatter_add_", "index_add", "index_put", "cumsum"}


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
