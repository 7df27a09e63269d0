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
from dmdlite.data.storage import DATA_HOME, SPLITS, check_replaceable
from dmdlite.files import read_json, workspace

from .options import Precision
from .published import describe, published_as

CHUNK = 64 * 1024**2  # bytes of padded input taken at a time
LIMIT = 3.0  # sentiment lies in [-LIMIT, LIMIT]
WRITTEN_ANEW = (
    "folder",
    "splits",
    "format",
    "name",
    "source",
    "modalities",
    "ids",
    "texts",
    "versions",
)
MODALITY_NAME = re.compile(r"[A-Za-z][\w-]*")
WORDS = {
    "not_finite": "NaN or inf values set to 0",
    "not_averaged": "NaN or inf left out of an average",
    "left": "padded steps removed on the left",
    "right": "padded steps removed on the right",
    "gaps": "all-zero steps in between, masked",
    "beyond": "non-zero steps beyond the given length, dropped",
    "clipped": f"outside [-{LIMIT:g}, {LIMIT:g}], cut",
    "renamed": "that occurred before, numbered",
    "cut_texts": "texts longer than the encoder takes, cut",
    "no_text": "clips without words, language missing",
    "made": "made up, the source has none",
}


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
    **manifest: Any,
) -> Path:
    """Write the data set that `pieces` make up, and print the report.

    `inputs` are hashed into the manifest; `total` is the number of samples, for the progress bar;
    `before` is the manifest of the data set this one is made from, whose history it continues.
    Returns the folder. Until the last moment a data set already there stays as it is.
    Raises DataError, OSError as `save_dataset`.
    """
    if name.partition(":")[0] == "toy" or Path(name).name != name or "\\" in name:
        raise DataError(f"--name {name}: not a name for a data set; toy is the embedded one's")
    out = out or data_home() / name
    out = out if out.name else out.resolve()  # "." has no name
    check_replaceable(out)
    history = {k: v for k, v in (before or {}).items() if k not in WRITTEN_ANEW}
    repaired: dict[str, Repairs] = history.pop("repaired", {})
    names = [path.name for path in inputs]
    if len(set(names)) < len(names):
        names = [f"{path.absolute().parent.name}/{path.name}" for path in inputs]
    files = history.pop("inputs", {}) | dict(zip(names, map(describe, inputs), strict=True))
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
        splits = {s: spools[s].dataset() for s in SPLITS if s in spools}
        save_dataset(out, splits, source=source, **about)
        _report(out, splits, repaired, files)
    return out


def data_home() -> Path:
    return Path(os.environ.get(DATA_HOME, "data"))


def manifest_of(name: str) -> dict[str, Any]:
    """dataset.json of the folder that `load_dataset` finds; empty for the toy."""
    for folder in (Path(name), data_home() / name):
        if (folder / "dataset.json").is_file():
            about = read_json(folder / "dataset.json")
            for key in ("inputs", "repaired", "groups"):
                if not isinstance(about.get(key, {}), dict):
                    raise DataError(f"{folder / 'dataset.json'}: field {key!r} is not a dict")
            return about
    return {}


def padded_pieces(
    split: str,
    name: str,
    features: Mapping[str, Any],
    labels: np.ndarray,
    ids: Sequence[str] | None,
    lengths: Mapping[str, np.ndarray] | None = None,
    texts: Sequence[str] = (),
    factors: Mapping[str, np.ndarray] | None = None,
    aligned: bool | None = None,
) -> Iterator[Piece]:
    """Padded arrays [N, T, D], in memory or in a file, as pieces of about CHUNK bytes.

    Modalities of one T share a time grid unless `aligned` says otherwise. Labels beyond LIMIT
    are cut, ids that occur again are numbered, and so are clips without ids.
    """
    for m, x in features.items():
        if len(x) != len(labels):
            raise DataError(f"{name}, {split}: {m} has {len(x)} clips, labels {len(labels)}")
    if not len(labels):
        raise DataError(f"{name}, {split}: no clips")
    if bad := int((~np.isfinite(labels)).sum()):
        raise DataError(f"{name}, {split}: {bad} labels hold NaN or inf")
    once = {"made": 0 if ids else len(labels)}
    ids, once["renamed"] = numbered(ids or [f"{name}_{split}_{i:05d}" for i in range(len(labels))])
    aligned = len({x.shape[1] for x in features.values()}) == 1 if aligned is None else aligned
    row = sum(int(np.prod(x.shape[1:])) * x.dtype.itemsize for x in features.values())
    size = max(1, CHUNK // max(row, 1))
    sentiment = np.clip(labels, -LIMIT, LIMIT)
    clipped = np.abs(labels) > LIMIT
    for start in range(0, len(labels), size):
        part = slice(start, start + size)
        dataset, repairs = from_padded(
            {m: x[part] for m, x in features.items()},
            sentiment[part],
            ids[part],
            name,
            lengths={m: n[part] for m, n in (lengths or {}).items()},
            aligned=aligned,
            texts=texts[part],
            factors={k: torch.tensor(f[part]).float() for k, f in (factors or {}).items()},
        )
        repairs["labels"] = {"clipped": int(clipped[part].sum())}
        yield split, dataset, {**repairs, "ids": once if start == 0 else {}}


def numbered(ids: Sequence[str]) -> tuple[list[str], int]:
    """Ids that occur again get #2, #3, ...; also how many."""
    taken, seen, unique = set(ids), set(), []
    for name in ids:
        fresh = name
        if name in seen:
            fresh = next(f"{name}#{k}" for k in count(2) if f"{name}#{k}" not in taken)
        taken.add(fresh)
        seen.add(name)
        unique.append(fresh)
    return unique, len(ids) - len(seen)


def add_repairs(total: Repairs, more: Repairs) -> None:
    for where, counts in more.items():
        for what, number in counts.items():
            sums = total.setdefault(where, {})
            sums[what] = sums.get(what, 0) + number


def in_words(counts: Mapping[str, int]) -> str:
    """What was repaired and how often; nothing where nothing was."""
    return "; ".join(f"{n} {WORDS[what]}" for what, n in counts.items() if n)


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "dmdlite": version("dmdlite"),
        "numpy": np.__version__,
        "torch": torch.__version__,
    }


def _report(
    out: Path, splits: dict[str, MultimodalDataset], repaired: dict[str, Repairs], inputs: dict
) -> None:
    for file, about in inputs.items():
        title = published_as(about)
        says = f"the published file ({title})" if title else "not among the published hashes"
        typer.echo(f"{file}: SHA-256 {about['sha256'][:16]}, {says}")
    for split, data in splits.items():
        y = data.labels
        typer.echo(f"{split}: {len(data)} samples, labels {y.min():.2f} to {y.max():.2f}")
        for m, width in zip(data.modalities, data.widths, strict=True):
            steps = data.lengths(m)
            real = steps[steps > 0]
            shown = (
                f"{real.min()}-{real.max()} steps, median {real.median()}; " if len(real) else ""
            )
            missing = len(steps) - len(real)
            typer.echo(f"  {m:10} width {width:4}; {shown}missing in {missing} samples")
        for where, counts in repaired.get(split, {}).items():
            if said := in_words(counts):
                typer.echo(f"  {where:10} {said}")
    size = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    typer.echo(f"written to {out} ({size:,.1f} MB). Next: python data_scripts/verify.py {out}")
