"""Training on clips of which some have no label: what a loss leaves out, what an order mixes."""

import json
from dataclasses import fields, replace

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import dmdlite
from dmdlite import ConfigError, DataError, TrainConfig
from dmdlite.baselines.simple import ridge
from dmdlite.data.labels import epoch_order, hide_labels, label_rounds
from dmdlite.data.scaling import standardize
from dmdlite.experiments.formatting import about
from dmdlite.experiments.study import Study
from dmdlite.experiments.systems import KINDS
from dmdlite.losses import margin_loss
from dmdlite.metrics import floors
from dmdlite.registry import ALL
from tests.conftest import SMALL

UNSUPERVISED = ("rec", "cyc", "ort", "homo", "hetero")


def without(batch, *clips):
    labels = batch.labels.clone()
    labels[list(clips)] = torch.nan
    return replace(batch, labels=labels)


def clips(dataset, *places):
    return dataset.batch(torch.tensor(places))


def small(kind, toy, **settings):
    """The system with seed 0, as far as it can be made small."""
    dmdlite.seed_everything(0)
    known = {field.name for field in fields(kind.config_class)}
    own = {k: v for k, v in SMALL.items() if k in known} | settings
    return kind.for_dataset(toy["train"], **own)


@pytest.fixture(params=KINDS)
def system(request, toy):
    return small(KINDS[request.param], toy).eval()


def test_what_needs_a_label_is_that_of_the_labelled_clips(system, toy):
    """Also its gradient: an unlabelled clip puts nothing into it, and no NaN."""
    whole = without(clips(toy["train"], *range(12)), 1, 2, 5, 11)
    known = clips(toy["train"], *(i for i in range(12) if i not in (1, 2, 5, 11)))
    losses = [system(batch).losses(batch) for batch in (whole, known)]
    found = [sum(x[name] for name in ("task", "mar") if name in x) for x in losses]
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=1e-5)
    parameters = list(system.parameters())
    grads = [torch.autograd.grad(x, parameters, materialize_grads=True) for x in found]
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_who_learns_without_labels_does_and_says_so(system, toy):
    batch = clips(toy["train"], *range(12))
    batch = without(batch, *range(12))
    losses = system.train()(batch).losses(batch)
    assert losses["task"] == 0
    assert torch.isfinite(losses["total"])
    moved = losses["total"].requires_grad and any(
        grad.abs().max() > 0
        for grad in torch.autograd.grad(
            losses["total"], list(system.parameters()), materialize_grads=True
        )
    )
    assert moved == system.learns_without_labels


@pytest.mark.parametrize(
    ("kind", "settings", "learns"),
    [
        ("DMD", {"lambda_dec": 0.0}, True),
        ("DMD", {"lambda_dec": 0.0, "lambda_ddl": 0.0}, False),
        ("DMD", {"decoupling": False, "homo_gd": False, "hetero_gd": False}, False),
        ("DMD", {"decoupling": False, "homo_gd": False}, True),
        ("MulT", {"hetero_gd": True}, True),
        ("MulT", {"hetero_gd": True, "lambda_ddl": 0.0}, False),
        ("MISA", {"lambda_rec": 0.0}, True),
        ("MISA", {"lambda_rec": 0.0, "lambda_sim": 0.0, "lambda_diff": 0.0}, False),
    ],
)
def test_a_term_that_weighs_nothing_teaches_nothing(toy, kind, settings, learns):
    assert ALL[kind].for_dataset(toy["train"], **settings).learns_without_labels is learns


def test_terms_without_labels_do_not_see_them(model, toy):
    batch = clips(toy["train"], *range(12))
    gone = without(batch, *range(0, 12, 2))
    found, less = (model(batch).losses(b) for b in (batch, gone))
    assert all(torch.equal(found[name], less[name]) for name in UNSUPERVISED)
    assert found["task"] != less["task"]


@pytest.mark.parametrize("by_distance", [False, True])
def test_the_margin_loss_leaves_unlabelled_clips_out(by_distance):
    generator = torch.Generator().manual_seed(0)
    common = torch.randn(8, 3, 5, generator=generator, requires_grad=True)
    labels = torch.tensor([1.0, -2, 1, 0, 3, -2, 0, 1])
    gone = labels.clone()
    gone[[0, 5]] = torch.nan
    kept = [1, 2, 3, 4, 6, 7]
    found = margin_loss(common, gone, 0.2, by_distance=by_distance)
    expected = margin_loss(common[kept], labels[kept], 0.2, by_distance=by_distance)
    torch.testing.assert_close(found, expected)
    (gradient,) = torch.autograd.grad(found, common)
    assert gradient[[0, 5]].abs().max() == 0
    assert gradient.isfinite().all()
    assert margin_loss(common, torch.full((8,), torch.nan), 0.2, by_distance=by_distance) == 0


@given(
    labelled=st.lists(st.booleans(), min_size=1, max_size=80).filter(any),
    share=st.none() | st.floats(0, 0.9),
    seed=st.integers(0, 9),
)
def test_an_epoch_holds_every_clip_and_any_stretch_its_part(labelled, share, seed):
    known = torch.tensor(labelled)
    order = epoch_order(known, share, seed, 1)
    times = torch.bincount(order, minlength=len(known))
    assert (times[~known] == 1).all()
    assert len(set(times[known].tolist())) == 1
    found = known[order].double()
    if not known.all():
        assert found.mean() >= (share or 0) - 1e-9
        fewer = times[known][0] - 1  # a round less would be too few
        assert not fewer or fewer * known.sum() < share * (fewer * known.sum() + (~known).sum())
    else:
        assert (times == 1).all()
    before = torch.cat([torch.zeros(1, dtype=torch.float64), found.cumsum(0)])
    length = torch.arange(len(before))
    stretch = before[None] - before[:, None]  # labelled clips between any two places
    expected = (length[None] - length[:, None]) * found.mean()
    assert ((stretch - expected).triu().abs() <= 2).all() or known.all()
    assert torch.equal(order, epoch_order(known, share, seed, 1))


def test_epochs_differ():
    known = torch.arange(20) < 5
    assert not torch.equal(epoch_order(known, None, 0, 1), epoch_order(known, None, 0, 2))
    assert not torch.equal(epoch_order(known, None, 0, 1), epoch_order(known, None, 1, 1))


def trained(kind, splits, **training):
    model = small(ALL[kind], splits)
    config = TrainConfig(epochs=2, progress=False, device="cpu", **training)
    return model, dmdlite.fit(model, splits, config)


@pytest.mark.parametrize("kind", ["LMF", "MulT", "linear"])
def test_who_needs_labels_trains_as_if_the_others_were_not_there(toy, kind, capsys):
    few = toy | {"train": hide_labels(toy["train"], 20, seed=3)}
    only = toy | {"train": few["train"].subset(few["train"].labelled)}
    (a, first), (b, second) = (trained(kind, splits) for splits in (few, only))
    assert first == second
    assert all(torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())
    dmdlite.fit(a, few, TrainConfig(epochs=1, device="cpu"))
    assert "44 of 64 training samples lack a label and are left out" in capsys.readouterr().err


def test_the_history_s_task_loss_is_a_mean_over_labelled_clips(toy):
    """However they fall into batches: at a rate that moves nothing it is one number."""
    few = toy | {"train": hide_labels(toy["train"], 9, seed=1)}
    still = {"learning_rate": 1e-12, "batch_size": 7}
    model = small(dmdlite.DMD, toy, embed_dropout=0.0, output_dropout=0.0)
    known = few["train"].batch(few["train"].labelled)
    for share in (None, 0.6):
        config = TrainConfig(epochs=1, progress=False, device="cpu", labelled_share=share, **still)
        row = dmdlite.fit(model, few, config)[0]
        with torch.no_grad():
            expected = model.eval()(known).losses(known)["task"]
        assert row["train_task"] == pytest.approx(float(expected), rel=1e-4)


def test_unlabelled_clips_change_what_dmd_learns(toy):
    few = toy | {"train": hide_labels(toy["train"], 20, seed=3)}
    only = toy | {"train": few["train"].subset(few["train"].labelled)}
    (a, _), (b, _) = (trained("DMD", splits) for splits in (few, only))
    assert any(not torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())


def test_validation_needs_every_label_and_training_one(toy, model):
    config = TrainConfig(epochs=1, progress=False, device="cpu")
    with pytest.raises(DataError, match="valid: 22 of 32 samples lack a label"):
        dmdlite.fit(model, toy | {"valid": hide_labels(toy["valid"], 10, 0)}, config)
    none = replace(toy["train"], labels=torch.full((64,), torch.nan))
    with pytest.raises(DataError, match="train: 64 of 64 samples lack a label"):
        dmdlite.fit(model, toy | {"train": none}, config)
    with pytest.raises(DataError, match="test: 22 of 32 samples lack a label; leave those out"):
        dmdlite.fit(model, toy | {"test": hide_labels(toy["test"], 10, 0)}, config)
    with pytest.raises(DataError, match="22 of 32 samples lack a label; predict them"):
        dmdlite.evaluate(model, hide_labels(toy["valid"], 10, 0))


def test_a_floor_is_chosen_on_the_labels_that_there_are(toy, model):
    train = hide_labels(toy["train"], 10, 0)
    found = floors(toy["test"].labels, train.labels)
    assert found == floors(toy["test"].labels, train.labels[train.labelled])
    assert dmdlite.evaluate(model, toy["test"], train)["floors"] == found
    with pytest.raises(ValueError, match="no label"):
        floors(toy["test"].labels, torch.full((3,), torch.nan))


def test_fewer_labels_are_among_more(toy):
    kept = [set(hide_labels(toy["train"], n, 5).labelled.nonzero()[:, 0].tolist()) for n in (5, 9)]
    assert kept[0] < kept[1]
    assert [len(k) for k in kept] == [5, 9]
    for wrong in (0, 65):
        with pytest.raises(ConfigError, match="labelled: from 1 to the 64 labels of train"):
            hide_labels(toy["train"], wrong, 0)


def test_an_experiment_with_few_labels(run_cli, toy_folder, tmp_path):
    """Every system runs; ridge learns from the labels that were left; tables say how many."""
    common = ("--data", toy_folder, "--seeds", 1, "--epochs", 1, "--out", tmp_path / "r")
    small = [f"--set={k}={v}" for k, v in SMALL.items()]
    arguments = ("reproduce", "simple", *common, *small, "--trials", 0, "--jobs", 1)
    code, out, err = run_cli(*arguments, "--labelled", 9)
    assert code == 0, err
    assert "9 labels in train" in out
    folder = tmp_path / "r" / "small-9labels"
    rows = pd.read_csv(folder / "simple.csv")
    assert set(rows["labelled"]) == {9}
    assert json.loads((folder / "simple.json").read_text())["labelled"] == 9
    study = Study(str(toy_folder), labelled=9)
    train = next(iter(study.parts(0)))[0]["train"]
    known, test = standardize(train.subset(train.labelled), study.splits["test"])
    mae = (torch.as_tensor(ridge(known, test)) - test.labels).abs().mean()
    assert float(rows.set_index("system").loc["ridge", "mae"]) == pytest.approx(
        float(mae), rel=1e-3
    )
    assert "labels in train" not in about(rows.drop(columns="labelled"))
    assert "from 1 to the 64 labels" in run_cli(*arguments, "--labelled", 65)[2]


ROUNDS = [(10, 15, 0.4, 1), (10, 270, 0.1, 3), (10, 70, 0.3, 3), (10, 15, 0.41, 2), (5, 5, None, 1)]


@pytest.mark.parametrize(("known", "unknown", "share", "rounds"), ROUNDS)
def test_no_round_more_than_needed(known, unknown, share, rounds):
    assert label_rounds(torch.arange(known + unknown) < known, share) == rounds
