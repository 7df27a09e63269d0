"""The margin chapter: its code against dmdlite and loops, its checks on wrong answers."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import dmdlite
from dmdlite.encoders import masked_mean
from dmdlite.losses import margin_loss, objective, sentiment_class
from tests.chapters import chapter, refused

NAME = "05_margin_and_orthogonality"
NS = chapter(NAME)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=6), st.integers(2, 4), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_three_margin_losses_and_two_counts_agree(classes, modalities, seed):
    common = torch.randn(len(classes), modalities, 5, generator=torch.Generator().manual_seed(seed))
    labels = torch.tensor(classes).float()
    slow = NS["margin_by_loops"](common, classes, 0.3)
    assert float(NS["my_margin_loss"](common, labels, 0.3)) == pytest.approx(slow, abs=1e-5)
    assert float(margin_loss(common, labels, 0.3)) == pytest.approx(slow, abs=1e-5)
    assert NS["count"](classes, modalities) == len(NS["triplets"](classes, modalities))


def test_its_loss_is_the_packages_objective():
    """Same codes, same masks: rec, cyc, mar and ort of both are equal."""
    model = NS["Decoupled"](NS["train"].widths)
    batch = NS["train"].batch(range(12))
    prediction, shallow, (common, private, decoded, again), _ = model(batch)
    gd = dmdlite.GDUnit(16)(torch.randn(12, 3, 16))
    config = dmdlite.DMDConfig(widths=NS["train"].widths, gamma=2.0)
    pooled = torch.stack([masked_mean(x, batch.masks[m]) for m, x in common.items()], dim=1)
    made = (prediction, shallow, common, private, decoded, again, {}, pooled, pooled, gd, gd)
    output = dmdlite.DMDOutput(*made, batch.present, config)
    terms = objective(output, batch)
    decoupling = terms["rec"] + terms["cyc"] + 2 * (terms["mar"] + terms["ort"])
    task = (prediction - batch.labels).abs().mean()
    torch.testing.assert_close(NS["loss_of"](model, batch, 2.0, 2.0), task + 0.1 * decoupling)


@pytest.mark.parametrize("start", [20.0, 120.0])
def test_where_each_orthogonality_ends(start):
    ends = {kind: NS["private_angle"](kind, start)[-1] for kind in NS["KINDS"]}
    assert ends["signed"] > 178
    assert ends["squared"] == pytest.approx(90, abs=0.1)
    assert ends["hinge"] == pytest.approx(start, abs=1e-3) if start > 90 else ends["hinge"] < 97


def test_a_share_is_zero_for_noise_and_one_for_a_linear_code():
    torch.manual_seed(0)
    f = torch.randn(2000, 3)
    assert NS["share"](f @ torch.randn(3, 6) + 4, f) == pytest.approx(1, abs=1e-4)
    assert NS["share"](torch.randn(2000, 6), f) < 0.01


def fixed_margin(common, labels, slope=0.15):
    return margin_loss(common, labels, slope)


def positive_distance(common, labels, slope=0.15):
    """The margin from anchor to positive."""
    cosine, classes = NS["all_cosines"](common), sentiment_class(labels)
    positive, negative = NS["flags"](classes, common.shape[1])
    margin = slope * (labels[:, None] - labels).abs()
    margin = margin[:, None, :, None].expand(-1, 1, -1, common.shape[1]).flatten(2)[..., None]
    cos_n = cosine.diagonal(dim1=1, dim2=3).transpose(1, 2)
    cost = margin - cosine.flatten(2)[..., None] + cos_n[:, :, None]
    chosen = positive.flatten(2)[..., None] & negative[:, :, None]
    return (cost.relu() * chosen).sum() / chosen.sum()


def mean_cosine(common, private):
    return float(F.cosine_similarity(common, private, dim=-1).abs().mean())


def other_way(common, private):
    return NS["share"](common, private)


def as_they_are(unit, pooled, present):
    return unit(pooled, present).logits


def divided(unit, pooled, present):
    return unit(pooled / pooled.norm(dim=-1, keepdim=True), present).logits


test_wrong_answers_are_refused = refused(
    NS,
    check_distance=(
        fixed_margin,
        positive_distance,
    ),
    check_redundancy=(
        mean_cosine,
        other_way,
    ),
    check_directions=(
        as_they_are,
        divided,
    ),
)
