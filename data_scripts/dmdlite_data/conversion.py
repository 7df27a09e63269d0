"""What every converter does: collect pieces, write the data set in one go, report."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
import typer
from tqdm.auto import tqdm

from dmdlite import DataError, MultimodalDataset, save_dataset
from dmdlite.data.padding import Repairs, from_padded
from dmdlite.data.spool import Spool
from dmdlite.data.storage import DATA_HOME, SPLITS, check_replaceable, manifest_of
from dmdlite.files import workspace

from .checks import Status, check
from .labels import check_labels, within_limits
from .options import Precision
from .published import describe, published_as
from .scan import scan
from .words import in_words

CHUNK = 64 * 1024**2  # bytes of padded input taken at a time
WRITTEN_ANEW = (
    "folder",
    "splits",
    "format",
    "name",
    "source",
    "modalities",
    "ids",
    "texts",
    "groups",
    "hashes",
    "unfit",
    "versions",
)
MODALITY_NAME = re.compile(r"[A-Za-z][\w-]*")
Piece = tuple[str, MultimodalDataset, Repairs]  # split, some of its samples, what was repaired


def convert(
    pieces: Iterable[Piece],
    name: str,
    out: Path | None,
    *,
    source: str,
    inputs: Sequence[Path],
    total: int | None = None,
    dtype: Precision = Precision.float32,
    before: dict[str, Any] | None = None,
    guessed: bool = False,
    **manifest: Any,
) -> Path:
    """Write the data set that `pieces` make up, and print the report.

    `inputs` are hashed into the manifest; `total` is the number of samples, for the progress bar;
    `before` is the manifest of the data set this one is made from, whose history it continues.
    A `guessed` name takes no other data set's place. What is found unfit goes on record. Returns
    the folder. Until the last moment a data set already there stays as it is. Raises DataError for
    labels of another scale, and DataError, OSError as `save_dataset`.
    """
    check_name(name)
    out = out or data_home() / name
    out = out if out.name else out.resolve()  # "." has no name
    check_replaceable(out)
    history = {k: v for k, v in (before or {}).items() if k not in WRITTEN_ANEW}
    repaired: dict[str, Repairs] = history.pop("repaired", {})
    names = [path.name for path in inputs]
    if len(set(names)) < len(names):
        names = [f"{path.absolute().parent.name}/{path.name}" for path in inputs]
    files = history.pop("inputs", {}) | dict(zip(names, map(describe, inputs), strict=True))
    if guessed:
        _check_not_anothers(out, files)
    about = {**history, "inputs": files, "versions": _versions(), "repaired": repaired, **manifest}
    with workspace(out.with_name(f"{out.name}.pieces")) as space:
        spools: dict[str, Spool] = {}
        with tqdm(total=total, desc=name, unit="sample", file=sys.stderr) as bar:
            for split, piece, repairs in pieces:
                if split not in spools:
                    spools[split] = Spool(space / split, getattr(torch, dtype.value))
                spools[split].append(piece)
                add_repairs(repaired.setdefault(split, {}), repairs)
                bar.update(len(piece))
        if not spools:
            raise DataError(f"{name}: no samples")
        found = {s: spools[s].dataset() for s in SPLITS if s in spools}
        splits = within_limits(found, repaired)
        about["unfit"] = _unfit(splits, about)
        save_dataset(out, splits, source=source, **about)
        _report(out, splits, about)
    return out


def data_home() -> Path:
    return Path(os.environ.get(DATA_HOME, "data"))


def check_name(name: str) -> None:
    """Raises DataError for a name that a data set cannot have."""
    if name.partition(":")[0] == "toy" or Path(name).name != name or "\\" in name:
        raise DataError(f"--name {name}: not a name for a data set; toy is the embedded one's")


def _check_not_anothers(out: Path, files: dict[str, Any]) -> None:
    """Raises DataError when the data set in `out` was made from other files."""
    if not (out / "dataset.json").is_file():
        return
    there = {about.get("sha256") for about in manifest_of(out).get("inputs", {}).values()}
    if there != {about["sha256"] for about in files.values()}:
        raise DataError(f"{out}: holds a data set made from another file; say --name")


def _unfit(splits: dict[str, MultimodalDataset], about: dict[str, Any]) -> list[str]:
    """What `verify.py` will call a failure, on record for whoever trains on the data set."""
    with tqdm(disable=True) as silent:
        scans = {split: scan(data, silent) for split, data in splits.items()}
    found = check(splits, scans, about)
    return [f"{f.check}: {f.says}" for f in found if f.status == Status.FAIL]


def padded_pieces(
    split: str,
    name: str,
    features: Mapping[str, Any],
    labels: np.ndarray | None,
    ids: Sequence[str] | None,
    lengths: Mapping[str, np.ndarray] | None = None,
    texts: Sequence[str] = (),
    factors: Mapping[str, np.ndarray] | None = None,
    aligned: bool | None = None,
    groups: Sequence[str] = (),
    trim: bool = True,
) -> Iterator[Piece]:
    """Padded arrays [N, T, D], in memory or in a file, as pieces of about CHUNK bytes.

    Without `labels` the clips can only be predicted. Modalities of one T share a time grid unless
    `aligned` says otherwise. Ids that occur again are numbered, and so are clips without ids.
    """
    where, told = f"{name}, {split}", dict(lengths or {})
    clips = len(next(iter(features.values()))) if labels is None else len(labels)
    for m, x in features.items():
        if len(x) != clips:
            raise DataError(f"{where}: {m} has {len(x)} clips, labels {clips}")
    if not clips:
        raise DataError(f"{where}: no clips")
    ids, once = named(ids or [""] * clips, f"{name}_{split}")
    if labels is None:
        labels = np.full(clips, np.nan)
    else:
        check_labels(where, labels, ids)
    for m, n in told.items():
        _check_lengths(f"{where}: {m}", n)
    aligned = len({x.shape[1] for x in features.values()}) == 1 if aligned is None else aligned
    row = sum(int(np.prod(x.shape[1:])) * x.dtype.itemsize for x in features.values())
    size = max(1, CHUNK // max(row, 1))
    for start in range(0, len(labels), size):
        part = slice(start, start + size)
        dataset, repairs = from_padded(
            {m: x[part] for m, x in features.items()},
            labels[part],
            ids[part],
            name,
            lengths={m: n[part] for m, n in told.items()},
            aligned=aligned,
            trim=trim,
            texts=texts[part],
            factors={k: torch.tensor(f[part]).float() for k, f in (factors or {}).items()},
            groups=groups[part],
        )
        for m, n in told.items():  # whoever padded the file has cut these clips
            repairs[m]["longer"] = int((n[part] > features[m].shape[1]).sum())
        yield split, dataset, {**repairs, "ids": once if start == 0 else {}}


def _check_lengths(where: str, lengths: np.ndarray) -> None:
    """Raises DataError for a number [N] that counts nothing. A mask [N, T] is none."""
    with np.errstate(invalid="ignore"):
        odd = lengths[~((lengths >= 0) & (lengths % 1 == 0))] if lengths.ndim == 1 else ()
    if len(odd):
        raise DataError(f"{where}: {len(odd)} lengths are no number of steps, first {odd[0]:g}")


def named(ids: Sequence[str], start: str) -> tuple[list[str], dict[str, int]]:
    """Blank ids become START_00007, those that occur again get #2, #3, ...; and how many did."""
    full = [name if name.strip() else f"{start}_{i:05d}" for i, name in enumerate(ids)]
    taken, unique = set(full), []
    again: dict[str, Iterator[int]] = {}  # name -> the next numbers to try
    for name in full:
        fresh = name
        if name in again:
            fresh = next(f"{name}#{k}" for k in again[name] if f"{name}#{k}" not in taken)
        again.setdefault(name, count(2))
        taken.add(fresh)
        unique.append(fresh)
    made = sum(not name.strip() for name in ids)
    return unique, {"made": made, "renamed": len(full) - len(again)}


def add_repairs(total: Repairs, more: Repairs) -> None:
    for where, counts in more.items():
        for what, number in counts.items():
            sums = total.setdefault(where, {})
            sums[what] = sums.get(what, 0) + number


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "dmdlite": version("dmdlite"),
        "numpy": np.__version__,
        "torch": torch.__version__,
    }


def _report(out: Path, splits: dict[str, MultimodalDataset], about: dict[str, Any]) -> None:
    for file, found in ({} if about.get("own") else about["inputs"]).items():
        title = published_as(found)
        says = f"the published file ({title})" if title else "not among the published hashes"
        typer.echo(f"{file}: SHA-256 {found['sha256'][:16]}, {says}")
    for split, data in splits.items():
        y = data.labels[data.labelled]
        shown = f"labels {y.min():.2f} to {y.max():.2f}" if len(y) else "no labels: to predict only"
        shown += f", {len(data) - len(y)} have none" if 0 < len(y) < len(data) else ""
        typer.echo(f"{split}: {len(data)} samples, {shown}")
        for m, width in zip(data.modalities, data.widths, strict=True):
            steps = data.lengths(m)
            real = steps[steps > 0]
            shown = (
                f"{real.min()}-{real.max()} steps, median {real.median()}; " if len(real) else ""
            )
            missing = len(steps) - len(real)
            typer.echo(f"  {m:10} width {width:4}; {shown}missing in {missing} samples")
        for where, counts in about["repaired"].get(split, {}).items():
            if said := in_words(counts):
                typer.echo(f"  {where:10} {said}")
    for says in about["unfit"]:
        typer.echo(f"warning: unfit for use, {says}", err=True)
    size = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    typer.echo(f"written to {out} ({size:,.1f} MB). Next: python data_scripts/verify.py {out}")
