"""Convert your own features: an npz, or a folder (or zip) of csv files, one per clip.

Usage: python data_scripts/from_arrays.py FEATURES.npz --name mine; --help says more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from dmdlite_data.conversion import MODALITY_NAME, Piece, convert, padded_pieces
from dmdlite_data.options import Dtype, Out, Precision, new_app
from dmdlite_data.own_files import Folder, read_npz
from dmdlite_data.reading import reading

from dmdlite import DataError
from dmdlite.cli import run_app
from dmdlite.data.storage import SPLITS

ABOUT = ("labels", "ids", "split", "group", "texts")  # what describes clips; the rest is features
COLUMNS = [(k, k) for k in ("split", "group")]  # of labels.csv, and what they are called above
COLUMNS += [("id", "ids"), ("label", "labels"), ("text", "texts")]


class Source(NamedTuple):
    about: dict[str, np.ndarray]  # what describes the clips: key -> [N]
    read: dict[str, Callable[[int], np.ndarray]]  # modality -> (i -> steps [T, D] of clip i)
    widths: dict[str, int]
    lengths: dict[str, np.ndarray]  # modality -> [N] real steps, where padded and known


app = new_app()
EXAMPLE = "python data_scripts/from_arrays.py mine.npz --name mine --shares 70,10,20"


@app.command(epilog=f"Example: {EXAMPLE}")
def from_arrays(
    source: Annotated[Path, typer.Argument(help=".npz, folder, or .zip of a folder; see below")],
    name: Annotated[str, typer.Option(help="Name of the data set")],
    aligned: Annotated[
        bool, typer.Option("--aligned", help="The modalities share one time grid")
    ] = False,
    shares: Annotated[
        str | None, typer.Option(help="Percent for train,valid,test, where no split is given")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random split")] = 0,
    label_shift: Annotated[float, typer.Option(help="sentiment = (label - shift) * scale")] = 0.0,
    label_scale: Annotated[float, typer.Option(help="See --label-shift")] = 1.0,
    out: Out = None,
    dtype: Dtype = Precision.float32,
) -> None:
    """Convert two or more modalities of any name.

    npz: `labels` [N]; optional text arrays [N] `ids`, `split`, `group` and `texts`; every other
    array is a modality: padded [N, T, D], with its steps in NAME_lengths [N] if you know them, or
    clip after clip [S, D] with NAME_lengths [N].

    Folder or zip: labels.csv with columns id, label and optional split, group, text; then
    MODALITY/ID.csv, a line a step, a column a feature, with or without a header.

    Clips of one `group` (a video, a speaker) never land in different splits.
    """
    found = _from_npz(source) if source.suffix == ".npz" else _from_folder(source)
    about, names = found.about, list(found.read)
    if len(names) < 2:
        raise DataError(f"{source}: {len(names)} modalities ({', '.join(names)}), two are needed")
    for m in names:
        if not MODALITY_NAME.fullmatch(m) or m == "factor":  # factor.NAME is taken, on disk
            raise DataError(f"{source}: a modality cannot be called {m!r}")
    ids = about.get("ids", np.arange(0))
    if len(set(ids)) < len(ids):
        raise DataError(f"{source}: {len(ids) - len(set(ids))} ids occur twice")
    split = _splits(source, about, shares, seed)
    labels = (about["labels"] - label_shift) * label_scale
    group = about.get("group")
    groups = {s: [str(g) for g in group[split == s]] for s in SPLITS} if group is not None else None
    convert(
        _pieces(name, found, labels, split, aligned),
        name,
        out,
        source=f"own features in {source.name}",
        inputs=[source],
        own=True,
        total=len(labels),
        dtype=dtype,
        aligned=aligned,
        label_map=f"(label - {label_shift:g}) * {label_scale:g}",
        shares=shares,
        **({"groups": groups} if groups else {}),
    )


def _from_npz(path: Path) -> Source:
    """What describes the clips, a reader per modality, and widths."""
    arrays = read_npz(path)
    if "labels" not in arrays:
        raise DataError(f"{path}: no array 'labels'; it holds {sorted(arrays)}")
    n = arrays["labels"].size
    about = {key: arrays.pop(key) for key in ABOUT if key in arrays}
    for key, value in about.items():
        if value.size != n:
            raise DataError(f"{path}: {key} has shape {value.shape} for {n} labels")
        with reading(f"{path}: {key}"):
            about[key] = value.reshape(n) if key == "labels" else value.reshape(n).astype(str)
            about[key].tolist()  # text that is none shows here
    about["labels"] = _as_numbers(path, about["labels"])
    counted = [m for m in arrays if f"{m}_lengths" in arrays]
    lengths = {m: arrays.pop(f"{m}_lengths") for m in counted}
    read = {m: _clips(f"{path}: {m}", x, lengths.get(m), n) for m, x in arrays.items()}
    padded = {m: known for m, known in lengths.items() if arrays[m].ndim == 3}
    return Source(about, read, {m: x.shape[-1] for m, x in arrays.items()}, padded)


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


def _from_folder(path: Path) -> Source:
    folder = Folder(path)
    if "labels.csv" not in folder:
        raise DataError(f"{path}: no labels.csv")
    rows = folder.table("labels.csv")
    if not rows or not {"id", "label"} <= set(rows[0]):
        raise DataError(f"{folder.where('labels.csv')}: needs a header with id and label")
    about = {
        new: np.array([row[old] or "" for row in rows]) for old, new in COLUMNS if old in rows[0]
    }
    about["labels"] = _as_numbers(folder.where("labels.csv"), about["labels"])
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
    return Source(about, read, widths, {})


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


def _as_numbers(where: object, x: np.ndarray) -> np.ndarray:
    with reading(f"{where}: labels must be numbers"):
        return x.astype(np.float64)


def _splits(source: Path, about: dict, shares: str | None, seed: int) -> np.ndarray:
    """[N] split of every clip: as given, or whole groups at random."""
    if "split" in about:
        if shares:
            raise DataError(f"--shares: {source} says itself which split a clip is in")
        if unknown := sorted(set(about["split"]) - set(SPLITS)):
            raise DataError(f"{source}: split {str(unknown[0])!r}, expected {', '.join(SPLITS)}")
        return about["split"]
    try:
        percent = [float(share) for share in (shares or "").split(",")]
    except ValueError:
        percent = []
    if len(percent) != 3 or not min(percent) >= 0 or not abs(sum(percent) - 100) < 1e-6:
        raise DataError(f"{source}: no split given; say how, for example --shares 70,10,20")
    group = about.get("group", np.arange(len(about["labels"])))
    if blank := int((group == "").sum()):
        raise DataError(f"{source}: {blank} clips without a group, where others have one")
    names, member, sizes = np.unique(group, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    before = np.empty(len(names))
    before[order] = np.cumsum(sizes[order]) - sizes[order]  # clips in the groups drawn earlier
    edges = np.cumsum(percent[:2]) / 100 * len(group)
    return np.array(SPLITS)[np.searchsorted(edges, before, side="right")][member]


def _pieces(
    name: str, found: Source, labels: np.ndarray, split: np.ndarray, aligned: bool
) -> Iterator[Piece]:
    """Clip by clip, so that none is padded to another's length."""
    ids, texts = found.about.get("ids"), found.about.get("texts")
    for s in SPLITS:
        for i in np.flatnonzero(split == s):
            x = {m: read(i) for m, read in found.read.items()}
            longest = max(len(steps) for steps in x.values())
            if aligned:  # a missing modality keeps its place on the grid
                x = {m: v if len(v) else np.zeros((longest, found.widths[m])) for m, v in x.items()}
            yield from padded_pieces(
                s,
                name,
                {m: steps[None] for m, steps in x.items()},
                labels[i : i + 1],
                [f"{name}_{i:05d}" if ids is None else str(ids[i])],
                lengths={m: n[i : i + 1] for m, n in found.lengths.items()},
                texts=[] if texts is None else [str(texts[i])],
                aligned=aligned,
            )


if __name__ == "__main__":
    run_app(app)
