"""Two processes on the CPU (gloo): a step of both is that of all their samples; one decides."""

import json
import os
import subprocess
import sys

import pytest
import torch

import dmdlite
from dmdlite import ConfigError, TrainConfig
from dmdlite.data.labels import hide_labels
from dmdlite.data.toy import make_toy
from dmdlite.processes import Processes
from dmdlite.registry import MODELS, find_model
from tests.conftest import SMALL

pytestmark = pytest.mark.long
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STILL = SMALL | {"embed_dropout": 0.0, "output_dropout": 0.0}
SYSTEMS = {name: SMALL if name in ("DMD", "MulT") else {"dim": 8} for name in MODELS}
TRAINING = {"epochs": 3, "batch_size": 9, "learning_rate": 0.02, "stop_patience": 1}
# Trains what is to do in this process and keeps what every process must agree on.
SCRIPT = """
import json, os, sys
import torch
import dmdlite
from dmdlite.data.labels import hide_labels
from dmdlite.data.toy import make_toy
from dmdlite.registry import find_model

torch.set_num_threads(1)
folder, todo = sys.argv[1], json.loads(sys.argv[2])
splits = make_toy(0, sizes=(35, 12, 1))
for key, (name, settings, training, *keep) in todo.items():
    few = {"train": hide_labels(splits["train"], *keep, seed=0)} if keep else {}
    dmdlite.seed_everything(int(os.environ["RANK"]))  # another start in every process
    model = find_model(name).for_dataset(splits["train"], **settings)
    config = dmdlite.TrainConfig(progress=False, device="cpu", **training)
    history = dmdlite.fit(model, splits | few, config)
    found = {"history": history, "weights": model.state_dict()}
    torch.save(found, f"{folder}/{key}-{os.environ['RANK']}.pt")
"""


def launched(*command, **more):
    """The command in two processes; torchrun chooses a free port."""
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = os.environ | {"PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1"} | more
    return subprocess.run(
        [*run, *map(str, command)], capture_output=True, text=True, env=environment
    )


STEP = {"epochs": 2, "batch_size": 9}
STEP_MODEL = STILL | {"gamma": 0.0}
RESUMED = {"batch_size": 8, "seed": 3}


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    """What each of the two found: key -> [rank 0's, rank 1's]."""
    folder = tmp_path_factory.mktemp("two")
    whole, parts = str(folder / "whole"), str(folder / "parts")
    todo = {name: (name, settings, TRAINING) for name, settings in SYSTEMS.items()}
    todo |= {
        "step": ("DMD", STEP_MODEL, STEP),
        "step of few labels": ("DMD", STEP_MODEL, STEP, 11),
        "whole": ("DMD", SMALL, RESUMED | {"epochs": 4, "out": whole}),
        "first part": ("DMD", SMALL, RESUMED | {"epochs": 2, "out": parts}),
        "resumed": ("DMD", SMALL, RESUMED | {"epochs": 4, "out": parts, "resume": True}),
    }
    script = folder / "train.py"
    script.write_text(SCRIPT)
    done = launched(script, folder, json.dumps(todo))
    assert done.returncode == 0, done.stderr[-3000:]
    found = {key: [torch.load(folder / f"{key}-{rank}.pt") for rank in (0, 1)] for key in todo}
    return found | {"folder": folder}


@pytest.mark.parametrize("name", MODELS)
def test_both_processes_agree_on_everything(two_processes, name):
    """Weights, running statistics, losses, validation error, rate and last epoch."""
    first, second = two_processes[name]
    assert first["history"] == second["history"]
    assert len(first["history"]) >= 2
    for key, value in first["weights"].items():
        assert torch.equal(value, second["weights"][key]), key


@pytest.fixture
def splits():
    return make_toy(0, sizes=(35, 12, 1))


@pytest.mark.parametrize("labels", [35, 11])
def test_a_step_of_two_is_the_step_of_all_samples(two_processes, splits, labels):
    """35 samples in steps of 9 per process: 18, then 17, unevenly shared; no clip is dropped.
    Without the margin loss, whose triplets live in one batch, and without dropout. Labels, where
    24 clips have none, fall unevenly, too."""
    splits["train"] = hide_labels(splits["train"], labels, seed=0)
    dmdlite.seed_everything(0)  # as the main process
    model = find_model("DMD").for_dataset(splits["train"], **STEP_MODEL)
    config = TrainConfig(progress=False, device="cpu", **(STEP | {"batch_size": 18}))
    history = dmdlite.fit(model, splits, config)
    first, second = two_processes["step" if labels == 35 else "step of few labels"]
    for key, value in model.state_dict().items():
        torch.testing.assert_close(first["weights"][key], value, atol=1e-4, rtol=1e-3)
    for ours, alone in zip(second["history"], history, strict=True):
        assert ours["train_task"] == pytest.approx(alone["train_task"], rel=1e-4)
        assert ours["valid_mae"] == pytest.approx(alone["valid_mae"], rel=1e-4)


def test_a_run_of_two_goes_on_as_if_never_stopped(two_processes, splits):
    for whole, resumed in zip(two_processes["whole"], two_processes["resumed"], strict=True):
        assert len(whole["history"]) == 4
        assert resumed["history"] == whole["history"]
        for key, value in whole["weights"].items():
            assert torch.equal(resumed["weights"][key], value), key
    model = find_model("DMD").for_dataset(splits["train"], **SMALL)
    own = {"epochs": 4, "out": str(two_processes["folder"] / "parts"), "resume": True}
    alone = TrainConfig(**RESUMED, **own, progress=False, device="cpu")
    with pytest.raises(ConfigError, match="number of processes was 2, is now 1"):
        dmdlite.fit(model, splits, alone)


def test_more_processes_than_samples_are_refused(toy, model, monkeypatch):
    monkeypatch.setattr(Processes, "joined", classmethod(lambda cls, device: cls(0, 99)))
    with pytest.raises(ConfigError, match="99 processes are too many for 64 training samples"):
        dmdlite.fit(model, toy, TrainConfig(device="cpu"))


@pytest.mark.parametrize("launcher", ["torchrun", "accelerate"])
def test_the_command_trains_under_a_launcher(toy_folder, tmp_path, launcher):
    settings = [f"--set={k}={v}" for k, v in (SMALL | {"batch_size": 8}).items()]
    train = ["-m", "dmdlite", "train", "--data", toy_folder, "--epochs", 2, "--device", "cpu"]
    train += ["--out", tmp_path / "run", *settings]
    if launcher == "torchrun":
        done = launched(*train)
    else:
        command = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes=2"]
        command += ["--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no"]
        environment = os.environ | {"PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [*command, *map(str, train)], capture_output=True, text=True, env=environment
        )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("acc7") == 1  # one process reports
    report = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert report["epochs"] == 2
    saved = dmdlite.DMD.from_pretrained(tmp_path / "run")
    test = dmdlite.load_dataset(toy_folder)["test"]
    assert dmdlite.evaluate(saved, test)["mae"] == pytest.approx(report["test"]["mae"], abs=1e-5)
