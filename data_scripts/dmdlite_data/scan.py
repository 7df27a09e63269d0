"""What the stored values of a split look like, read a few samples at a time."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from tqdm.auto import tqdm

from dmdlite import MultimodalDataset
from dmdlite.data.scaling import bounds

CHUNK = 1 << 26  # bytes read at a time
EMPTY = hashlib.blake2b(digest_size=16).digest()  # of a clip without any step


@dataclass
class Columns:
    """One modality of one split."""

    low: np.ndarray  # [D] smallest value of each column
    high: np.ndarray  # [D]
    not_finite: int = 0
    left: int = 0  # all-zero steps at the start of clips
    right: int = 0  # and at their ends
    inside: int = 0  # and in between
    steps: int = 0
    wild: np.ndarray | None = None  # [D] values far beyond the others of their column
    clips: Counter = field(default_factory=Counter)  # hash of what a clip holds -> how many do

    def constant(self) -> np.ndarray:
        return np.flatnonzero((self.low == self.high) & (self.steps > 1))


@dataclass
class Scan:
    columns: dict[str, Columns] = field(default_factory=dict)
    digests: list[bytes] = field(default_factory=list)  # one a sample, of all that is stored


def scan(data: MultimodalDataset, bar: tqdm) -> Scan:
    """Read every value of a split once, in bounded memory."""
    digests = [hashlib.blake2b(digest_size=16) for _ in range(len(data))]
    columns = {}
    for m, values in data.values.items():
        columns[m] = Columns(np.full(values.shape[1], np.inf), np.full(values.shape[1], -np.inf))
        limits = [edge.numpy() for edge in bounds(values)] if len(values) else None
        for start, stop in _parts(data.offsets[m], values.shape[1] * values.element_size()):
            edges = data.offsets[m][start : stop + 1]
            x = values[edges[0] : edges[-1]]
            _look_at(columns[m], x.float().numpy(), (edges - edges[0]).numpy(), limits)
            for i, (a, b) in enumerate(pairwise(edges.tolist())):
                if a < b:
                    raw = values[a:b].contiguous().view(torch.uint8).numpy()
                    own = hashlib.blake2b(raw, digest_size=16).digest()
                    digests[start + i].update(own)
                    columns[m].clips[own] += 1
            bar.update(x.nbytes)
    return Scan(columns, [digest.digest() for digest in digests])


def _parts(offsets: torch.Tensor, step_bytes: int) -> list[tuple[int, int]]:
    """Runs of samples that take up about CHUNK bytes each."""
    part = (offsets[:-1] * step_bytes) // CHUNK
    starts = [0, *(torch.nonzero(part.diff()).flatten() + 1).tolist()]
    return list(zip(starts, [*starts[1:], len(offsets) - 1], strict=True))


def _look_at(columns: Columns, x: np.ndarray, edges: np.ndarray, limits: list | None) -> None:
    finite = np.isfinite(x)
    columns.not_finite += int(x.size - finite.sum())
    columns.steps += len(x)
    if not len(x):
        return
    columns.low = np.minimum(columns.low, np.where(finite, x, np.inf).min(axis=0))
    columns.high = np.maximum(columns.high, np.where(finite, x, -np.inf).max(axis=0))
    low, high = limits
    wild = ((x < low) | (x > high)).sum(axis=0)
    columns.wild = wild if columns.wild is None else columns.wild + wild
    filled = (x != 0).any(axis=1)
    for a, b in pairwise(edges):
        real = np.flatnonzero(filled[a:b])
        columns.left += int(real[0]) if len(real) else int(b - a)
        columns.right += int(b - a - 1 - real[-1]) if len(real) else 0
        columns.inside += int(real[-1] - real[0] + 1 - len(real)) if len(real) else 0
