"""Threads by the work there is, never more than PyTorch was given."""

import os
import subprocess
import sys

import pytest
import torch

import dmdlite
from dmdlite import TrainConfig
from dmdlite.devices import GRAIN, pick_device, threads_for
from tests.conftest import SMALL


@pytest.fixture
def threads():
    """threads(n) gives PyTorch n of them; afterwards all is as it was."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_the_device_that_is_named_else_the_environments_else_cuda(monkeypatch):
    monkeypatch.delenv("DMDLITE_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device().type == "cuda"
    monkeypatch.setenv("DMDLITE_DEVICE", "cpu")
    assert pick_device().type == "cpu"
    monkeypatch.setenv("DMDLITE_DEVICE", "no such thing")
    assert pick_device("cpu").type == "cpu"
    with pytest.raises(dmdlite.ConfigError, match="no such thing"):
        pick_device()
    monkeypatch.delenv("DMDLITE_DEVICE")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device().type == "cpu"  # MPS has to be asked for


@pytest.mark.parametrize(
    ("named", "taken"), [(None, "cuda:1"), ("cuda", "cuda:1"), ("cuda:0", "cuda:0"), ("cpu", "cpu")]
)
def test_every_process_takes_its_own_gpu(monkeypatch, named, taken):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "empty", lambda *_, **__: None)  # as if it could be used
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert pick_device(named) == torch.device(taken)
    monkeypatch.setenv("DMDLITE_DEVICE", named or "")
    assert pick_device() == torch.device(taken)


def test_a_process_that_sees_its_own_gpu_alone_takes_that(monkeypatch):
    monkeypatch.setattr(torch, "empty", lambda *_, **__: None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert pick_device("cuda") == torch.device("cuda:0")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_gpu_that_is_not_there_is_called_as_it_was_typed():
    with pytest.raises(dmdlite.ConfigError, match="device: 'cuda' cannot be used here"):
        pick_device("cuda")


@pytest.mark.parametrize(
    ("given", "numbers", "used"),
    [
        (4, 0, 1),
        (4, GRAIN, 1),
        (4, GRAIN + 1, 2),
        (4, 3 * GRAIN, 3),
        (4, 99 * GRAIN, 4),
        (1, 99 * GRAIN, 1),
    ],
)
def test_as_many_as_have_something_to_do(threads, given, numbers, used):
    threads(given)
    with threads_for(numbers):
        assert torch.get_num_threads() == used
    assert torch.get_num_threads() == given


def test_training_gives_them_back_also_where_it_fails(threads, toy, monkeypatch):
    threads(3)
    seen = []

    def failing(*_):
        seen.append(torch.get_num_threads())
        raise FloatingPointError

    monkeypatch.setattr("dmdlite.training._run_epoch", failing)
    model = dmdlite.DMD.for_dataset(toy["train"], **SMALL)
    with pytest.raises(FloatingPointError):
        dmdlite.fit(model, toy, TrainConfig(device="cpu", progress=False))
    assert seen == [1]  # a small model has work for one
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("own", [None, "7"])
def test_waiting_threads_sleep_unless_the_user_says_how(own):
    code = "import dmdlite, os; print(os.environ['GOMP_SPINCOUNT'])"
    environment = {k: v for k, v in os.environ.items() if k != "GOMP_SPINCOUNT"}
    environment |= {"GOMP_SPINCOUNT": own} if own else {}
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert out.stdout.strip() == (own or "30000")
