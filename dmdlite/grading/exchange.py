"""What the judge and a submission's process say to each other: data, and never code.

A message is a tree of plain values as JSON, and its tensors as safetensors: reading one runs
nothing. What is no data, a class say, stays where it is and is described.
"""

from __future__ import annotations

import functools
import json
import os
import select
import tempfile
import time
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from ..base import SentimentModel
from ..data.dataset import MultimodalDataset
from ..registry import load_model

SHOWN = 300  # characters of an error
LARGEST = 1 << 28  # bytes of a message
LARGEST_TREE = 1 << 24  # of them, but for the tensors
MODEL_FILES = ("config.json", "model.safetensors")


class Broken(BaseException):
    """The other side is gone, is too late, or speaks another language. Nothing that catches an
    answer's errors catches this."""


def brief(error: BaseException) -> str:
    """One line for people."""
    if isinstance(error, NotImplementedError):
        return "not written yet"
    text = " ".join(str(error).split())
    if not isinstance(error, AssertionError):
        text = f"{type(error).__name__}: {text}"
    return text[:SHOWN]


@dataclass
class Message:
    """A value taken apart."""

    tree: Any = None
    tensors: dict[str, Tensor] = field(default_factory=dict)
    learning: list[str] = field(default_factory=list)  # names of those that require a gradient
    live: list[Tensor] = field(default_factory=list)  # and, where it was made, themselves

    @classmethod
    def of(cls, value: Any, describe: Callable[[Any], Any]) -> Message:
        """describe(object) -> a description, for what is no data."""
        message = cls()
        message.tree = message._apart(value, describe)
        return message

    def _apart(self, value: Any, describe: Callable[[Any], Any]) -> Any:
        def inside(values: Any) -> list[Any]:
            return [self._apart(v, describe) for v in values]

        if value is None or type(value) in (bool, int, float, str):
            return value
        if type(value) is list:
            return inside(value)
        if isinstance(value, Tensor):
            return {"is": "tensor", "at": self._kept(value)}
        if isinstance(value, np.generic):
            return self._apart(value.item(), describe)
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            native = np.array(value, dtype=value.dtype.newbyteorder("="), order="C")
            return {"is": "array", "at": self._kept(torch.from_numpy(native))}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return {"is": "named", "fields": list(value._fields), "of": inside(value)}
        if isinstance(value, tuple):
            return {"is": "tuple", "of": inside(value)}
        if isinstance(value, set | frozenset):
            return {"is": "set", "of": inside(value)}
        if isinstance(value, dict):
            return {"is": "dict", "of": [inside(pair) for pair in value.items()]}
        if isinstance(value, MultimodalDataset):
            return {"is": "dataset", "of": inside(getattr(value, f.name) for f in fields(value))}
        if isinstance(value, SentimentModel):
            return {"is": "model", "of": inside(_as_files(value))}
        if is_dataclass(value) and not isinstance(value, type):
            names = [f.name for f in fields(value)]
            return {"is": "named", "fields": names, "of": inside(getattr(value, n) for n in names)}
        return {"is": "other", "of": self._apart(describe(value), describe)}

    def _kept(self, tensor: Tensor) -> str:
        name = str(len(self.tensors))
        if tensor.requires_grad:
            self.learning.append(name)
            self.live.append(tensor)
        self.tensors[name] = tensor.detach().cpu().contiguous().clone()
        return name

    def value(self, build: Callable[[Any], Any]) -> Any:
        """The value put together; build(description) -> what stands for what is no data."""
        return self._together(self.tree, build)

    def _together(self, tree: Any, build: Callable[[Any], Any]) -> Any:
        def inside(trees: list[Any]) -> list[Any]:
            return [self._together(t, build) for t in trees]

        if isinstance(tree, list):
            return inside(tree)
        if not isinstance(tree, dict):
            return tree
        kind = tree["is"]
        if kind == "tensor":
            return self.tensors[tree["at"]]
        if kind == "array":
            return self.tensors[tree["at"]].numpy()
        if kind == "other":
            return build(self._together(tree["of"], build))
        parts = inside(tree["of"])
        if kind == "named":
            return _named(*tree["fields"])(*parts)
        if kind == "dataset":
            return MultimodalDataset(*parts)
        if kind == "model":
            return _from_files(parts)
        return {"tuple": tuple, "set": set, "dict": dict}[kind](parts)

    def same(self, other: Message) -> bool:
        """Whether both say the same."""
        return self.tree == other.tree and all(
            torch.equal(mine, other.tensors[name]) for name, mine in self.tensors.items()
        )

    def to_bytes(self) -> bytes:
        text = json.dumps([self.tree, self.learning]).encode()
        return len(text).to_bytes(8, "little") + text + save(self.tensors)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Message:
        """Raises Broken for what is no message."""
        try:
            end = 8 + int.from_bytes(raw[:8], "little")
            if end > LARGEST_TREE:
                raise ValueError("too large")
            tree, learning = json.loads(raw[8:end])
            return cls(tree, load(raw[end:]), learning)
        except Exception as error:  # the parsers raise many kinds
            raise Broken(f"wrote into the grader's pipe ({type(error).__name__})") from None


@functools.cache
def _named(*fields: str) -> type:
    """One class for all answers of the same fields: making one takes a while."""
    return namedtuple("Answer", fields)


def _as_files(model: SentimentModel) -> list[np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        files = [(Path(folder) / name).read_bytes() for name in MODEL_FILES]
        return [np.frombuffer(raw, dtype=np.uint8).copy() for raw in files]


def _from_files(parts: list[np.ndarray]) -> SentimentModel:
    with tempfile.TemporaryDirectory() as folder:
        for name, part in zip(MODEL_FILES, parts, strict=True):
            (Path(folder) / name).write_bytes(part.tobytes())
        return load_model(folder)


class Line:
    """Two pipes, one to write into and one to read from; each message after its length."""

    def __init__(self, reading: int, writing: int):
        self.reading, self.writing = reading, writing
        for end in (reading, writing):
            os.set_blocking(end, False)

    def send(self, raw: bytes, end: float = float("inf")) -> None:
        """Raises Broken when nobody reads it by `end`, in time.monotonic()."""
        left = memoryview(len(raw).to_bytes(8, "little") + raw)
        while left:
            self._wait([], [self.writing], end)
            try:
                left = left[os.write(self.writing, left) :]
            except BlockingIOError:
                continue
            except OSError:
                raise Broken("ended the process") from None

    def receive(self, end: float = float("inf")) -> bytes:
        """Raises Broken when there is no whole message by `end`."""
        size = int.from_bytes(self._read(8, end), "little")
        if size > LARGEST:
            raise Broken("wrote into the grader's pipe, or answers with too much")
        return self._read(size, end)

    def _read(self, size: int, end: float) -> bytes:
        found = bytearray()
        while len(found) < size:
            self._wait([self.reading], [], end)
            try:
                chunk = os.read(self.reading, min(size - len(found), 1 << 20))
            except BlockingIOError:
                continue
            if not chunk:
                raise Broken("ended the process")
            found += chunk
        return bytes(found)

    @staticmethod
    def _wait(reading: list[int], writing: list[int], end: float) -> None:
        left = None if end == float("inf") else max(end - time.monotonic(), 0)
        if not any(select.select(reading, writing, [], left)):
            raise Broken("took too long and could not be interrupted")
