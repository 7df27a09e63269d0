"""The released code's mistakes as variants of DMD: each differs in one thing, in the way said."""

import pytest
import torch
import torch.nn.functional as F

import dmdlite
from dmdlite import DMDConfig
from dmdlite.encoders import masked_mean
from dmdlite.experiments.mistakes import (
    GateReplaces,
    HeteroPushesApart,
    LabelsUnseen,
    MarginAnyModality,
    OrthogonalityOverBatch,
    orthogonality_over_batch,
)
from dmdlite.losses import orthogonality_loss, sentiment_class
from tests.conftest import SMALL


@pytest.fixture
def pair(toy):
    """pair(kind) -> (DMD's output, the variant's, batch), with the same weights."""

    def made(kind, **settings):
        models = []
        for each in (dmdlite.DMD, kind):
            dmdlite.seed_everything(0)
            models.append(each(DMDConfig.for_dataset(toy["train"], **SMALL | settings)).eval())
        models[1].load_state_dict(models[0].state_dict())
        batch = toy["train"].batch(range(8))
        return *(model(batch) for model in models), batch

    return made


def differing(a, b):
    return {name for name in a if not torch.equal(a[name], b[name])}


@pytest.mark.parametrize(
    ("kind", "term"),
    [
        (MarginAnyModality, "mar"),
        (OrthogonalityOverBatch, "ort"),
        (HeteroPushesApart, "hetero"),
        (LabelsUnseen, "task"),
    ],
)
def test_one_term_and_the_total_differ(pair, kind, term):
    plain, other, batch = pair(kind)
    a, b = plain.losses(batch), other.losses(batch)
    assert differing(a, b) == {term, "total"}
    c = plain.config
    weight = {"hetero": c.lambda_ddl, "task": 1}.get(term, c.lambda_dec * c.gamma)
    torch.testing.assert_close(b["total"], a["total"] + weight * (b[term] - a[term]))


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        (MarginAnyModality, "decoupling"),
        (OrthogonalityOverBatch, "decoupling"),
        (HeteroPushesApart, "hetero_gd"),
    ],
)
def test_a_part_that_is_left_out_weighs_nothing(pair, kind, part):
    plain, other, batch = pair(kind, **{part: False})
    torch.testing.assert_close(other.losses(batch)["total"], plain.losses(batch)["total"])


def test_margin_over_all_pairs_by_loops(pair):
    _, other, batch = pair(MarginAnyModality)
    codes = torch.stack([masked_mean(x, batch.masks[m]) for m, x in other.common.items()], 1)
    classes = sentiment_class(batch.labels)
    items = [(b, m) for b in range(8) for m in range(3) if batch.present[b, m]]
    terms = [
        F.relu(
            other.config.margin
            - F.cosine_similarity(codes[i], codes[j], dim=0)
            + F.cosine_similarity(codes[i], codes[k], dim=0)
        )
        for i in items
        for j in items
        for k in items
        if i != j and classes[i[0]] == classes[j[0]] != classes[k[0]]
    ]
    torch.testing.assert_close(other.losses(batch)["mar"], torch.stack(terms).mean())


def test_orthogonal_codes_still_cost_over_the_batch(pair):
    """Right angles in every step of every clip: our loss is zero, that of the wrong axis is not."""
    _, output, batch = pair(OrthogonalityOverBatch)
    torch.manual_seed(0)
    for m, x in output.common.items():
        angle = torch.rand(x.shape[:2]) * 1.5
        output.common[m] = torch.stack([angle.cos(), angle.sin()], dim=-1)
        output.private[m] = torch.stack([-angle.sin(), angle.cos()], dim=-1)
        ours = orthogonality_loss(output.common[m], output.private[m], batch.masks[m])
        assert ours.item() == pytest.approx(0, abs=1e-10)
    assert orthogonality_over_batch(output, batch) > 0.1


def test_pushing_apart_costs_most_where_read_outs_agree(pair):
    _, other, batch = pair(HeteroPushesApart)
    one = torch.randn(len(batch), 1, other.memory.shape[-1])
    other.memory = one.expand_as(other.memory) * batch.present[..., None]
    added = other.losses(batch)["hetero"] - other.hetero.loss
    assert batch.present.all(1).any()
    weight = other.hetero.weights.sum((1, 2)).mean()  # all of it: cosine one on every edge
    torch.testing.assert_close(added, weight)


def test_gate_replaces_the_feature(pair):
    plain, other, _ = pair(GateReplaces)
    assert not torch.allclose(plain.prediction, other.prediction)
    model = GateReplaces(plain.config)
    with torch.no_grad():
        for gate in model.fusion.gates:
            gate.weight.zero_()  # a gate that sees nothing: the true fusion would still see h
    features = [torch.randn(4, gate.in_features) for gate in model.fusion.gates]
    assert model.fusion.eval()(features).detach().std() == pytest.approx(0, abs=1e-6)
