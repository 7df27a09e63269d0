"""A researcher's own features, as `from_arrays.py` takes them: an npz, or csv files by clip."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
from safe_hdf5 import ALWAYS, EXPANSION

from dmdlite import DataError

LARGEST_CSV = 1 << 28  # bytes of one file


class Folder:
    """The files of a folder, or of a zip that is read in place and never unpacked."""

    def __init__(self, path: Path):
        self.path = path
        self.zip = None if path.is_dir() else open_zip(path)
        if self.zip:
            self.sizes = {i.filename: i.file_size for i in self.zip.infolist() if not i.is_dir()}
            roots = {PurePosixPath(name).parts[0] for name in self.sizes}
            wrapped = "labels.csv" not in self.sizes and len(roots) == 1
            self.root = f"{roots.pop()}/" if wrapped else ""  # a zip of the folder itself
        else:
            files = [p for p in path.rglob("*") if p.is_file()]
            self.sizes = {p.relative_to(path).as_posix(): p.stat().st_size for p in files}
            self.root = ""

    def __contains__(self, name: str) -> bool:
        return self.root + name in self.sizes

    def folders(self) -> list[str]:
        """Folders right below, in order."""
        inner = (PurePosixPath(n.removeprefix(self.root)).parts for n in self.sizes)
        return sorted({parts[0] for parts in inner if len(parts) == 2})

    def files(self, folder: str) -> list[str]:
        start = f"{self.root}{folder}/"
        return sorted(n.removeprefix(start) for n in self.sizes if n.startswith(start))

    def where(self, name: str) -> str:
        return f"{self.path}: {name}" if self.zip else str(self.path / name)

    def text(self, name: str) -> str:
        """Raises DataError for a file that is too large, or not UTF-8."""
        if self.sizes[self.root + name] > LARGEST_CSV:
            raise DataError(f"{self.where(name)}: larger than {LARGEST_CSV >> 20} MiB")
        try:
            archive, path = self.zip, self.path / name
            raw = archive.read(self.root + name) if archive else path.read_bytes()
            return raw.decode("utf-8-sig")
        except (UnicodeDecodeError, zipfile.BadZipFile, RuntimeError) as error:
            raise DataError(f"{self.where(name)}: cannot be read ({error})") from None

    def table(self, name: str) -> list[dict[str, str]]:
        """A csv with a header, as one dict a line."""
        return parse_table(self.text(name), self.where(name))

    def numbers(self, name: str) -> np.ndarray:
        """A csv of numbers [T, D], with or without a header line."""
        text = self.text(name).strip()
        first = text.partition("\n")[0].split(",")
        skip = 0 if all(_is_number(cell) for cell in first) else 1
        if not text or (skip and "\n" not in text):
            return np.zeros((0, len(first)))
        try:
            return np.loadtxt(io.StringIO(text), delimiter=",", skiprows=skip, ndmin=2)
        except ValueError as error:
            raise DataError(f"{self.where(name)}: not a table of numbers ({error})") from None


def parse_table(text: str, where: str) -> list[dict[str, str]]:
    try:
        return list(csv.DictReader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise DataError(f"{where}: not a csv ({error})") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def open_zip(path: Path) -> zipfile.ZipFile:
    """A zip whose members are no larger than their bytes account for, and stay inside.

    Raises DataError otherwise, and when it is no zip.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: neither a folder nor a readable zip ({error})") from None
    for member in archive.infolist():
        parts = PurePosixPath(member.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0]:
            raise DataError(f"{path}: refused, {member.filename!r} points out of the archive")
        if member.file_size > max(ALWAYS, EXPANSION * member.compress_size):
            raise DataError(
                f"{path}: refused, {member.filename!r} unpacks from {member.compress_size} "
                f"to {member.file_size} bytes"
            )
    return archive


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an npz. Raises DataError for objects, and headers that promise too much."""
    archive, arrays = open_zip(path), {}
    for member in archive.infolist():
        where = f"{path}: {member.filename}"
        with _complaints(where), archive.open(member) as file:
            arrays[member.filename.removesuffix(".npy")] = _read_npy(file, member.file_size)
    return arrays


@contextmanager
def _complaints(where: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, EOFError, RuntimeError, zipfile.BadZipFile, SyntaxError) as error:
        raise DataError(f"{where}: {error}") from None


def _read_npy(file: BinaryIO, size: int) -> np.ndarray:
    """One array: its header first, and only then as many bytes as are there."""
    if np.lib.format.read_magic(file) == (1, 0):
        header: Any = np.lib.format.read_array_header_1_0(file)
    else:
        header = np.lib.format.read_array_header_2_0(file)
    shape, fortran, dtype = header
    if dtype.kind not in "fiubUS":
        raise DataError(f"refused, it holds {dtype}, expected numbers or text")
    raw = file.read()
    if len(raw) != dtype.itemsize * int(np.prod(shape, dtype=object)):
        raise DataError(f"refused, shape {shape} of {dtype} does not fit its {size} bytes")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")
