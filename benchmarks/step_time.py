"""Time and memory of one training step: python benchmarks/step_time.py, or make bench.

Three cases: the released code's configuration on word-aligned and on unaligned MOSI shapes, and
the toy's. Every case runs in a process of its own, so that its peak memory is its own. The share
of peak compares the step's floating-point work with this machine's measured matrix product.
"""

import json
import resource
import statistics
import subprocess
import sys
from typing import Annotated

import torch
import typer
from common import RELEASED, STEPS, clock, released_batch, write_result
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from dmdlite import DMD, Batch, DMDConfig, load_dataset, seed_everything
from dmdlite.devices import autocast, pick_device

CASES = {**STEPS, "toy": None}


def make_case(name: str) -> tuple[DMDConfig, Batch]:
    """Configuration and batch of one case."""
    if name == "toy":
        train = load_dataset("toy")["train"]
        return DMDConfig.for_dataset(train), train.batch(range(32))
    return DMDConfig(**RELEASED), released_batch(STEPS[name])


def matmul_peak(device: torch.device, size: int = 2048) -> float:
    """Best of ten float32 matrix products, in FLOP/s (bfloat16 under CUDA's autocast)."""
    a, b = torch.randn(2, size, size, device=device)
    seconds = []
    for _ in range(10):
        start = clock(device)
        with autocast(device):
            a @ b
        seconds.append(clock(device) - start)
    return 2 * size**3 / min(seconds)


def measure(name: str, steps: int, device: torch.device, compiled: bool) -> dict:
    """Medians over `steps` training steps after two warm-up steps."""
    seed_everything(0)
    config, batch = make_case(name)
    batch, model = batch.to(device), DMD(config).to(device)
    optimiser = torch.optim.Adam(model.parameters(), fused=True)

    def loss():
        with autocast(device):
            return model(batch).losses(batch)["total"]

    with FlopCounterMode(display=False) as counter:
        loss().backward()
    run = torch.compile(loss) if compiled else loss
    times = {"forward_s": [], "backward_s": [], "step_s": []}
    for step in range(steps + 2):
        start = clock(device)
        total = run()
        middle = clock(device)
        optimiser.zero_grad()
        total.backward()
        end = clock(device)
        optimiser.step()
        if step >= 2:
            times["forward_s"].append(middle - start)
            times["backward_s"].append(end - middle)
            times["step_s"].append(clock(device) - start)
    result = {k: statistics.median(v) for k, v in times.items()}
    flops, peak = counter.get_total_flops(), matmul_peak(device)
    if device.type == "cuda":
        memory = torch.cuda.max_memory_allocated(device)
    else:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return result | {
        "parameters": sum(p.numel() for p in model.parameters()),
        "gflop": flops / 1e9,
        "matmul_peak_gflops": peak / 1e9,
        "share_of_peak": flops / result["step_s"] / peak,
        "peak_memory_mib": memory / 2**20,
    }


def main(
    steps: Annotated[int, typer.Option(help="Measured steps a case")] = 9,
    device: Annotated[str | None, typer.Option(help="cuda, mps or cpu")] = None,
    compiled: Annotated[bool, typer.Option("--compile", help="torch.compile the step")] = False,
    case: Annotated[str, typer.Option(help="One case, as JSON on stdout", hidden=True)] = "",
) -> None:
    """Measure all cases and write benchmarks/results/step_time_DEVICE.json."""
    place = pick_device(device)
    if case:
        print(json.dumps(measure(case, steps, place, compiled)))
        return
    cases = {}
    for name in tqdm(CASES, unit="case"):
        command = [sys.executable, __file__, "--case", name, "--steps", str(steps)]
        command += ["--device", str(place), *(["--compile"] if compiled else [])]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        cases[name] = json.loads(out.splitlines()[-1])
    hardware = torch.cuda.get_device_name(place) if place.type == "cuda" else place.type
    name = f"step_time_{place.type}" + ("_compiled" if compiled else "")
    path = write_result(name, device=hardware, steps=steps, cases=cases)
    for name, c in cases.items():
        print(
            f"{name:10} forward {c['forward_s']:.3f} s  backward {c['backward_s']:.3f} s  "
            f"step {c['step_s']:.3f} s  {c['gflop']:.1f} GFLOP, "
            f"{c['share_of_peak']:.0%} of matmul peak  {c['peak_memory_mib']:.0f} MiB"
        )
    print(f"written to {path.relative_to(path.parents[2])}")


if __name__ == "__main__":
    typer.run(main)
