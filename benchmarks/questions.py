"""The questions that gpu.py asks a card: each a generator of answers by name.

Each takes the device and whether to be small, to try the script.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import torch
from common import RELEASED, RESULTS, STEPS, clock, released_batch
from torch import nn

from dmdlite import (
    DMD,
    Batch,
    DMDConfig,
    MultimodalDataset,
    TrainConfig,
    fit,
    load_dataset,
    predict,
    seed_everything,
)
from dmdlite.data.alignment import aligned
from dmdlite.devices import autocast, compiled
from dmdlite.errors import DataError
from dmdlite.files import read_json
from dmdlite.registry import ALL
from dmdlite.training import batch_losses

ROOT = RESULTS.parents[1]
TESTS = ("attention", "losses", "gd_unit", "model", "mixed_precision", "no_waiting", "training")
TESTS += ("embed_text",)
Answers = Iterator[tuple[str, Any]]  # a question's answers by name, each as soon as it is known


def waits(device: torch.device, small: bool) -> Answers:
    """Does a step of any system make the CPU wait for the card? CUDA itself objects."""
    if device.type != "cuda":
        yield "note", "only CUDA can say"
        return
    toy = load_dataset("toy")["train"]
    for setting, data in {"unaligned": toy, "aligned": aligned(toy)}.items():
        for name, cls in ALL.items():
            yield f"{name}, {setting}", _objection(cls.for_dataset(data), data, device)


def _objection(model: nn.Module, data: MultimodalDataset, device: torch.device) -> str:
    """What CUDA says of a second step, when libraries have settled, and where; "none"."""
    model, data = model.train().to(device), data.to(device)
    optimiser = torch.optim.Adam(model.parameters(), fused=True)
    try:
        for mode in ("default", "error"):
            torch.cuda.set_sync_debug_mode(mode)
            batch = data.batch(range(32))
            optimiser.zero_grad()
            with autocast(device, True):
                total = batch_losses(model, batch)["total"]
            total.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
    except RuntimeError as error:
        frames = traceback.extract_tb(error.__traceback__)
        where = [f"{Path(f.filename).name}:{f.lineno} {f.line}" for f in frames]
        return f"{str(error).splitlines()[0]}; {' > '.join(where[-3:])}"
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return "none"


def agreement(device: torch.device, small: bool) -> Answers:
    """How far do losses and gradients lie from the CPU's, in parts of their size?"""
    seed_everything(0)
    batch = released_batch(STEPS["aligned"])
    model = DMD(DMDConfig(**RELEASED)).eval()
    expected = _step_without_update(model, batch, "float32")
    for precision in ("float32", "float32 without TF32", "bf16"):
        torch.backends.cudnn.allow_tf32 = "without" not in precision
        values = _step_without_update(model.to(device), batch.to(device), precision)
        pairs = {k: (values[k] - v).norm() / v.norm() for k, v in expected.items()}
        yield precision, {k: float(v) for k, v in pairs.items()}


def _step_without_update(model: nn.Module, batch: Batch, precision: str) -> dict[str, torch.Tensor]:
    model.zero_grad()
    with autocast(batch.labels.device, precision == "bf16"):
        total = batch_losses(model, batch)["total"]
    total.backward()
    gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    return {"loss": total.detach().cpu(), "gradient": torch.cat(gradients).cpu()}


def steps(device: torch.device, small: bool) -> Answers:
    """Seconds and memory of an eager step: batches of three sizes, two precisions."""
    sizes = (2, 4) if small else (16, 64, 512)
    for case, of_case in ({"aligned": (8, 8, 8)} if small else STEPS).items():
        cpu = torch.device("cpu")
        yield f"{case}, {sizes[0]}, CPU", _time(cpu, of_case, sizes[0], "float32", "eager", 3)
        for size, precision in product(sizes, ("float32", "bf16")):
            row = _time(device, of_case, size, precision, "eager", 10)
            yield f"{case}, {size}, {precision}, eager", row


def compiling(device: torch.device, small: bool) -> Answers:
    """An aligned step compiled, as CUDA graphs and without: batch 16. Compiling takes minutes."""
    yield from _compiled("aligned", device, small)


def compiling_unaligned(device: torch.device, small: bool) -> Answers:
    """The same of an unaligned step."""
    yield from _compiled("unaligned", device, small)


def _compiled(case: str, device: torch.device, small: bool) -> Answers:
    of_case, size = ((8, 8, 8), 2) if small else (STEPS[case], 16)
    for precision, mode in product(("float32", "bf16"), ("graphs", "compile")):
        row = _time(device, of_case, size, precision, mode, 10)
        yield f"{case}, {size}, {precision}, {mode}", row


def repeats(device: torch.device, small: bool) -> Answers:
    """Does the same seed give the same numbers twice, as PyTorch is and when it is asked to?"""
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # which CUDA wants for it
    splits = load_dataset("toy")
    settings = TrainConfig(epochs=1, progress=False, device=str(device))
    for asked in (False, True):
        torch.use_deterministic_algorithms(asked)
        found, seconds = [], []
        for _ in range(2):
            seed_everything(0)
            start = time.perf_counter()
            model = DMD(DMDConfig.for_dataset(splits["train"]))
            fit(model, splits, settings)
            found.append(predict(model, splits["test"]))
            seconds.append(time.perf_counter() - start)
        furthest = float((found[0] - found[1]).abs().max())
        name = "deterministic algorithms" if asked else "as PyTorch is"
        yield name, {"predictions_differ_by": furthest, "seconds": seconds[-1]}


def _time(
    device: torch.device, of_case: tuple[int, ...], size: int, precision: str, mode: str, count: int
) -> dict[str, Any]:
    """Medians of so many steps, after three."""
    seed_everything(0)
    model = DMD(DMDConfig(**RELEASED)).train().to(device)
    batch = released_batch(of_case, size).to(device)
    optimiser = torch.optim.Adam(model.parameters(), fused=True)
    losses = batch_losses
    if mode != "eager":
        losses = compiled(batch_losses, device, graphs=mode == "graphs")
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    seconds = []
    for _ in range(count + 3):
        start = clock(device)
        optimiser.zero_grad(set_to_none=True)
        with autocast(device, precision == "bf16"):
            total = losses(model, batch)["total"]
        total.backward()
        optimiser.step()
        seconds.append(clock(device) - start)
    peak = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else None
    return {"step_s": statistics.median(seconds[3:]), "first_s": seconds[0], "peak_mib": peak}


def memory(device: torch.device, small: bool) -> Answers:
    """Does memory grow in step with T, batch 16?"""
    for t in (8, 16) if small else (100, 200, 400, 800, 1600, 3200):
        yield str(t), _time(device, (t, t, t), 16, "bf16", "eager", 3)


def runs(device: torch.device, small: bool) -> Answers:
    """Whole trainings on the card and on the CPU."""
    for place, data in product((str(device), "cpu"), ("toy", "mosi400")):
        name = f"{data}, {'CPU' if place == 'cpu' else 'card'}"
        try:
            load_dataset(data)
            yield name, _trained(data, place, small)
        except DataError as error:
            yield name, {"note": f"not run: {error}"}


def compiled_run(device: torch.device, small: bool) -> Answers:
    """The toy's training, compiled."""
    yield "toy", _trained("toy", str(device), small, "--set", "compile=true")


def _trained(data: str, device: str, small: bool, *more: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        _ended(_training(data, device, small, Path(folder), 0, *more))
        scores = read_json(Path(folder) / "metrics.json")
    test = {k: scores["test"][k] for k in ("mae", "corr", "acc2")}
    return {"seconds": scores["seconds"], "epochs": scores["epochs"], **test}


def _training(
    data: str, device: str, small: bool, out: Path, seed: int, *more: str
) -> subprocess.Popen:
    command = [sys.executable, "-m", "dmdlite", "train", "--data", data, "--out", str(out)]
    command += ["--device", device, "--seed", str(seed), *more]
    return subprocess.Popen([*command, *(("--epochs", "1") if small else ())], cwd=ROOT)


def _ended(process: subprocess.Popen) -> None:
    """Waits. Raises RuntimeError when it failed: what failed is no answer."""
    if code := process.wait():
        raise RuntimeError(f"{process.args} ended with code {code}")


def seeds(device: torch.device, small: bool) -> Answers:
    """Five trainings at once on one card: their wall time, and that of one alone."""
    for count in (1, 5):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            places = [Path(folder) / str(seed) for seed in range(count)]
            started = [_training("toy", str(device), small, p, int(p.name)) for p in places]
            for process in started:
                _ended(process)
            seconds = time.perf_counter() - start
            epochs = [read_json(place / "metrics.json")["epochs"] for place in places]
            yield f"{count} at once", {"seconds": seconds, "epochs": epochs}


def tests(device: torch.device, small: bool) -> Answers:
    """The tests of the method, whose models and batches go where `pick_device` says."""
    files = [f"tests/test_{name}.py" for name in (TESTS[:1] if small else TESTS)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    lines = done.stdout.strip().splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    yield "result", lines[-1] if lines else done.stderr[-300:]
    yield "failed", failed


ASKED = (waits, agreement, repeats, steps, runs, compiling, compiling_unaligned)
ASKED += (seeds, memory, tests, compiled_run)
QUESTIONS = {f.__name__: f for f in ASKED}
