"""Own clips of any modalities: their labels checked, split by video or speaker, converted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer

from dmdlite import DataError
from dmdlite.data.groups import described, drawn, videos_of
from dmdlite.data.storage import SPLITS, check_replaceable, manifest_of

from .conversion import (
    MODALITY_NAME,
    Piece,
    check_name,
    convert,
    data_home,
    padded_pieces,
)
from .labels import check_labels
from .options import Precision
from .own_arrays import Source


def convert_own(
    source: Path,
    found: Source,
    name: str,
    out: Path | None,
    *,
    label_map: tuple[float, float] = (0.0, 1.0),
    unlabelled: bool = False,
    shares: str | None = None,
    seed: int = 0,
    dtype: Precision = Precision.float32,
    aligned: bool = False,
    trim: bool = True,
    says: str = "",
    inputs: Sequence[Path] | None = None,
    **more: Any,
) -> Path:
    """Write the data set `name` of what was `found` in `source`; returns its folder. All-zero
    steps at the ends are padding; with `trim` False those at the start are missing steps instead.

    Sentiment is (label - shift) * scale of `label_map`. `says` and `inputs` are what the manifest
    calls the source, and the files whose hashes it keeps; `more` goes into it as it is.
    Raises DataError for clips that cannot be told apart, labels of another scale, or no split.
    """
    shift, scale = label_map
    about, names = found.about, list(found.read)
    if len(names) < 2:
        raise DataError(f"{source}: {len(names)} modalities ({', '.join(names)}), two are needed")
    for m in names:
        if not MODALITY_NAME.fullmatch(m) or m == "factor":  # factor.NAME is taken, on disk
            raise DataError(f"{source}: a modality cannot be called {m!r}")
    ids = about.get("ids", np.arange(0)).tolist()
    if blank := sum(not clip.strip() for clip in ids):
        raise DataError(f"{source}: {blank} clips without an id, where others have one")
    if len(set(ids)) < len(ids):
        raise DataError(f"{source}: {len(ids) - len(set(ids))} ids occur twice")
    labels = (about["labels"] - shift) * scale if "labels" in about else None
    if labels is not None:
        check_labels(str(source), labels, about.get("ids"), unlabelled)
    known = np.ones(found.clips, bool) if labels is None else ~np.isnan(labels)
    if not known.any():
        raise DataError(f"{source}: no clip has a label; leave all out to convert for prediction")
    split = splits_of(source, about, shares, seed, known)
    return convert(
        _pieces(name, found, labels, split, aligned, trim),
        name,
        out,
        source=says or f"own features in {source.name}",
        inputs=[source] if inputs is None else inputs,
        own=True,
        total=int(np.isin(split, SPLITS).sum()),
        dtype=dtype,
        aligned=aligned,
        label_map=f"(label - {shift:g}) * {scale:g}",
        shares=shares,
        **more,
    )


def check_target(name: str, out: Path | None, source: str) -> None:
    """Raises DataError for a name that is none, or a place that holds something else, or a data set
    of another source."""
    check_name(name)
    out = out or data_home() / name
    check_replaceable(out)
    there = manifest_of(out).get("source", source) if (out / "dataset.json").is_file() else source
    if there != source:
        raise DataError(f"{out}: holds a data set of {there}; choose another --name")


def splits_of(
    source: Path, about: dict, shares: str | None, seed: int, known: np.ndarray
) -> np.ndarray:
    """[N] split of every clip: as given, or whole groups at random; all in test where none has a
    label. A clip whose label is not `known` [N] is in train, or, drawn, in none ("")."""
    if "split" in about and any(about["split"]):  # a column left empty says nothing
        if shares:
            raise DataError(f"--shares: {source} says itself which split a clip is in")
        if unknown := sorted(set(about["split"]) - set(SPLITS)):
            raise DataError(f"{source}: split {str(unknown[0])!r}, expected {', '.join(SPLITS)}")
        if (wrong := ~known & (about["split"] != "train")).any():
            first = f"first clip {wrong.argmax()} from 0; only train may lack some"
            raise DataError(
                f"{source}: {wrong.sum()} clips of valid or test have no label, {first}"
            )
        return about["split"]
    if "labels" not in about and not shares:
        return np.full(len(known), "test")
    percent = percent_of(source, shares)
    group = about.get("group", np.arange(0)).tolist()
    if blank := group.count(""):
        raise DataError(f"{source}: {blank} clips without a group, where others have one")
    found = group or videos_of(about.get("ids", np.arange(0)).tolist())
    typer.echo(f"split {described(found, bool(group))}", err=True)
    groups = np.array(found or range(len(known)))
    split = np.full(len(known), "train")
    split[known] = np.array(SPLITS)[drawn(groups[known], [p / 100 for p in percent], seed)]
    apart = ~known & np.isin(groups, groups[split != "train"])
    if apart.any():
        says = f"clips without a label, of a {'group' if group else 'video'} that is not in train"
        typer.echo(f"{apart.sum()} {says}, are left out", err=True)
    return np.where(apart, "", split)


def percent_of(source: Path, shares: str | None) -> list[float]:
    """The three numbers of --shares. Raises DataError for anything else."""
    try:
        percent = [float(share) for share in (shares or "").split(",")]
    except ValueError:
        percent = []
    if len(percent) != 3 or not min(percent) >= 0 or not abs(sum(percent) - 100) < 1e-6:
        raise DataError(f"{source}: no split given; say how, for example --shares 70,10,20")
    return percent


def _pieces(
    name: str,
    found: Source,
    labels: np.ndarray | None,
    split: np.ndarray,
    aligned: bool,
    trim: bool,
) -> Iterator[Piece]:
    """Clip by clip, so that none is padded to another's length."""
    ids, texts, group = (found.about.get(key) for key in ("ids", "texts", "group"))
    for s in SPLITS:
        for i in np.flatnonzero(split == s):
            x = {m: read(i) for m, read in found.read.items()}
            longest = max(len(steps) for steps in x.values())
            if aligned:  # a missing modality keeps its place on the grid
                x = {m: v if len(v) else np.zeros((longest, found.widths[m])) for m, v in x.items()}
            for _, clip, repairs in padded_pieces(
                s,
                name,
                {m: steps[None] for m, steps in x.items()},
                None if labels is None or np.isnan(labels[i]) else labels[i : i + 1],
                [f"{name}_{i:05d}" if ids is None else str(ids[i])],
                lengths={m: n[i : i + 1] for m, n in found.lengths.items()},
                texts=[] if texts is None else [str(texts[i])],
                aligned=aligned,
                groups=[] if group is None else [str(group[i])],
                trim=trim,
            ):
                yield s, clip, {**repairs, "ids": {"made": int(ids is None)}}
