"""What every system must do: masks, gradients, missing modalities, save and load, overfitting."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import dmdlite
from dmdlite import Batch, ConfigError, ModelError, MultimodalDataset, TrainConfig
from dmdlite.data.alignment import aligned
from dmdlite.registry import ALL, find_model, load_model
from tests.conftest import SMALL
from tests.test_model import with_padding

OTHERS = [name.lower() for name in ALL if name != "DMD"]
CASES = [*OTHERS, "mult with a unit"]
EVERY = pytest.mark.parametrize("name", CASES)
CLOSE = {"atol": 2e-5, "rtol": 1e-4}


def made(dataset, name, seed=0, **settings):
    """A small untrained model in evaluation mode."""
    own = {} if name == "linear" else {"dim": 8}
    if name.startswith("mult"):
        own = SMALL | {"hetero_gd": "unit" in name}
    dmdlite.seed_everything(seed)
    return find_model(name.split(" ")[0]).for_dataset(dataset, **own | settings).eval()


def several(count, clips=6, seed=0):
    """A data set with `count` modalities of 1 to 7 steps."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 8, (count, clips), generator=generator)
    ends = torch.nn.functional.pad(lengths.cumsum(1), (1, 0))
    names = ("language", "vision", "audio", "pulse", "hands")[:count]
    values = {
        m: torch.randn(int(ends[k, -1]), 3 + k, generator=generator) for k, m in enumerate(names)
    }
    labels = torch.linspace(-3, 3, clips)
    offsets = {m: ends[k] for k, m in enumerate(names)}
    return MultimodalDataset(values, offsets, labels, tuple(str(i) for i in range(clips)))


def without(batch, *gone):
    """The batch with the modalities `gone` missing in every sample but 0."""
    masks = {m: mask.clone() for m, mask in batch.masks.items()}
    for m in gone:
        masks[m][1:] = False
    features = {m: x.masked_fill(~masks[m][..., None], 0) for m, x in batch.features.items()}
    return Batch(features, masks, batch.labels)


@EVERY
@settings(max_examples=5)
@given(extra=st.tuples(*[st.integers(0, 6)] * 3), seed=st.integers(0, 1000))
def test_padding_changes_nothing(toy, name, extra, seed):
    model = made(toy["train"], name)
    batch = toy["train"].batch(range(8))
    other = with_padding(batch, extra, seed)
    plain, padded = model(batch), model(other)
    assert plain.prediction.shape == (8,)
    torch.testing.assert_close(padded.prediction, plain.prediction, **CLOSE)
    torch.testing.assert_close(padded.losses(other), plain.losses(batch), **CLOSE)


@EVERY
def test_a_prediction_does_not_depend_on_the_batch_or_on_labels(toy, name):
    model = made(toy["train"], name)
    together = model(toy["train"].batch(range(6))).prediction
    for i in range(6):
        batch = toy["train"].batch([i])
        batch.labels[:] = 99
        torch.testing.assert_close(model(batch).prediction, together[i : i + 1], **CLOSE)


@EVERY
def test_gradient_reaches_every_parameter(toy, name):
    """And the loss's graph ends in no tensor but parameters: nothing is made in forward."""
    model = made(toy["train"], name).train()
    batch = toy["train"].batch(range(15))  # odd: the signs of an L1 loss cannot cancel
    model(batch).losses(batch)["total"].backward()
    parameters = dict(model.named_parameters())
    still = [name for name, p in parameters.items() if p.grad is None or not p.grad.any()]
    assert still == []
    leaves = leaves_of(model(batch).losses(batch)["total"])
    assert leaves == {id(p) for p in parameters.values()}


def leaves_of(loss):
    """Ids of the tensors in which the graph of `loss` ends."""
    found, todo, seen = set(), [loss.grad_fn], set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.add(id(node.variable))
        todo += [following for following, _ in node.next_functions]
    return found


@pytest.mark.parametrize("name", [name for name in OTHERS if name != "mult"])  # test_mult.py does
def test_total_is_the_weighted_sum(toy, name):
    batch = toy["train"].batch(range(8))
    output = made(toy["train"], name)(batch)
    terms = output.losses(batch)
    error = output.prediction - batch.labels
    task = error.square().mean() if name == "misa" else error.abs().mean()
    torch.testing.assert_close(terms["task"], task)
    own = {k: v for k, v in terms.items() if k not in ("task", "total")}
    assert own.keys() == output.weights.keys()
    total = task + sum(output.weights[k] * v for k, v in own.items())
    torch.testing.assert_close(terms["total"], total)
    assert all(v > 0 and output.weights[k] > 0 for k, v in own.items())


@EVERY
@pytest.mark.parametrize("gone", [("audio",), ("language",), ("vision", "audio")])
def test_missing_modalities(toy, name, gone):
    """Finite, gradients too; samples that lack nothing are predicted as before."""
    model = made(toy["train"], name)
    complete = toy["train"].present.all(1).nonzero().squeeze(1)[:6]
    batch = toy["train"].batch(complete)
    lacking = without(batch, *gone)
    plain, output = model(batch), model(lacking)
    torch.testing.assert_close(output.prediction[0], plain.prediction[0], **CLOSE)
    assert torch.isfinite(output.prediction).all()
    output.losses(lacking)["total"].backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    if name != "mctn":  # which never reads them for its prediction
        assert (output.prediction[1:] != plain.prediction[1:]).any()


@EVERY
def test_one_sample_and_a_modality_nobody_has(toy, name):
    model = made(toy["train"], name).train()
    complete = int(toy["train"].present.all(1).nonzero()[0])
    batch = toy["train"].batch([complete])
    for m in batch.features:
        nobody = {
            part: {**found, m: torch.zeros_like(found[m])}
            for part, found in (("features", batch.features), ("masks", batch.masks))
        }
        for one in (batch, Batch(**nobody, labels=batch.labels)):
            total = model(one).losses(one)["total"]
            total.backward()
            assert torch.isfinite(total)


@EVERY
@pytest.mark.parametrize("count", [2, 4, 5])
def test_two_to_five_modalities(name, count):
    dataset = several(count)
    if name == "mctn" and count > 3:
        with pytest.raises(ConfigError, match="translates a source into one or two others, got"):
            made(dataset, name)
        return
    batch = dataset.batch(range(6))
    model = made(dataset, name)
    assert torch.isfinite(model(batch).losses(batch)["total"])
    assert model(batch).prediction.shape == (6,)


@EVERY
def test_aligned_data_are_read_as_they_are(toy, name):
    """On data that were resampled before, a system that resamples predicts the same."""
    model = made(toy["train"], name)
    flat = aligned(toy["train"])
    other = made(flat, name)
    other.load_state_dict(model.state_dict())
    complete = toy["train"].present.all(1).nonzero().squeeze(1)[:6]
    before, after = (m(d.batch(complete)) for m, d in ((model, toy["train"]), (other, flat)))
    same = torch.allclose(before.prediction, after.prediction, atol=1e-5)
    assert same == (model.one_axis or name == "mctn")
    if hasattr(model.config, "is_aligned"):
        assert (model.config.is_aligned, other.config.is_aligned) == (False, True)


@EVERY
def test_a_time_grid_with_gaps(name):
    """Steps of aligned data stay where they are: a gap is no step, and later ones do not move."""
    values = {m: torch.randn(3, 2) for m in ("language", "audio")}
    offsets = {m: torch.tensor([0, 3]) for m in values}
    steps = {"language": torch.tensor([0, 1, 4]), "audio": torch.tensor([1, 2, 4])}
    dataset = MultimodalDataset(values, offsets, torch.ones(1), ("clip",), steps=steps)
    model = made(dataset, name).train()
    batch = dataset.batch([0])
    model(batch).losses(batch)["total"].backward()
    assert torch.isfinite(model(batch).prediction).all()


@EVERY
def test_save_and_load(toy, name, tmp_path):
    model = made(toy["train"], name)
    model.save_pretrained(tmp_path)
    batch = toy["test"].batch(range(5))
    again = load_model(tmp_path)
    assert type(again) is type(model)
    assert again.config == model.config
    assert torch.equal(again(batch).prediction, model(batch).prediction)
    with pytest.raises(ModelError, match=f"holds a {type(model).__name__}, not a DMD"):
        dmdlite.DMD.from_pretrained(tmp_path)


@EVERY
def test_same_seed_same_training(toy, name):
    def run():
        model = made(toy["train"], name)
        config = TrainConfig(epochs=2, seed=3, progress=False, device="cpu")
        return dmdlite.fit(model, toy, config)

    assert run() == run()


@EVERY
def test_overfits_sixteen_samples(toy, name):
    complete = toy["train"].present.all(1).nonzero().squeeze(1)[:16]
    few = toy["train"].subset(complete)
    off = {"embed_dropout": 0.0, "output_dropout": 0.0} if "mult" in name else {"dropout": 0.0}
    shallow = {"layers": 1} if name in ("pmr", "mica") else {}
    own = {} if name == "linear" else {"dim": 16, **off, **shallow}
    model = made(few, name, **own)
    patient = dict.fromkeys(("epochs", "stop_patience", "plateau_patience"), 25)
    steps = {"batch_size": 16, "learning_rate": 1e-2, "clip": 5.0}
    config = TrainConfig(**patient, **steps, progress=False, device="cpu")
    for _ in range(10 if name == "misa" else 5):  # most need two or three
        dmdlite.fit(model, {"train": few, "valid": few}, config)
        if (mae := dmdlite.evaluate(model, few)["mae"]) < 0.15:
            return
    pytest.fail(f"still {mae:.2f}")


@EVERY
def test_wrong_widths_are_told(toy, name):
    model = made(toy["train"], name)
    with pytest.raises(ModelError, match="the model takes widths"):
        model(several(3).batch([0]))
