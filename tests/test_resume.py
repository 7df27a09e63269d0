"""A run that was stopped goes on as if it had not been, and nothing else is taken for it."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch

import dmdlite
from dmdlite import ConfigError, DataError
from tests.test_training import SETTINGS, train


def test_resume_gives_the_uninterrupted_history(toy, tmp_path):
    whole_model, whole = train(toy, tmp_path / "whole", epochs=5)
    train(toy, tmp_path / "parts", epochs=2)
    torch.rand(7)  # whatever was drawn in between must not matter
    model, parts = train(toy, tmp_path / "parts", epochs=5, resume=True)
    assert parts == whole
    for name in ("history.csv", "model.safetensors", "config.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    for a, b in zip(model.parameters(), whole_model.parameters(), strict=True):
        assert torch.equal(a, b)


def command(folder, out, *more):
    epochs = ("--epochs", "20", "--set", "stop_patience=20", "--device", "cpu")
    run = [sys.executable, "-m", "dmdlite", "train", "--data", folder, "--out", out]
    return [*map(str, run), *epochs, *SETTINGS, *more]


def write_time(path):
    return path.stat().st_mtime_ns if path.exists() else 0


def wait_for_writes(process, path, writes):
    """Until the file was written so many times, or nobody is left to write it."""
    before = write_time(path)
    while writes and process.poll() is None:
        time.sleep(0.01)
        if write_time(path) != before:
            before = write_time(path)
            writes -= 1


@pytest.mark.long
def test_kill_at_random_moments_then_resume(toy_folder, tmp_path):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command(toy_folder, tmp_path / "whole"), check=True, **quiet)
    out = tmp_path / "killed"
    checkpoint, kills = out / "checkpoint.pt", 0
    dice = random.Random(os.urandom(8))
    for resume in ([], ["--resume"]):
        process = subprocess.Popen(command(toy_folder, out, *resume), **quiet)
        wait_for_writes(process, checkpoint, dice.randint(1, 10))
        time.sleep(dice.uniform(0, 0.01))
        kills += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert kills
    subprocess.run(command(toy_folder, out, "--resume"), check=True, **quiet)
    for name in ("history.csv", "model.safetensors"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_resume_refusals(toy, tmp_path):
    train(toy, tmp_path, epochs=1)
    with pytest.raises(ConfigError, match="train setting seed was 0, is now 5"):
        train(toy, tmp_path, resume=True, seed=5)
    other = toy | {"train": toy["train"].subset(range(60))}
    with pytest.raises(ConfigError, match="data of split train was"):
        train(other, tmp_path, resume=True)
    (tmp_path / "checkpoint.pt").write_bytes(b"torn")
    with pytest.raises(DataError, match="not a readable checkpoint"):
        train(toy, tmp_path, resume=True)


def test_fresh_start_forgets_an_old_checkpoint(toy, tmp_path):
    train(toy, tmp_path, epochs=2)
    _, history = train(toy, tmp_path, epochs=1, seed=3)
    assert len(history) == 1


def test_an_earlier_run_stays_whole_until_there_is_something_better(toy, tmp_path):
    """A run that fails before its first checkpoint has nothing to put in its place."""
    train(toy, tmp_path, epochs=1)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(FloatingPointError):
        train(toy, tmp_path, learning_rate=1e30, clip=1e30)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_of_an_earlier_run_nothing_stays_once_a_new_one_is_on_its_way(toy, tmp_path, monkeypatch):
    train(toy, tmp_path, epochs=1)
    original = dmdlite.training._run_epoch

    def dies_in_the_second(state, *rest):
        if state.history:
            raise FloatingPointError
        return original(state, *rest)

    monkeypatch.setattr("dmdlite.training._run_epoch", dies_in_the_second)
    with pytest.raises(FloatingPointError):
        train(toy, tmp_path, seed=5)
    found = {path.name for path in tmp_path.iterdir()}
    assert found == {"checkpoint.pt", "history.csv", "config.json"}
