"""What one card settles, in under eight minutes: python benchmarks/gpu.py

Seven questions, each asked in a process of its own and written to benchmarks/results/gpu_CARD.json
as soon as it is answered. Started again, the script asks only what that file does not answer for
this version of the code. `--device cpu --small` tries all of it without a card.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from itertools import product
from pathlib import Path
from typing import Annotated, Any
from unittest import mock

import torch
import typer
from common import RELEASED, RESULTS, STEPS, clock, processor, released_batch, write_result
from torch import nn

from dmdlite import DMD, Batch, DMDConfig, MultimodalDataset, load_dataset, seed_everything
from dmdlite.checkpoint import code_version
from dmdlite.data.alignment import aligned
from dmdlite.devices import compiled, pick_device
from dmdlite.errors import DataError
from dmdlite.files import read_json
from dmdlite.registry import ALL
from dmdlite.training import _losses

ROOT = RESULTS.parents[1]
TESTS = ("attention", "losses", "gd_unit", "model", "mixed_precision", "no_waiting", "training")
MODES = ("eager", "compile", "graphs")
Answer = dict[str, Any]


def waits(device: torch.device, small: bool) -> Answer:
    """Does a step of any system make the CPU wait for the card? CUDA itself objects."""
    if device.type != "cuda":
        return {"note": "only CUDA can say"}
    found, toy = {}, load_dataset("toy")["train"]
    for setting, data in {"unaligned": toy, "aligned": aligned(toy)}.items():
        for name, cls in ALL.items():
            found[f"{name}, {setting}"] = _objection(cls.for_dataset(data), data, device)
    return found


def _objection(model: nn.Module, data: MultimodalDataset, device: torch.device) -> str:
    """What CUDA says of a second step, when libraries have settled; "none"."""
    model, data = model.train().to(device), data.to(device)
    optimiser = torch.optim.Adam(model.parameters(), fused=True)
    try:
        for mode in ("default", "error"):
            torch.cuda.set_sync_debug_mode(mode)
            batch = data.batch(range(32))
            optimiser.zero_grad()
            _losses(model, batch)["total"].backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
    except RuntimeError as error:
        return str(error).splitlines()[0]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return "none"


def agreement(device: torch.device, small: bool) -> Answer:
    """How far do losses and gradients lie from the CPU's, in parts of their size?"""
    seed_everything(0)
    batch, found = released_batch(STEPS["aligned"]), {}
    model = DMD(DMDConfig(**RELEASED)).eval()
    expected = _step_without_update(model, batch)
    for precision in ("float32", "bf16"):
        with _precision(precision):
            values = _step_without_update(model.to(device), batch.to(device))
        pairs = {k: (values[k] - v).norm() / v.norm() for k, v in expected.items()}
        found[precision] = {k: float(v) for k, v in pairs.items()}
    return found


def _step_without_update(model: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
    model.zero_grad()
    total = _losses(model, batch)["total"]
    total.backward()
    gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    return {"loss": total.detach().cpu(), "gradient": torch.cat(gradients).cpu()}


def _precision(name: str):
    """A step in float32, or as the package has it: bf16 products on a card that has them."""
    if name == "bf16":
        return nullcontext()
    return mock.patch("dmdlite.training.autocast", return_value=nullcontext())


def steps(device: torch.device, small: bool) -> Answer:
    """Seconds and memory of a step: eager, compiled, as CUDA graphs; two precisions; batches."""
    sizes, found = ((2, 4) if small else (16, 64, 512)), {}
    cases = {"aligned": (8, 8, 8)} if small else STEPS
    for case, of_case in cases.items():
        cpu = torch.device("cpu")
        found[f"{case}, {sizes[0]}, CPU"] = _time(cpu, of_case, sizes[0], "eager", 3)
        for size, precision in product(sizes, ("float32", "bf16")):
            once = size == sizes[0] and precision == "bf16"  # compiling takes a minute
            for mode in MODES if once else MODES[:1]:
                with _precision(precision):
                    row = _time(device, of_case, size, mode, 10)
                found[f"{case}, {size}, {precision}, {mode}"] = row
    return found


def _time(
    device: torch.device, of_case: tuple[int, ...], size: int, mode: str, count: int
) -> Answer:
    """Medians of so many steps, after three."""
    seed_everything(0)
    model = DMD(DMDConfig(**RELEASED)).train().to(device)
    batch = released_batch(of_case, size).to(device)
    optimiser = torch.optim.Adam(model.parameters(), fused=True)
    losses = _losses if mode == "eager" else compiled(_losses, device, graphs=mode == "graphs")
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    seconds = []
    for _ in range(count + 3):
        start = clock(device)
        optimiser.zero_grad(set_to_none=True)
        losses(model, batch)["total"].backward()
        optimiser.step()
        seconds.append(clock(device) - start)
    peak = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else None
    return {"step_s": statistics.median(seconds[3:]), "first_s": seconds[0], "peak_mib": peak}


def memory(device: torch.device, small: bool) -> Answer:
    """Does memory grow in step with T, batch 16?"""
    lengths = (8, 16) if small else (100, 200, 400, 800, 1600, 3200)
    return {str(t): _time(device, (t, t, t), 16, "eager", 1) for t in lengths}


def runs(device: torch.device, small: bool) -> Answer:
    """Whole trainings on the card and on the CPU, the toy also compiled."""
    found = {}
    for data in ("toy", "mosi400"):
        try:
            load_dataset(data)
        except DataError as error:
            found[data] = {"note": f"not run: {error}"}
            continue
        for name, place in {"card": str(device), "CPU": "cpu"}.items():
            found[f"{data}, {name}"] = _trained(data, place, small)
    found["toy, compiled"] = _trained("toy", str(device), small, "--set", "compile=true")
    return found


def _trained(data: str, device: str, small: bool, *more: str, seed: int = 0) -> Answer:
    with tempfile.TemporaryDirectory() as folder:
        _ended(_training(data, device, small, Path(folder), seed, *more))
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


def seeds(device: torch.device, small: bool) -> Answer:
    """Five trainings at once on one card: their wall time, and that of one alone."""
    found = {}
    for count in (1, 5):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            places = [Path(folder) / str(seed) for seed in range(count)]
            started = [_training("toy", str(device), small, p, int(p.name)) for p in places]
            for process in started:
                _ended(process)
            found[f"{count} at once"] = {"seconds": time.perf_counter() - start}
    return found


def tests(device: torch.device, small: bool) -> Answer:
    """The tests of the method, whose models and batches go where `pick_device` says."""
    files = [f"tests/test_{name}.py" for name in (TESTS[:1] if small else TESTS)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    lines = done.stdout.strip().splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return {"result": lines[-1] if lines else done.stderr[-300:], "failed": failed}


QUESTIONS = {f.__name__: f for f in (waits, agreement, steps, memory, runs, seeds, tests)}


def main(
    device: Annotated[str | None, typer.Option(help="By default the card PyTorch finds")] = None,
    minutes: Annotated[float, typer.Option(help="Questions that do not fit wait")] = 8,
    small: Annotated[bool, typer.Option(help="Tiny sizes, to try the script")] = False,
    ask: Annotated[str, typer.Option(help="One question, its answer as JSON", hidden=True)] = "",
) -> None:
    """Ask what is open, and write benchmarks/results/gpu_CARD.json."""
    place = pick_device(device)
    if ask:
        print(json.dumps(QUESTIONS[ask](place, small)))
        return
    end = time.monotonic() + 60 * minutes
    if place.type == "cpu" and not small:
        raise SystemExit("error: no card here; --device cpu --small tries the script")
    card = torch.cuda.get_device_name(place) if place.type == "cuda" else processor()
    name = "try_gpu" if small else f"gpu_{card.replace(' ', '_')}"
    path = RESULTS / f"{name}.json"
    known = read_json(path) if path.exists() else {}
    answers = known.get("answers", {}) if known.get("code") == code_version() else {}
    for question, function in QUESTIONS.items():
        if question in answers:
            continue
        print(f"{question}: {function.__doc__.splitlines()[0]}", flush=True)
        command = [sys.executable, __file__, "--ask", question, "--device", str(place)]
        left = max(0.0, end - time.monotonic())
        try:
            done = subprocess.run(
                command + ["--small"] * small, stdout=subprocess.PIPE, text=True, timeout=left
            )
            answers[question] = json.loads(done.stdout.splitlines()[-1])
        except subprocess.TimeoutExpired:
            print(f"{question}: out of time; start again to ask what is open")
            break
        except (json.JSONDecodeError, IndexError):
            print(f"{question}: ended with code {done.returncode}")
            continue
        print(json.dumps(answers[question], indent=1), flush=True)
        write_result(name, card=card, code=code_version(), answers=answers)


if __name__ == "__main__":
    typer.run(main)
