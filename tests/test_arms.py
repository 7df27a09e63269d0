"""Arms of the map: graphs, teachers, a world of the test split alone, an ideal decoupling."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import dmdlite
from dmdlite import DataError
from dmdlite.baselines.simple import ridge
from dmdlite.data.labels import hide_labels
from dmdlite.data.scaling import time_pooled
from dmdlite.data.worlds import turn
from dmdlite.experiments import arms
from dmdlite.experiments.controls import CONTROLS
from dmdlite.experiments.curves import ARMS
from dmdlite.experiments.runs import Run
from dmdlite.experiments.study import Study
from tests.conftest import SMALL


@pytest.fixture
def output_and_batch(toy):
    dmdlite.seed_everything(0)
    model = dmdlite.DMD.for_dataset(toy["train"], **SMALL).eval()
    few = hide_labels(toy["train"], 20, 0)
    places = torch.tensor([*(~few.present.all(1)).nonzero()[:3, 0], 0, 1, 2, 3, 4])
    batch = few.batch(places)
    with torch.no_grad():
        return model(batch), batch


def brute(output, batch, weight):
    """sum of weight(clip, i, j) |z_i - z_j| over edges, normalised clip by clip: the mean."""
    total = 0.0
    for b in range(len(batch)):
        here = output.present[b].nonzero()[:, 0].tolist()
        pairs = [(i, j) for i in here for j in here if i != j]
        w = np.array([float(weight(b, i, j)) for i, j in pairs])
        z = output.homo.logits[b]
        gaps = np.array([abs(float(z[i] - z[j])) for i, j in pairs])
        total += (w * gaps).sum() / w.sum() if w.sum() > 0 else 0.0
    return total / len(batch)


def test_every_graph_is_what_it_is_called(output_and_batch):
    output, batch = output_and_batch
    truth, z = batch.factors["hidden"], output.homo.logits

    def best(b):
        here = output.present[b].nonzero()[:, 0].tolist()
        return min(here, key=lambda i: abs(float(z[b, i] - truth[b])))

    expected = {
        "uniform graph": lambda b, i, j: 1,
        "language teaches": lambda b, i, j: i == 0,
        "best teaches": lambda b, i, j: i == best(b),
        "another clip's graph": lambda b, i, j: output.homo.weights[b - 1, i, j],
    }
    for name, weight in expected.items():
        found = float(arms.KINDS[name].terms["homo"](output, batch))
        assert found == pytest.approx(brute(output, batch, weight), rel=1e-4), name


def test_the_fusion_teaches_every_logit(output_and_batch):
    output, batch = output_and_batch
    gap = (output.homo.logits - output.prediction[:, None]).abs() * output.present
    found = arms.KINDS["fusion teaches"].terms["homo"](output, batch)
    assert float(found) == pytest.approx(float(gap.sum() / (3 * len(batch))), rel=1e-5)


TEACHING = [k for k in arms.KINDS if k not in ("no margin", "modality dropout")]


@pytest.mark.parametrize("kind", TEACHING)
def test_a_teacher_is_not_pulled_and_a_student_is(toy, kind):
    dmdlite.seed_everything(0)
    model = arms.KINDS[kind].for_dataset(toy["train"], **SMALL)
    batch = toy["train"].batch(range(16))
    output = model(batch)
    (pulled,) = torch.autograd.grad(output.losses(batch)["homo"], output.homo.logits)
    assert pulled.abs().sum() > 0
    if kind == "language teaches":
        assert pulled[:, 0].abs().max() == 0


def test_who_errs_less_teaches_by_how_much_less(toy):
    model = arms.WhoErrsLessTeaches.for_dataset(toy["train"], **SMALL)
    batch = hide_labels(toy["train"], 30, 0).batch(range(24))
    output = model.eval()(batch)
    assert float(model.taught(output, batch)) == 0  # nothing is known of anybody
    assert not model.errors.any()  # who is only measured is not learned from
    model.train().taught(output, batch)
    known = output.present & ~batch.labels.isnan()[:, None]
    error = (output.homo.logits - batch.targets[:, None]).abs().detach()
    mean = [float(error[known[:, i], i].mean()) for i in range(3)]
    expected = brute(output, batch, lambda b, i, j: max(0.0, mean[j] - mean[i]))
    assert float(model.eval().taught(output, batch)) == pytest.approx(expected, rel=1e-4)
    before = model.errors.clone()
    model.train().taught(output, batch)
    assert torch.allclose(model.errors, 1.98 * before)  # steps fade
    best = int(np.argmin(mean))
    (pulled,) = torch.autograd.grad(model.eval().taught(output, batch), output.homo.logits)
    assert pulled[:, best].abs().max() == 0


def test_without_margin_there_is_none(toy):
    model = arms.KINDS["no margin"].for_dataset(toy["train"], **SMALL)
    batch = toy["train"].batch(range(16))
    losses = model(batch).losses(batch)
    assert losses["mar"] == 0
    assert losses["ort"] > 0


def test_a_world_of_the_test_split_alone():
    study = Study("toy:train=30,valid=9,test=200", draw=2, tested="missing=0.9:0:0")
    plain = next(iter(replace(study, tested="").parts(2)))[0]
    turned = next(iter(study.parts(2)))[0]
    for split in ("train", "valid"):
        assert turned[split].fingerprint() == plain[split].fingerprint()
    assert torch.equal(turned["test"].labels, plain["test"].labels)
    assert turned["test"].present[:, 0].float().mean() < 0.2
    assert plain["test"].present[:, 0].float().mean() > 0.85
    hashes = {Run(s, ARMS["bare"][0], 0).config_hash for s in (study, replace(study, tested=""))}
    assert len(hashes) == 2


def test_modality_dropout_takes_whole_modalities_and_never_all(toy):
    torch.manual_seed(0)
    batch = toy["train"].batch(range(64))
    found = [arms.dropped(batch, 0.5) for _ in range(20)]
    kept = torch.stack([b.present for b in found])  # [20, 64, M]
    assert kept.any(2).all()
    assert not (kept & ~batch.present).any()
    # Each stays with probability 1/2; of three all would go in 1/8, and then all stay.
    complete = kept[:, batch.present.all(1)].float()
    assert complete.mean() == pytest.approx(0.5 + 0.125, abs=0.05)
    for i, (m, x) in enumerate(found[0].features.items()):
        assert torch.equal(x[kept[0, :, i]], batch.features[m][kept[0, :, i]])
        assert x[~kept[0, :, i]].abs().sum() == 0
    counted = torch.stack([mask.sum(1) for mask in found[0].masks.values()], 1)
    assert torch.equal(found[0].real_steps(), counted)
    model = arms.ModalityDropout.for_dataset(toy["train"], **SMALL)
    assert not torch.equal(model(batch).prediction, model(batch).prediction)
    assert torch.equal(model.eval()(batch).prediction, model(batch).prediction)


def strength(splits, m):
    """How much of the test clips' means goes with p_m[1], all else being equal."""
    test = splits["test"].select(m)
    here = test.lengths(m) > 0
    known = [test.factors[f"private_{m}"], test.factors["common"], test.labels[:, None]]
    about = torch.cat([*known, torch.ones(len(test), 1)], dim=1)[here]
    means = torch.as_tensor(time_pooled(test)).float()[here]
    return float(torch.linalg.lstsq(about, means).solution[1].norm())


def test_what_shifts_is_taken_out_and_little_else():
    splits = dmdlite.load_dataset("toy:shift=0.8")
    cleaned = CONTROLS["without what shifts"](splits, 0)
    for m in ("language", "vision", "audio"):
        assert strength(cleaned, m) < 0.3 * strength(splits, m)
    plain = dmdlite.load_dataset("toy")  # where ridge has no use for p_m[1]
    errors = [
        np.abs(ridge(d["train"], d["test"]) - d["test"].labels.numpy()).mean()
        for d in (splits, cleaned, plain)
    ]
    assert errors[1] < errors[0] - 0.2  # what turned round misled it
    assert errors[1] < errors[2] + 0.1


@pytest.mark.parametrize(
    ("name", "dials", "turned"),
    [
        ("toy", "", "toy"),
        ("toy", "noise=2", "toy:noise=2"),
        ("toy:7", "noise=2", "toy:noise=2,seed=7"),
        ("toy:seed=7,noise=3", "noise=2", "toy:noise=2,seed=7"),
        ("toy:noise=3", "", "toy:noise=3"),
    ],
)
def test_a_dial_is_turned_by_name(name, dials, turned):
    assert turn(name, dials) == turned
    with pytest.raises(DataError, match="mosi: only a toy has dials"):
        turn("mosi", dials)
