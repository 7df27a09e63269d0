"""MulT: masks, gradients, the GD-Unit on it, save and load."""

import pytest
import torch

import dmdlite
from dmdlite import ConfigError, TrainConfig
from dmdlite.baselines import MulT
from tests.conftest import SMALL
from tests.test_model import with_padding

UNITS = pytest.mark.parametrize("hetero_gd", [False, True])


def made(toy, **settings):
    dmdlite.seed_everything(0)
    return MulT.for_dataset(toy["train"], **SMALL | settings).eval()


@UNITS
@pytest.mark.parametrize("readout", ["mean", "last"])
def test_padding_changes_nothing(toy, hetero_gd, readout):
    model = made(toy, hetero_gd=hetero_gd, readout=readout)
    batch = toy["train"].batch(range(6))
    plain, padded = model(batch), model(with_padding(batch, (3, 0, 5), seed=1))
    close = {"atol": 1e-5, "rtol": 1e-4}
    torch.testing.assert_close(padded.prediction, plain.prediction, **close)
    assert plain.prediction.shape == (6,)
    if hetero_gd:
        torch.testing.assert_close(padded.hetero, plain.hetero, **close)


@UNITS
def test_gradient_reaches_every_parameter(toy, hetero_gd):
    model = made(toy, hetero_gd=hetero_gd)
    batch = toy["train"].batch(range(16))
    model(batch).losses(batch)["total"].backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_total_by_hand(toy):
    model = made(toy, lambda_ddl=0.5)
    batch = toy["train"].batch(range(8))
    output = model(batch)
    y, z = batch.labels, output.hetero.logits
    task = (output.prediction - y).abs().mean()
    for sample in range(8):
        for m in range(3):
            if batch.present[sample, m]:
                task = task + (z[sample, m] - y[sample]).abs() / 8
    terms = output.losses(batch)
    torch.testing.assert_close(terms["task"], task)
    torch.testing.assert_close(terms["total"], task + 0.5 * output.hetero.loss)


def test_plain_mult_has_no_unit(toy):
    model = made(toy, hetero_gd=False)
    output = model(toy["train"].batch(range(4)))
    assert output.hetero is None
    assert set(output.losses(toy["train"].batch(range(4)))) == {"task", "total"}


def test_it_needs_attention(toy):
    with pytest.raises(ConfigError, match="MulT is made of it"):
        made(toy, cross_attention=False)


def test_overfits_sixteen_samples(toy):
    few = toy["train"].subset(range(16))
    model = made(toy, embed_dropout=0.0, output_dropout=0.0, hetero_gd=False)
    splits = {"train": few, "valid": few}
    config = TrainConfig(epochs=150, stop_patience=150, batch_size=16, learning_rate=5e-3,
                         progress=False, device="cpu")  # fmt: skip
    dmdlite.fit(model, splits, config)
    assert dmdlite.evaluate(model, few)["mae"] < 0.15


def test_save_and_load(toy, tmp_path):
    model = made(toy)
    model.save_pretrained(tmp_path)
    batch = toy["test"].batch(range(5))
    again = MulT.from_pretrained(tmp_path)
    assert torch.equal(again(batch).prediction, model(batch).prediction)
