"""Where numbers are computed, how exactly, and from which seed (Chapter 9)."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from .data.dataset import MultimodalDataset
from .errors import ConfigError

GRAIN = 1 << 15  # numbers that PyTorch gives a CPU thread at least
COMPILER = "inductor"  # torch.compile's backend
RESIDENT_BYTES = 2 * 1024**3  # a data set up to this size is kept on the device


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and PyTorch (CPU and GPUs)."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def pick_device(name: str | None = None) -> torch.device:
    """The device called `name`, or by the environment's DMDLITE_DEVICE; else CUDA, else the CPU.

    Apple's MPS is taken only when it is named: its numbers are not those of other machines. Of
    several processes on a machine each takes its own GPU, unless one is named by its number.
    Raises ConfigError when PyTorch does not know the name or cannot use it here.
    """
    name = name or os.environ.get("DMDLITE_DEVICE")
    rank = int(os.environ.get("LOCAL_RANK", 0))
    own = f"cuda:{rank if rank < torch.cuda.device_count() else 0}"  # or it sees only its own
    if not name:
        return torch.device(own if torch.cuda.is_available() else "cpu")
    taken = own if name == "cuda" else name
    try:
        torch.empty(0, device=taken)
        usable = torch.device(taken).type != "meta"
    except (RuntimeError, AssertionError, ImportError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"device: {name!r} cannot be used here ({reason})") from None
    if not usable:
        raise ConfigError(f"device: {name!r} holds no numbers")
    return torch.device(taken)


def autocast(device: torch.device, bf16: bool) -> torch.autocast:
    """What a forward pass runs in: matrix products in bfloat16 if asked, otherwise in float32.

    Raises ConfigError when the GPU has no bfloat16.
    """
    cuda = device.type == "cuda"
    if bf16 and cuda and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise ConfigError("bf16: this GPU has no bfloat16")
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16)


@contextmanager
def threads_for(numbers: int) -> Iterator[None]:
    """As many CPU threads as have something to do in a tensor of so many numbers, and no more
    than PyTorch was given. Others would wait, and on a busy machine all wait for each."""
    given = torch.get_num_threads()
    torch.set_num_threads(min(given, max(1, -(-numbers // GRAIN))))
    try:
        yield
    finally:
        torch.set_num_threads(given)


def resident(dataset: MultimodalDataset, device: torch.device) -> MultimodalDataset:
    """The data set on the device when it is small; larger ones stream batch by batch."""
    return dataset.to(device) if dataset.nbytes <= RESIDENT_BYTES else dataset


def compiled(function: Callable, device: torch.device, graphs: bool) -> Callable:
    """The function by `torch.compile`, one version for every shape of its input; versions made
    before, which count against PyTorch's limit, are forgotten.

    `graphs` replays it on CUDA as one launch (CUDA graphs), which holds where nothing it returned
    is needed any more when it is called again.

    Raises ConfigError when it is called where no compiler works.
    """
    from torch._dynamo.exc import BackendCompilerFailed  # takes a second to import

    torch.compiler.reset()
    mode = "reduce-overhead" if graphs and device.type == "cuda" else None
    fast = torch.compile(function, dynamic=False, mode=mode, backend=COMPILER)

    def run(*arguments):
        try:
            return fast(*arguments)
        except BackendCompilerFailed as error:
            reason = " ".join(str(error).split())[:200]
            raise ConfigError(
                f"compile: PyTorch's compiler does not work here ({reason})"
            ) from None

    return run
