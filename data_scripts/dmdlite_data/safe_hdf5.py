"""HDF5 files opened so that they can neither reach other files nor fill the memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from dmdlite import DataError

from .reading import reading

ALWAYS = 64 * 1024**2  # bytes; a larger array must take up a fair share of that in the file
EXPANSION = 100  # how much larger than in the file an array may be


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """The file, for reading. Raises DataError that names it when it is no HDF5, or damaged."""
    with reading(f"{path}: not a readable HDF5 file"):
        file = h5py.File(path, "r")
    with file:
        yield file


def member(group: h5py.Group, key: str) -> h5py.Group | h5py.Dataset:
    """`group[key]`, where it lies in this very file. Raises DataError when it points elsewhere."""
    where = f"{group.file.filename}: {group.name.rstrip('/')}/{key}"
    with reading(where):
        link = group.get(key, getlink=True)
        if link is None:
            raise DataError(f"{where}: not there; found {sorted(map(str, group))[:9]}")
        if not isinstance(link, h5py.HardLink):
            raise DataError(f"{where}: refused, a {type(link).__name__} that points elsewhere")
        return group[key]


def read_array(group: h5py.Group, key: str, kinds: str = "fiu") -> np.ndarray:
    """The array `key` of a group: numbers, or text where `kinds` has an S.

    Raises DataError for another type, for data outside the file, and for a size that the file's
    own bytes do not account for.
    """
    data = member(group, key)
    where = f"{group.file.filename}: {data.name}"
    if not isinstance(data, h5py.Dataset):
        raise DataError(f"{where}: a group, expected an array")
    with reading(where):
        _check(data, where, kinds)
        return data[()]


def _check(data: h5py.Dataset, where: str, kinds: str) -> None:
    if data.shape is None or not data.shape:
        raise DataError(f"{where}: a single value, expected an array")
    if data.external or data.is_virtual:
        raise DataError(f"{where}: refused, its data lies in another file")
    text = data.dtype.kind == "O" and h5py.check_string_dtype(data.dtype) is not None
    if not (data.dtype.kind in kinds or ("S" in kinds and text)):
        raise DataError(f"{where}: holds {data.dtype}, expected numbers")
    free = 0 if text else ALWAYS  # text of variable length has its size elsewhere
    if data.nbytes > max(free, EXPANSION * data.id.get_storage_size()):
        raise DataError(
            f"{where}: refused, shape {data.shape} is {data.nbytes:.2g} bytes, "
            f"with {data.id.get_storage_size()} in the file"
        )
