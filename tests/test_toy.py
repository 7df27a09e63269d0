"""The toy world: reproducible, MOSI-like, and true to what its docstring says."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeCV

import dmdlite
from dmdlite.data.scaling import time_pooled
from dmdlite.data.toy import SIZES, WORLDS, World, make_toy
from dmdlite.metrics import floors, sentiment_metrics
from tests.frugal import few_calls


@pytest.fixture(scope="module")
def full():
    return dmdlite.load_dataset("toy")


def test_seed_decides_everything():
    a, b, c = (make_toy(seed, sizes=(5, 2, 2))["train"] for seed in (3, 3, 4))
    assert all(torch.equal(a.values[m], b.values[m]) for m in a.modalities)
    assert torch.equal(a.labels, b.labels)
    assert not torch.equal(a.labels, c.labels)
    named = dmdlite.load_dataset("toy:4")["train"]
    assert torch.equal(named.values["audio"], make_toy(4)["train"].values["audio"])


def test_dials_turn_what_they_say_and_nothing_else():
    sizes = (300, 2, 2)
    plain = make_toy(5, sizes)["train"]
    same = make_toy(5, sizes, World())["train"]
    assert all(torch.equal(plain.values[m], same.values[m]) for m in plain.modalities)
    seven = make_toy(5, sizes, WORLDS["all clips 7 s"])["train"]
    assert set(seven.lengths("vision").tolist()) <= {0, 14}  # two a second
    paced = make_toy(5, sizes, WORLDS["events by the second"])["train"]

    def follows(data):
        """Correlation of the number of events with a clip's length."""
        there = data.lengths("audio") > 0
        pair = torch.stack([data.factors["events"][there], data.lengths("audio")[there].float()])
        return float(torch.corrcoef(pair)[0, 1])

    assert abs(follows(plain)) < 0.15 < 0.3 < follows(paced)
    assert float(paced.factors["events"].mean()) == pytest.approx(4.5, abs=0.3)
    assert float(paced.factors["events"].min()) >= 1


def test_made_at_once():
    """Some hundred calls a clip, none for each step of it."""
    with few_calls(300 * sum(SIZES)):
        make_toy()


def test_sizes_and_labels(full):
    assert tuple(len(d) for d in full.values()) == SIZES
    y = torch.cat([d.labels for d in full.values()])
    assert y.abs().max() == 3
    assert torch.allclose(5 * y, (5 * y).round(), atol=1e-4)
    # CMU-MOSI: mean near 0, standard deviation about 1.6, a few per cent of neutral labels.
    assert abs(y.mean()) < 0.3
    assert 1.3 < y.std() < 1.8
    assert 0.02 < (y == 0).float().mean() < 0.08


def test_sequences_are_unaligned_with_variable_lengths(full):
    data = full["train"]
    lengths = {m: data.lengths(m)[data.present.all(1)] for m in data.modalities}
    assert all(n.unique().numel() > 5 for n in lengths.values())
    assert (lengths["language"] < lengths["vision"]).all()
    assert (lengths["vision"] < lengths["audio"]).all()


def test_irregular_clips_have_the_promised_shares(full):
    data = full["train"]
    missing = 1 - data.present.float().mean(0)
    assert torch.allclose(missing, torch.tensor([0.06, 0.04, 0.04]), atol=0.03)
    assert data.present.any(1).all()
    assert abs(data.factors["misleading"].mean() - 0.1) < 0.03


def ridge_acc2(full, *modalities):
    train, test = (full[s].select(*modalities) for s in ("train", "test"))
    model = RidgeCV(np.logspace(-1, 4, 12)).fit(time_pooled(train), train.labels)
    return sentiment_metrics(model.predict(time_pooled(test)), test.labels)["acc2"]


def test_language_is_clearly_the_strongest(full):
    language, vision, audio = (ridge_acc2(full, m) for m in dmdlite.MODALITIES)
    floor = floors(full["test"].labels)["acc2"]
    assert language > vision + 0.05
    assert min(vision, audio) > floor


def test_words_mislead_where_flagged(full):
    data = full["train"].select("language")
    here = data.present[:, 0]
    model = RidgeCV(np.logspace(-1, 4, 12)).fit(time_pooled(data), data.labels)
    prediction = torch.tensor(model.predict(time_pooled(data)))
    misleading = data.factors["misleading"].bool() & here

    def correlation(keep):
        return torch.corrcoef(torch.stack([prediction[keep], data.labels[keep]]))[0, 1]

    assert correlation(misleading) < -0.3
    assert correlation(~misleading & here) > 0.5


def test_true_factors_come_with_every_sample(full):
    # The label follows the common factor; every modality's features carry it.
    data = full["test"]
    valence = data.factors["common"][:, 0]
    assert torch.corrcoef(torch.stack([valence, data.labels]))[0, 1] > 0.6
    assert {k: tuple(f.shape) for k, f in data.factors.items()} == {
        "common": (500, 3),
        **{f"private_{m}": (500, 3) for m in data.modalities},
        "misleading": (500,),
        "events": (500,),
    }
    for m in data.modalities:
        one = data.select(m)
        keep = one.present[:, 0].numpy()
        x, topic = time_pooled(one)[keep], data.factors["common"][keep, 1].numpy()
        fit = RidgeCV(np.logspace(-1, 4, 12)).fit(x[:200], topic[:200])
        assert fit.score(x[200:], topic[200:]) > 0.2
