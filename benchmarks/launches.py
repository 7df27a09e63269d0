"""Kernels that a training step launches: operations that are not views, for every system.

Usage: python benchmarks/launches.py; some minutes, of which the compiler takes most. A small model
on a large card is bound by this number: each launch costs the CPU some five microseconds, whatever
it computes. Under CUDA graphs a compiled step's kernels are launched together, once forward and
once backward.
"""

from __future__ import annotations

import re
from typing import Annotated

import torch
import typer
from common import RELEASED, STEPS, released_batch, write_result
from torch import nn
from torch._inductor.utils import run_and_get_code
from torch.utils._python_dispatch import TorchDispatchMode

from dmdlite import DMD, Batch, DMDConfig, load_dataset, seed_everything
from dmdlite.data.alignment import aligned
from dmdlite.registry import ALL
from dmdlite.training import batch_losses

# A kernel's call in the code that Inductor writes: its own, or a library's.
CALL = re.compile(r"^ {4,8}(?:\w+ = )?(?:cpp_fused|extern_kernels\.|torch\.ops\.)", re.MULTILINE)
# What aten calls a function, but does no more than look at its input anew.
LOOKS = {torch.ops.aten._unsafe_view.default, torch.ops.aten.detach.default}


class Launches(TorchDispatchMode):
    """Counts what is computed while it is on."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function._schema.returns[:1]
        aliases = bool(result) and result[0].alias_info is not None
        view = aliases and not result[0].alias_info.is_write
        self.count += not view and function not in LOOKS
        return function(*args, **(kwargs or {}))


def launches(model: nn.Module, batch: Batch) -> dict[str, int]:
    """Of one training step, but for its update: clipping and Adam are a few kernels on a GPU, which
    take all tensors at once, and many on a CPU."""
    with Launches() as forward:
        total = batch_losses(model, batch)["total"]
    with Launches() as backward:
        total.backward()
    return {"forward": forward.count, "backward": backward.count}


def compiled_launches(model: nn.Module, batch: Batch) -> dict[str, int]:
    """What Inductor makes of the same step: its own kernels and the library's it calls."""
    torch.compiler.reset()

    def step() -> None:
        torch.compile(batch_losses, dynamic=False)(model, batch)["total"].backward()

    _, codes = run_and_get_code(step)
    calls = [len(CALL.findall(code)) for code in codes]
    return dict(zip(("forward", "backward"), calls, strict=True))


def main(
    compiled: Annotated[bool, typer.Option(help="Also what the compiler makes of DMD")] = True,
) -> None:
    """Count and write benchmarks/results/launches.json."""
    found = {}
    for setting, steps in STEPS.items():
        seed_everything(0)
        model, batch = DMD(DMDConfig(**RELEASED)).train(), released_batch(steps)
        found[f"DMD, released size, {setting}"] = launches(model, batch)
        if compiled:
            found[f"DMD, released size, {setting}, compiled"] = compiled_launches(model, batch)
    toy = load_dataset("toy")["train"]
    for setting, data in {"unaligned": toy, "aligned": aligned(toy)}.items():
        for name, cls in ALL.items():
            seed_everything(0)
            found[f"{name}, toy, {setting}"] = launches(
                cls.for_dataset(data).train(), data.batch(range(32))
            )
    for name, counts in found.items():
        print(f"{name:42} {sum(counts.values()):6}", counts)
    write_result("launches", batch={"released size": 16, "toy": 32}, cases=found)


if __name__ == "__main__":
    typer.run(main)
