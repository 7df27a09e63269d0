"""MulT: its loss by hand, with and without the GD-Unit."""

import torch

from tests.test_baselines import made


def test_total_by_hand(toy):
    model = made(toy["train"], "mult with a unit", lambda_ddl=0.5)
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
    output = made(toy["train"], "mult")(toy["train"].batch(range(4)))
    assert output.hetero is None
    assert set(output.losses(toy["train"].batch(range(4)))) == {"task", "total"}


def test_reading_the_last_step(toy):
    batch = toy["train"].batch(range(4))
    mean, last = (made(toy["train"], "mult", readout=r)(batch) for r in ("mean", "last"))
    assert not torch.allclose(mean.prediction, last.prediction)
