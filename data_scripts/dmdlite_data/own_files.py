"""A researcher's own features, as `from_arrays.py` takes them: an npz, or csv files by clip."""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from collections import Counter
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from dmdlite import DataError

from .reading import reading
from .safe_hdf5 import ALWAYS, EXPANSION

LARGEST_CSV = 1 << 28  # bytes of one file
MOST_ROWS = 1_000_000  # of a table of clips
ABSENT = ("", "na", "nan", "null", "none")  # cells without a number


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
            links = [p for p in path.rglob("*") if p.is_symlink() and p.is_dir()]
            if links:
                raise DataError(f"{links[0]}: a link to a folder; put the folder itself there")
            files = [p for p in path.rglob("*") if p.is_file()]
            self.sizes = {p.relative_to(path).as_posix(): p.stat().st_size for p in files}
            self.root = ""
        self.sizes = {name: size for name, size in self.sizes.items() if not _hidden(name)}

    def __contains__(self, name: str) -> bool:
        return self.root + name in self.sizes

    def folders(self) -> list[str]:
        """Folders right below, in order. Raises DataError for files further down."""
        inner = [PurePosixPath(n.removeprefix(self.root)).parts for n in self.sizes]
        if deep := [parts for parts in inner if len(parts) > 2]:
            raise DataError(f"{self.path}: {'/'.join(deep[0])} lies deeper than MODALITY/ID.csv")
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
        with reading(self.where(name)):
            archive, path = self.zip, self.path / name
            raw = archive.read(self.root + name) if archive else path.read_bytes()
            return raw.decode("utf-8-sig")

    def table(self, name: str) -> list[dict[str, str]]:
        """A csv with a header, as one dict a line."""
        return parse_table(self.text(name), self.where(name))

    def numbers(self, name: str) -> np.ndarray:
        """A csv of numbers [T, D], with or without a header line."""
        rows = [row for row in csv.reader(self.text(name).splitlines()) if row]
        _check_commas(self.where(name), rows)
        if rows and _is_header(rows):
            rows = rows[1:]
        try:
            table = np.array([[number(cell) for cell in row] for row in rows], dtype=np.float64)
        except ValueError as error:
            raise DataError(f"{self.where(name)}: not a table of numbers ({error})") from None
        return table if rows else np.zeros((0, 0))


def parse_table(text: str, where: str) -> list[dict[str, str]]:
    try:
        table = csv.DictReader(io.StringIO(text), strict=True)
        rows = list(islice(table, MOST_ROWS + 1))
    except csv.Error as error:
        raise DataError(f"{where}: not a csv ({error})") from None
    if len(rows) > MOST_ROWS:
        raise DataError(f"{where}: more than {MOST_ROWS} rows")
    header = [name for name in table.fieldnames or [] if name]
    _check_commas(where, [header])
    if len(set(header)) < len(header):
        raise DataError(f"{where}: two columns have one name, in {', '.join(header)}")
    for i, row in enumerate(rows):
        if None in row:  # where csv puts the cells that no column is left for
            says = "a comma in a number, or in text without quotes?"
            raise DataError(f"{where}: row {i + 1} has more cells than the header; {says}")
    return rows


def _check_commas(where: str, rows: list[list[str]]) -> None:
    """Raises DataError for other signs than commas between cells, and commas inside numbers."""
    for sign, name in (("\t", "tabs"), (";", "semicolons")):
        if any(sign in cell for row in rows[:1] for cell in row):
            raise DataError(f"{where}: separated by {name}? write commas between the cells")
    decimals = [cell.strip() for row in rows for cell in row[1::2]]
    even = all(len(row) % 2 == 0 for row in rows)
    whole = all(re.fullmatch(r"\s*-?\d+\s*", cell) for row in rows for cell in row)
    if even and whole and any(re.fullmatch(r"0\d+", cell) for cell in decimals):
        raise DataError(f"{where}: decimal commas (0,05)? write points, they look like two columns")


def _hidden(name: str) -> bool:
    """What systems leave in folders and zips: .DS_Store, __MACOSX/..."""
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def number(cell: str) -> float:
    """A cell's number; NaN where it is empty or says so."""
    if "_" in cell:
        raise ValueError(f"could not convert string to float: {cell!r}")  # to Python, 0_5 is 5
    return math.nan if cell.strip().lower() in ABSENT else float(cell)


def _is_header(rows: list[list[str]]) -> bool:
    """Whether the first row is names, none of which is a number, or the numbers 0, 1, 2, ... that
    pandas writes above others."""
    row = rows[0]
    if (
        len(rows) > 1
        and len(row) > 1
        and [cell.strip() for cell in row] == [str(i) for i in range(len(row))]
    ):
        return True
    absent = all(cell.strip().lower() in ABSENT for cell in row)
    return not absent and not any(_is_number(cell) for cell in row)


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
    with reading(f"{path}: neither a folder nor a readable zip"):
        archive = zipfile.ZipFile(path)
    for member in archive.infolist():
        parts = PurePosixPath(member.filename.replace("\\", "/"))
        if (
            not parts.parts
            or parts.is_absolute()
            or ".." in parts.parts
            or ":" in (*parts.parts, "")[0]
        ):
            raise DataError(f"{path}: refused, {member.filename!r} points out of the archive")
    names = [member.filename.removesuffix(".npy") for member in archive.infolist()]
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise DataError(f"{path}: refused, it holds {twice!r} twice")
    size, unpacked = path.stat().st_size, sum(m.file_size for m in archive.infolist())
    if unpacked > max(ALWAYS, EXPANSION * size):
        raise DataError(f"{path}: refused, it unpacks from {size} to {unpacked} bytes")
    return archive


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an npz. Raises DataError for objects, and headers that promise too much."""
    archive, arrays = open_zip(path), {}
    for member in archive.infolist():
        where = f"{path}: {member.filename}"
        with reading(where), archive.open(member) as file:
            arrays[member.filename.removesuffix(".npy")] = _read_npy(file, member.file_size)
    return arrays


def _read_npy(file: BinaryIO, size: int) -> np.ndarray:
    """One array: its header first, and only then as many bytes as are there."""
    if np.lib.format.read_magic(file) == (1, 0):
        header: Any = np.lib.format.read_array_header_1_0(file)
    else:
        header = np.lib.format.read_array_header_2_0(file)
    shape, fortran, dtype = header
    if dtype.kind not in "fiubUS":
        raise ValueError(
            f"refused, it holds {dtype}, expected numbers or text (save text as x.astype(str))"
        )
    raw = file.read()
    if len(raw) != dtype.itemsize * int(np.prod(shape, dtype=object)):
        raise ValueError(f"refused, shape {shape} of {dtype} does not fit its {size} bytes")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")
