"""The clips of an npz, or of a folder of csv files: what describes them, and a reader of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dmdlite import DataError

from .own_files import Folder, number, read_npz
from .reading import reading

ABOUT = ("labels", "ids", "split", "group", "texts")  # what describes clips; the rest is features
COLUMNS = [(k, k) for k in ("split", "group")]  # of labels.csv, and what they are called above
COLUMNS += [("id", "ids"), ("label", "labels"), ("text", "texts")]


class Source(NamedTuple):
    about: dict[str, np.ndarray]  # what describes the clips: key -> [N]
    read: dict[str, Callable[[int], np.ndarray]]  # modality -> (i -> steps [T, D] of clip i)
    widths: dict[str, int]
    lengths: dict[str, np.ndarray]  # modality -> [N] real steps, where padded and known
    clips: int  # N


def from_npz(path: Path) -> Source:
    """What describes the clips, a reader per modality, and widths."""
    return from_given(path, read_npz(path))


def from_given(path: Path, arrays: dict[str, np.ndarray]) -> Source:
    """The same, of arrays in memory; `path` is where they come from, for complaints."""
    arrays = dict(arrays)
    about = {key: arrays.pop(key) for key in ABOUT if key in arrays}
    counted = [m for m in arrays if f"{m}_lengths" in arrays and not m.endswith("_lengths")]
    lengths = {m: arrays.pop(f"{m}_lengths") for m in counted}
    n = _clip_count(path, about, arrays, lengths)
    for key, value in about.items():
        if value.size != n:
            raise DataError(f"{path}: {key} has shape {value.shape} for {n} clips")
        with reading(f"{path}: {key}"):
            about[key] = value.reshape(n) if key == "labels" else value.reshape(n).astype(str)
            about[key].tolist()  # text that is none shows here
    if "labels" in about:
        about["labels"] = _as_numbers(path, about["labels"])
    read = {m: _clips(f"{path}: {m}", x, lengths.get(m), n) for m, x in arrays.items()}
    padded = {m: known for m, known in lengths.items() if arrays[m].ndim == 3}
    return Source(about, read, {m: x.shape[-1] for m, x in arrays.items()}, padded, n)


def _clip_count(path: Path, about: dict, arrays: dict, lengths: dict) -> int:
    """How many clips an npz has: its labels, ids or other words on clips say, else its arrays."""
    told = [about[key] for key in ABOUT if key in about] or list(lengths.values())
    if told:
        return told[0].size
    padded = {len(x) for x in arrays.values() if x.ndim == 3}
    if len(padded) != 1:
        held = sorted(arrays)
        raise DataError(f"{path}: no array labels or ids, and its {held} do not say how many clips")
    return padded.pop()


def _clips(where: str, x: np.ndarray, lengths: np.ndarray | None, n: int) -> Callable:
    """i -> the steps [T, D] of clip i. Raises DataError when the array is of neither form."""
    if x.dtype.kind not in "fiu":
        raise DataError(f"{where} holds {x.dtype}, expected numbers")
    if lengths is not None and (lengths.shape != (n,) or lengths.dtype.kind not in "iu"):
        raise DataError(f"{where}_lengths must be {n} whole numbers, is {lengths.shape}")
    if lengths is not None and (lengths > x.size).any():
        raise DataError(f"{where}_lengths reach {lengths.max()}, more than there is")
    if x.ndim == 3 and len(x) == n:
        if lengths is not None and ((lengths < 0) | (lengths > x.shape[1])).any():
            raise DataError(f"{where}_lengths go beyond the {x.shape[1]} steps there are")
        return lambda i: x[i]
    if x.ndim == 2 and lengths is not None and (lengths >= 0).all() and lengths.sum() == len(x):
        ends = np.cumsum(lengths)
        return lambda i: x[ends[i] - lengths[i] : ends[i]]
    raise DataError(
        f"{where} has shape {x.shape}; expected ({n}, T, D), or (S, D) with {n} lengths that sum "
        "to S"
    )


def from_folder(path: Path) -> Source:
    folder = Folder(path)
    if "labels.csv" not in folder:
        raise DataError(f"{path}: no labels.csv")
    rows = folder.table("labels.csv")
    if not rows or "id" not in rows[0]:
        raise DataError(f"{folder.where('labels.csv')}: needs a header with id and label")
    about = about_clips(folder.where("labels.csv"), rows)
    for clip in about["ids"]:
        if not clip or set(clip) & set("/\\\0") or clip in (".", ".."):
            where = folder.where("labels.csv")
            raise DataError(f"{where}: id {str(clip)!r} cannot be a file's name")
    modalities, known = folder.folders(), set(about["ids"].tolist())
    files = [(m, f) for m in modalities for f in folder.files(m)]
    orphans = [f"{m}/{f}" for m, f in files if f.removesuffix(".csv") not in known]
    if orphans:
        raise DataError(f"{path}: {len(orphans)} files without a label, first {orphans[0]}")
    widths = {m: _width(folder, m) for m in modalities}
    read = {m: _csv_reader(folder, m, about["ids"], widths[m]) for m in modalities}
    return Source(about, read, widths, {}, len(rows))


def about_clips(where: str, rows: list[dict[str, str]]) -> dict[str, np.ndarray]:
    """What the rows of a labels.csv say of the clips; a label that is no number is an error."""
    about = {
        new: np.array([row[old] or "" for row in rows]) for old, new in COLUMNS if old in rows[0]
    }
    if "labels" in about:
        about["labels"] = _cells(where, about["labels"], about["ids"])
    return about


def _width(folder: Folder, m: str) -> int:
    """Columns of the first file that has any."""
    for file in folder.files(m):
        if width := folder.numbers(f"{m}/{file}").shape[1]:
            return width
    raise DataError(f"{folder.where(m)}: no file with a number in it")


def _csv_reader(folder: Folder, m: str, ids: np.ndarray, width: int) -> Callable:
    def read(i: int) -> np.ndarray:
        file = f"{m}/{ids[i]}.csv"
        if file not in folder:
            return np.zeros((0, width))  # a missing modality
        x = folder.numbers(file)
        if not x.size:
            return np.zeros((0, width))
        if x.shape[1] != width:
            raise DataError(f"{folder.where(file)}: {x.shape[1]} columns, others have {width}")
        return x

    return read


def _cells(where: str, cells: np.ndarray, ids: np.ndarray) -> np.ndarray | None:
    """Labels of a table; NaN where a cell is empty or says so."""
    labels = np.full(len(cells), np.nan)
    for i, cell in enumerate(cells.tolist()):
        try:
            labels[i] = number(cell)
        except ValueError:
            raise DataError(f"{where}: the label of {ids[i]} is no number, {cell!r}") from None
    return labels


def _as_numbers(where: object, x: np.ndarray) -> np.ndarray:
    with reading(f"{where}: labels must be numbers"):
        return x.astype(np.float64)
