"""Small data sets to plant faults in."""

import numpy as np
import torch

from dmdlite import MultimodalDataset

NOTHING_ON_RECORD = {"inputs": {}}  # so that sizes are not compared with published ones


def clips(split, n=6, seed=0, **changes):
    """`n` clips of two videos, of two steps each in two modalities."""
    rng = np.random.default_rng([seed, *split.encode()])
    parts = {
        "values": {m: torch.tensor(rng.normal(size=(2 * n, 3))).float() for m in "ab"},
        "offsets": {m: torch.arange(0, 2 * n + 1, 2) for m in "ab"},
        "labels": torch.tensor(rng.uniform(-3, 3, size=n)).float(),
        "ids": tuple(f"{split}{i // 3}$_${i}" for i in range(n)),
        "name": "planted",
    }
    return MultimodalDataset(**parts | changes)


def splits(**changed):
    return {s: changed.get(s, clips(s)) for s in ("train", "valid", "test")}
