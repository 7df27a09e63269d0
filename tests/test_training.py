"""fit: determinism, Ctrl-C, selection, and what it refuses."""

import csv
import json

import pytest
import torch

import dmdlite
from dmdlite import ConfigError, DataError, TrainConfig
from dmdlite.devices import RESIDENT_BYTES, pick_device, resident
from dmdlite.errors import Stopped
from tests.conftest import SMALL

SETTINGS = [f"--set={k}={v}" for k, v in (SMALL | {"batch_size": 16}).items()]


def train(toy, out=None, epochs=3, **kwargs):
    config = TrainConfig(
        epochs=epochs, batch_size=16, out=out and str(out), progress=False, device="cpu", **kwargs
    )
    dmdlite.seed_everything(config.seed)
    model = dmdlite.DMD(dmdlite.DMDConfig.for_dataset(toy["train"], **SMALL))
    return model, dmdlite.fit(model, toy, config)


def test_same_seed_same_history_other_seed_another(toy):
    _, first = train(toy)
    _, second = train(toy)
    _, other = train(toy, seed=1)
    assert first == second
    assert first != other


def test_ctrl_c_ends_cleanly_and_keeps_the_best(toy, tmp_path, monkeypatch):
    original = dmdlite.training._run_epoch

    def interrupted(state, *rest):
        if len(state.history) == 2:
            raise KeyboardInterrupt
        return original(state, *rest)

    monkeypatch.setattr("dmdlite.training._run_epoch", interrupted)
    with pytest.raises(Stopped) as stopped:  # the caller cannot take it for a whole run
        train(toy, tmp_path, epochs=9)
    history = stopped.value.history
    assert len(history) == 2
    assert json.loads((tmp_path / "metrics.json").read_text())["stopped"]
    saved = dmdlite.DMD.from_pretrained(tmp_path)
    valid_mae = dmdlite.evaluate(saved, toy["valid"])["mae"]
    assert valid_mae == pytest.approx(min(row["valid_mae"] for row in history), abs=1e-6)


def test_best_epoch_by_validation_is_kept(toy, tmp_path):
    model, history = train(toy, tmp_path, epochs=8, learning_rate=0.02)
    best = min(row["valid_mae"] for row in history)
    assert dmdlite.evaluate(model, toy["valid"])["mae"] == pytest.approx(best, abs=1e-6)
    report = json.loads((tmp_path / "metrics.json").read_text())
    assert history[report["best_epoch"] - 1]["valid_mae"] == best
    assert report["valid"]["mae"] == pytest.approx(best, abs=1e-6)


def test_early_stop_and_plateau(toy):
    _, history = train(toy, epochs=40, learning_rate=0.05, stop_patience=4, plateau_patience=1)
    best = min(history, key=lambda row: row["valid_mae"])["epoch"]
    assert len(history) == best + 4 < 40
    assert history[-1]["learning_rate"] < 0.05


def test_history_csv_holds_the_history(toy, tmp_path):
    _, history = train(toy, tmp_path)
    rows = list(csv.DictReader((tmp_path / "history.csv").open()))
    assert [{k: float(v) for k, v in row.items()} for row in rows] == history
    assert {"epoch", "learning_rate", "train_total", "valid_total", "valid_mae"} <= set(rows[0])


def test_it_learns_the_toy():
    splits = dmdlite.data.toy.make_toy(0, sizes=(400, 100, 200))
    model, _ = train(splits, epochs=6, learning_rate=5e-3)
    scores = dmdlite.evaluate(model, splits["test"], splits["train"])
    assert scores["acc2"] > scores["floors"]["acc2"] + 0.15
    assert scores["mae"] < scores["floors"]["mae"] - 0.2


def test_overfits_sixteen_samples(toy):
    few = toy["train"].subset(range(16))
    model, _ = train({"train": few, "valid": few}, epochs=80, learning_rate=0.01, stop_patience=80)
    assert dmdlite.evaluate(model, few)["mae"] < 0.35


def test_predict_is_in_order_and_independent_of_batching(toy, model):
    prediction = dmdlite.predict(model, toy["test"])
    assert prediction.shape == (32,)
    one = torch.cat([model(toy["test"].batch([i])).prediction for i in range(32)])
    torch.testing.assert_close(prediction, one.detach(), atol=1e-5, rtol=1e-4)


def test_small_data_live_on_the_device_large_ones_stream(toy, monkeypatch):
    moved = []
    monkeypatch.setattr(dmdlite.MultimodalDataset, "to", lambda s, d: moved.append(d) or s)
    resident(toy["train"], torch.device("cpu"))
    monkeypatch.setattr("dmdlite.devices.RESIDENT_BYTES", 10)
    assert resident(toy["train"], torch.device("cpu")) is toy["train"]
    assert len(moved) == 1
    assert RESIDENT_BYTES > 10


@pytest.mark.parametrize("split", ["train", "valid"])
def test_missing_split(toy, model, split):
    with pytest.raises(DataError, match=f"needs a {split} split"):
        dmdlite.fit(model, {k: v for k, v in toy.items() if k != split})


def test_accumulated_batches_make_the_step_of_one_large_batch(toy):
    """Without the margin loss, whose triplets live in one batch, and without dropout."""
    still = {"embed_dropout": 0.0, "output_dropout": 0.0, "gamma": 0.0}
    settings = SMALL | still
    models = []
    for split in ({"batch_size": 24}, {"batch_size": 8, "accumulate": 3}):
        dmdlite.seed_everything(0)
        model = dmdlite.DMD(dmdlite.DMDConfig.for_dataset(toy["train"], **settings))
        dmdlite.fit(model, toy, TrainConfig(epochs=2, progress=False, device="cpu", **split))
        models.append(model)
    for a, b in zip(*(m.parameters() for m in models), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)


def test_single_gradients_are_cut(toy, monkeypatch):
    largest = []
    monkeypatch.setattr(
        torch.nn.utils,
        "clip_grad_norm_",
        lambda parameters, _: largest.append(max(p.grad.abs().max() for p in parameters)),
    )
    train(toy, epochs=1, clip_value=1e-3)
    assert max(largest) == pytest.approx(1e-3)


def test_diverging_loss_is_an_error(toy):
    with pytest.raises(FloatingPointError, match=r"epoch 1: .* try a lower learning_rate"):
        train(toy, learning_rate=1e30, clip=1e30)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"epochs": 0}, "epochs: should be greater than or equal to 1, got 0"),
        ({"epochs": True}, "epochs: should be a valid integer, got True"),
        ({"batch_size": "8"}, "batch_size: should be a valid integer, got '8'"),
        ({"seed": -1}, "seed: should be greater than or equal to 0, got -1"),
        ({"learning_rate": 0}, "learning_rate: should be greater than 0, got 0"),
        ({"learning_rate": "fast"}, "learning_rate: should be a valid number, got 'fast'"),
        ({"clip": float("inf")}, "clip: should be a finite number"),
        ({"clip_value": 0}, "clip_value: should be greater than 0, got 0"),
        ({"accumulate": 0}, "accumulate: should be greater than or equal to 1, got 0"),
        ({"weight_decay": -0.1}, "weight_decay: should be greater than or equal to 0, got -0.1"),
        ({"resume": True}, "resume: needs `out`"),
    ],
)
def test_bad_training_settings(fields, message):
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**fields)


def test_device_names():
    assert pick_device("cpu").type == "cpu"
    assert pick_device().type in ("cuda", "mps", "cpu")
    with pytest.raises(ConfigError, match="device: 'gpu' cannot be used here"):
        pick_device("gpu")


def test_between_two_batches_the_callers_modes_hold(toy, model):
    """A generator that left its own mode on would keep whoever reads it from training."""
    for batch, output in dmdlite.training.forward_all(model, toy["test"], batch_size=8):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")
        assert not output.prediction.requires_grad
        weight = torch.ones(len(batch), requires_grad=True)
        (weight * output.prediction).sum().backward()  # no inference tensor
        assert torch.equal(weight.grad, output.prediction)
        break
    assert torch.is_grad_enabled()
