"""Tables of word vectors: a row a word, which other files refer to by number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dmdlite import DataError

from .clip_lists import Clip
from .own_files import read_npz
from .pickle_machine import load_pickle
from .reading import reading
from .safe_pickle import StoredArray

SPECIAL = 2  # the first rows stand for unknown words and for padding, not for one word


def table_file(option: str) -> tuple[Path, str | None]:
    """The file, and which of its arrays, of FILE or FILE.npz:ARRAY."""
    path, colon, array = option.rpartition(":")
    return (Path(path), array) if colon and path.endswith(".npz") else (Path(option), None)


def read_table(option: str) -> np.ndarray:
    """[V, D] from a .npy, .npz or pickle. Raises DataError for another form; nothing is run."""
    path, array = table_file(option)
    if path.suffix == ".npz":
        x = _of_npz(path, array)
    elif path.suffix == ".npy":
        with reading(path):
            x = np.load(path, mmap_mode="r", allow_pickle=False)
    elif path.suffix in (".pkl", ".pickle"):
        x = _of_pickle(path)
    else:
        raise DataError(
            f"{path}: a table is read from .npy, .npz or .pkl; PyTorch's own files can run code. "
            "In Python: numpy.save('table.npy', table)"
        )
    if x.ndim != 2 or x.dtype.kind != "f" or not x.size:
        raise DataError(f"{path}: {x.dtype} of shape {x.shape}, expected vectors (V, D)")
    return x


def _of_npz(path: Path, array: str | None) -> np.ndarray:
    """The array named, or the only one that can be a table."""
    arrays = read_npz(path)
    if array is None:
        tables = [key for key, x in arrays.items() if x.ndim == 2 and x.dtype.kind == "f"]
        if len(tables) != 1:
            raise DataError(f"{path}: {len(tables)} arrays could be the table; {path}:ARRAY says")
        array = tables[0]
    if array not in arrays:
        raise DataError(f"{path}: no array {array!r}; it holds {sorted(arrays)}")
    return arrays[array]


def _of_pickle(path: Path) -> np.ndarray:
    """The array, or the first of (array, ...)."""
    x = load_pickle(path)
    x = x[0] if isinstance(x, list | tuple) and x else x
    if not isinstance(x, StoredArray):
        raise DataError(f"{path}: {type(x).__name__}, expected an array of vectors (V, D)")
    return x.numbers()


def check_numbers(clips: Sequence[Clip], rows: int) -> None:
    """Raises DataError where the words' numbers cannot all be rows of one table: one is not in
    it, or stands for two different words."""
    known: dict[int, tuple[str, Clip]] = {}
    for clip in clips:
        numbers = [] if clip.words is None else clip.words[:].tolist()
        if not all(0 <= number < rows for number in numbers):
            found = f"{min(numbers)} to {max(numbers)}"
            raise DataError(f"{clip.where}: words are rows {found} of a table of {rows}")
        for number, word in zip(numbers, clip.spoken or (), strict=False):
            first, where = known.setdefault(number, (word, clip))
            if number >= SPECIAL and first.casefold() != word.casefold():
                raise DataError(
                    f"{clip.where}: row {number} stands for {word!r}, in {where.name} for "
                    f"{first!r}: the files do not share one table"
                )
