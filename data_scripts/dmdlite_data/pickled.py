"""The common form of MMSA's and MulT's pickles: {split: {field: array}}."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import typer

from dmdlite import DataError
from dmdlite.data.storage import SPLITS

from .pickle_machine import load_pickle
from .reading import reading
from .safe_pickle import StoredArray

FIELDS = {"language": "text", "vision": "vision", "audio": "audio"}
OTHER_NAMES = {"dev": "valid", "val": "valid", "validation": "valid"}
WIDTHS = {(20, 5): "mosi", (47, 74): "mosi", (35, 74): "mosei", (709, 33): "sims"}  # vision, audio


class Fields:
    """One split: its fields by name, with the file and split in every complaint."""

    def __init__(self, path: Path, split: str, content: Any):
        self.where, self.split, self.size = f"{path}, {split}", split, path.stat().st_size
        if not isinstance(content, dict):
            raise DataError(f"{self.where}: expected a dict of arrays, found {_kind(content)}")
        self.content = {_text(key): value for key, value in content.items()}

    def __contains__(self, field: str) -> bool:
        return self.content.get(field) is not None

    def array(self, field: str) -> StoredArray | np.ndarray:
        """An array, left in the file if it is large; lists become arrays."""
        if field not in self:
            raise DataError(f"{self.where}: no field {field!r}; it holds {sorted(self.content)}")
        value = self.content[field]
        if isinstance(value, list | tuple):
            value = self._from_list(field, list(value))
        if not isinstance(value, StoredArray | np.ndarray):
            raise DataError(f"{self.where}: {field} is {_kind(value)}, expected an array")
        return value

    def _from_list(self, field: str, items: list) -> np.ndarray:
        """Arrays of one shape, or numbers or text in lists, up to three deep."""
        if all(isinstance(item, StoredArray) for item in items) and items:
            if len({item.shape for item in items}) > 1:
                raise DataError(f"{self.where}: {field} is a ragged list of arrays")
            size = sum(8 * prod(item.shape) for item in items)
        else:
            with reading(f"{self.where}: {field}"):
                size = _count(items)
        if size > 64 + 8 * self.size:
            raise DataError(f"{self.where}: refused, {field} is larger than the whole file")
        with reading(f"{self.where}: {field}"):
            return np.array([i.numbers() if isinstance(i, StoredArray) else i for i in items])

    def features(self, field: str) -> StoredArray | np.ndarray:
        """A numeric array [N, T, D]."""
        x = self.array(field)
        if len(x.shape) != 3 or x.dtype.kind not in "fiu" or not x.shape[2]:
            raise DataError(
                f"{self.where}: {field} is {x.dtype} of shape {x.shape}, expected numbers (N, T, D)"
            )
        return x

    def column(self, field: str, n: int) -> np.ndarray:
        """n numbers, whatever axes of length 1 they come with."""
        x = self.array(field)
        if x.shape[:1] != (n,) or np.prod(x.shape) != n:
            raise DataError(f"{self.where}: {field} has shape {x.shape}, expected ({n},)")
        if x.dtype.kind not in "fiubO":
            raise DataError(f"{self.where}: {field} holds {x.dtype}, expected numbers")
        with reading(f"{self.where}: {field}, expected numbers"):
            return _whole(x).reshape(n).astype(np.float64)

    def words(self, field: str, n: int) -> list[list[str]]:
        """n rows of text, each of one or more columns."""
        x = self.array(field)
        if x.shape[:1] != (n,):
            raise DataError(f"{self.where}: {field} has shape {x.shape}, expected {n} rows")
        if not n:
            return []
        with reading(f"{self.where}: {field}"):
            return [[_text(item) for item in row] for row in _whole(x).reshape(n, -1).tolist()]


def read_splits(path: Path) -> dict[str, Fields]:
    """The splits of a pickle, in order. Raises DataError when it is not of the common form."""
    content = load_pickle(path)
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected a dict of splits, found {_kind(content)}")
    keys = [OTHER_NAMES.get(_text(key), _text(key)) for key in content]
    if len(set(keys)) < len(keys):
        raise DataError(f"{path}: one split under two names, {sorted(map(_text, content))[:9]}")
    named = dict(zip(keys, content.values(), strict=True))
    if unused := sorted(set(keys) - set(SPLITS)):
        typer.echo(f"{path}: not used, {', '.join(unused)[:200]}", err=True)
    found = {split: Fields(path, split, named[split]) for split in SPLITS if split in named}
    if not found:
        raise DataError(f"{path}: no {', '.join(SPLITS)}; it holds {sorted(named)[:9]}")
    return found


def known_name(path: Path, vision: int, audio: int) -> str:
    """mosi, mosei or sims where the widths of vision and audio tell; else the file's name."""
    return WIDTHS.get((vision, audio), path.stem)


def _whole(x: StoredArray | np.ndarray) -> np.ndarray:
    return x.whole() if isinstance(x, StoredArray) else x


def _count(items: Any, depth: int = 3, known: dict | None = None) -> int:
    """How many numbers and texts nested lists hold.

    Lists can share their parts, so that a small file stands for endlessly many: each is counted
    once, however often it occurs.
    """
    if isinstance(items, str | bytes | int | float | np.generic):
        return 1
    if not isinstance(items, list | tuple) or not depth:
        raise TypeError(f"expected numbers, text or arrays, found {_kind(items)}")
    known = {} if known is None else known
    key = id(items), depth
    if key not in known:
        known[key] = sum(_count(item, depth - 1, known) for item in items)
    return known[key]


def _text(x: Any) -> str:
    if x is None:
        return ""
    if not isinstance(x, str | bytes | int | float | np.generic):
        raise TypeError(f"expected text, found {_kind(x)}")
    if isinstance(x, bytes):
        try:
            return x.decode("utf-8")
        except UnicodeDecodeError:
            return x.decode("latin-1")
    return str(x)


def _kind(x: Any) -> str:
    return f"an array of shape {x.shape}" if isinstance(x, StoredArray) else type(x).__name__
