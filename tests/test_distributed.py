"""Two processes on the CPU (gloo): what data-parallel training averages, and the launcher."""

import json
import os
import socket
import subprocess
import sys

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn.parallel import DistributedDataParallel

import dmdlite
from dmdlite.data.toy import make_toy
from tests.conftest import SMALL

DROPOUT_FREE = SMALL | {"embed_dropout": 0.0, "output_dropout": 0.0}


def build():
    """The same model and batch of 16 in every process."""
    data = make_toy(0, sizes=(16, 1, 1))["train"]
    dmdlite.seed_everything(0)
    return dmdlite.DMD(dmdlite.DMDConfig.for_dataset(data, **DROPOUT_FREE)), data


def gradients(model, batch, term):
    model.zero_grad(set_to_none=True)
    losses = model(batch).losses(batch)
    # DDP waits for every parameter's gradient; zero times the total gives each one.
    (losses[term] + 0 * losses["total"]).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def worker(rank, port, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    model, data = build()
    parallel = DistributedDataParallel(model)
    half = data.batch(range(8 * rank, 8 * rank + 8))
    found = {}
    for term in ("task", "rec", "cyc", "mar", "ort", "homo", "hetero"):
        found[term] = gradients(parallel, half, term)
    if rank == 0:
        torch.save(found, f"{folder}/gradients.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    """Gradients by loss term as two processes average them."""
    folder = tmp_path_factory.mktemp("ddp")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    mp.spawn(worker, args=(port, str(folder)), nprocs=2)
    return torch.load(folder / "gradients.pt")


@pytest.mark.parametrize("term", ["task", "rec", "cyc", "ort", "homo", "hetero"])
def test_means_over_samples_give_the_doubled_batch(two_processes, term):
    model, data = build()
    expected = gradients(model, data.batch(range(16)), term)
    assert expected.abs().max() > 1e-6
    torch.testing.assert_close(two_processes[term], expected, atol=1e-6, rtol=1e-4)


def test_margin_loss_sees_each_process_own_triplets(two_processes):
    model, data = build()
    halves = [gradients(model, data.batch(range(i, i + 8)), "mar") for i in (0, 8)]
    expected = (halves[0] + halves[1]) / 2
    torch.testing.assert_close(two_processes["mar"], expected, atol=1e-6, rtol=1e-4)
    whole = gradients(model, data.batch(range(16)), "mar")
    assert (whole - expected).abs().max() > 1e-4  # not the doubled batch: documented


def test_accelerate_launch_trains(toy_folder, tmp_path):
    settings = [f"--set={k}={v}" for k, v in (SMALL | {"batch_size": 8}).items()]
    command = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        "-m",
        "dmdlite",
        "train",
        "--data",
        str(toy_folder),
        "--epochs",
        "2",
        "--out",
        str(tmp_path / "run"),
        *settings,
    ]
    environment = os.environ | {"PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("acc7") == 1  # one process reports
    report = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert report["epochs"] == 2
    saved = dmdlite.DMD.from_pretrained(tmp_path / "run")
    test = dmdlite.load_dataset(toy_folder)["test"]
    assert dmdlite.evaluate(saved, test)["mae"] == pytest.approx(report["test"]["mae"], abs=1e-5)
