"""The common form of MMSA's and MulT's pickles: {split: {field: array}}."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import typer

from dmdlite import DataError
from dmdlite.data.storage import SPLITS

from .formats import by_content, by_first_bytes, refuse
from .pickle_machine import load_pickle
from .published import MOSEI, MOSI, SIMS
from .reading import plain, reading
from .safe_pickle import StoredArray

FIELDS = {"language": "text", "vision": "vision", "audio": "audio"}
OTHER_NAMES = {"dev": "valid", "val": "valid", "validation": "valid"}
WIDTHS = {(20, 5): "mosi", (47, 74): "mosi", (35, 74): "mosei", (709, 33): "sims"}  # vision, audio
FEW = 0.02  # share of clips that may be missing, or too many
SIZES = {"mosi": MOSI, "mosei": MOSEI, "sims": SIMS}  # clips in train, valid, test


class Fields:
    """One split: its fields by name, with the file and split in every complaint."""

    def __init__(self, path: Path, split: str, content: Any):
        self.where, self.split, self.size = f"{path}, {split}", split, path.stat().st_size
        if not isinstance(content, dict):
            raise DataError(f"{self.where}: expected a dict of arrays, found {kind_of(content)}")
        self.content = {as_text(key): value for key, value in content.items()}
        if len(self.content) < len(content):
            raise DataError(f"{self.where}: one field under two names, as text and as bytes")

    def __contains__(self, field: str) -> bool:
        return self.content.get(field) is not None

    def array(self, field: str) -> StoredArray | np.ndarray:
        """An array, left in the file if it is large; lists become arrays."""
        if field not in self:
            raise DataError(f"{self.where}: no field {field!r}; it holds {sorted(self.content)}")
        value = self.content[field]
        if isinstance(value, list | tuple):
            value = listed(f"{self.where}: {field}", list(value), 64 + 8 * self.size)
        if not isinstance(value, StoredArray | np.ndarray):
            raise DataError(f"{self.where}: {field} is {kind_of(value)}, expected an array")
        return value

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
        if x.shape[:1] != (n,) or (n and 0 in x.shape):
            raise DataError(f"{self.where}: {field} has shape {x.shape}, expected {n} rows")
        if not n:
            return []
        with reading(f"{self.where}: {field}"):
            return [[as_text(item) for item in row] for row in _whole(x).reshape(n, -1).tolist()]


def read_splits(path: Path, script: str) -> dict[str, Fields]:
    """The splits of a pickle, in order, without those that hold no clips.

    Raises DataError when it is not of the common form, and names the script for its form, where
    that is not the one that asks.
    """
    content = read_pickle(path, script)
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected a dict of splits, found {kind_of(content)}")
    return {split: Fields(path, split, part) for split, part in named_splits(path, content).items()}


def read_pickle(path: Path, script: str) -> Any:
    """The content of a pickle. Raises DataError that names the right script for another's file."""
    refuse(path, script, by_first_bytes(path))
    content = load_pickle(path)
    refuse(path, script, by_content(content))
    return content


def named_splits(path: Path, content: dict) -> dict[str, Any]:
    """train, valid and test under whatever names they come; empty ones left out with a word."""
    keys = [OTHER_NAMES.get(as_text(key), as_text(key)) for key in content]
    if len(set(keys)) < len(keys):
        raise DataError(f"{path}: one split under two names, {sorted(map(as_text, content))[:9]}")
    named = dict(zip(keys, content.values(), strict=True))
    if unused := sorted(set(keys) - set(SPLITS)):
        typer.echo(f"{path}: not used, {plain(', '.join(unused)[:200])}", err=True)
    found = {split: named[split] for split in SPLITS if split in named}
    if not found:
        raise DataError(f"{path}: no {', '.join(SPLITS)}; it holds {sorted(named)[:9]}")
    return without_empty(path, found)


def without_empty(where: object, splits: dict[str, Any]) -> dict[str, Any]:
    """The splits that hold clips. Raises DataError where none does."""
    empty = [split for split, part in splits.items() if _is_empty(part)]
    if len(empty) == len(splits):
        raise DataError(f"{where}: no clips in {', '.join(empty)}")
    if empty:
        typer.echo(f"{where}: no clips in {', '.join(empty)}, left out", err=True)
    return {split: part for split, part in splits.items() if split not in empty}


def _is_empty(part: Any) -> bool:
    """Nothing at all, or fields all of which have length 0."""
    if isinstance(part, dict):
        return all(map(_is_empty, part.values()))
    return part is None or (isinstance(part, list | tuple | StoredArray) and len(part) == 0)


def known_name(path: Path, vision: int, audio: int, sizes: Mapping[str, int]) -> str:
    """mosi, mosei or sims, where the widths of vision and audio and the clips in each split tell,
    a few more or less; else the file's name."""
    name = WIDTHS.get((vision, audio))
    if name is None:
        return path.stem
    published = dict(zip(SPLITS, SIZES[name], strict=True))
    near = all(abs(published[split] - n) <= FEW * published[split] for split, n in sizes.items())
    return name if near else path.stem


def listed(where: str, items: list, most: int) -> np.ndarray:
    """Arrays of one shape, or numbers or text in lists up to three deep, as one array.

    Raises DataError for other lists, and for what is larger than `most`. Text becomes objects:
    numpy would give every piece the room of the longest.
    """
    stored = bool(items) and all(isinstance(item, StoredArray) for item in items)
    if stored and len({item.shape for item in items}) > 1:
        raise DataError(f"{where} is a ragged list of arrays")
    with reading(where):
        size = sum(8 * prod(item.shape) for item in items) if stored else _count(items)
    if size > most:
        raise DataError(f"{where}: refused, it is larger than the whole file")
    with reading(where):
        values = [item.numbers() for item in items] if stored else items
        return np.array(values, dtype=object if any(map(_holds_text, items)) else None)


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
        raise TypeError(f"expected numbers, text or arrays, found {kind_of(items)}")
    known = {} if known is None else known
    key = id(items), depth
    if key not in known:
        known[key] = sum(_count(item, depth - 1, known) for item in items)
    return known[key]


def _holds_text(item: Any) -> bool:
    if isinstance(item, list | tuple):
        return any(map(_holds_text, item))
    return isinstance(item, str | bytes) or (
        isinstance(item, StoredArray | np.generic) and item.dtype.kind in "SU"
    )


def as_text(x: Any) -> str:
    if x is None:
        return ""
    if not isinstance(x, str | bytes | int | float | np.generic):
        raise TypeError(f"expected text, found {kind_of(x)}")
    if isinstance(x, bytes):
        try:
            return x.decode("utf-8")
        except UnicodeDecodeError:
            return x.decode("latin-1")
    return str(x)


def kind_of(x: Any) -> str:
    return f"an array of shape {x.shape}" if isinstance(x, StoredArray) else type(x).__name__
