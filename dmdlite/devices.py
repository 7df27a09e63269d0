"""Where numbers are computed, how exactly, and from which seed (Chapter 9)."""

from __future__ import annotations

import os
import random

import numpy as np
import torch

from .errors import ConfigError


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and PyTorch (CPU and GPUs)."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def pick_device(name: str | None = None) -> torch.device:
    """The device called `name`; without a name CUDA, then MPS, then CPU.

    Of several processes on a machine each takes its own GPU. Raises ConfigError when PyTorch does
    not know the name or cannot use it here.
    """
    if name is None:
        cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
        gpu = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        return torch.device(gpu if cuda else "mps" if mps else "cpu")
    try:
        torch.empty(0, device=name)
        usable = torch.device(name).type != "meta"
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"device: {name!r} cannot be used here ({reason})") from None
    if not usable:
        raise ConfigError(f"device: {name!r} holds no numbers")
    return torch.device(name)


def autocast(device: torch.device):
    """bfloat16 autocast on a GPU that has it, plain float32 elsewhere."""
    cuda = device.type == "cuda"
    usable = cuda and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, torch.bfloat16, enabled=usable)
