"""The checks of `verify.py`: each looks at the splits, what was scanned, and the manifest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from enum import IntEnum
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from dmdlite import MultimodalDataset
from dmdlite.data.groups import videos_of

from .labels import LIMIT, MANY
from .published import MOSEI, MOSI, SHA256, SIMS, published_as
from .reading import plain
from .scan import EMPTY, Columns, Scan
from .words import in_words

USUAL = (("mosei", MOSEI), ("mosi", MOSI), ("sims", SIMS))
LONG_TEXT = 8  # words
NAMED = 3  # files, by their names
FAR = 100_000  # time steps; a batch would allocate as many
LARGE = 1e3  # values beyond this want standardising
SCALE = f"[-{LIMIT:g}, {LIMIT:g}]"
Splits = dict[str, MultimodalDataset]


class Status(IntEnum):
    ok = 0
    note = 1  # worth knowing, no obstacle
    FAIL = 2


class Finding(NamedTuple):
    check: str
    status: Status
    says: str


def check(splits: Splits, scans: dict[str, Scan], manifest: dict[str, Any]) -> list[Finding]:
    """Every finding, in the order of the table."""
    return [
        *_sizes(splits, manifest),
        *_source(manifest),
        *_leaks(splits, scans, manifest),
        *_texts(splits),
        *_labels(splits, manifest),
        *_modalities(splits, scans),
        *_repairs(manifest),
    ]


def _sizes(splits: Splits, manifest: dict[str, Any]) -> Iterator[Finding]:
    sizes = {split: len(data) for split, data in splits.items()}
    shown = ", ".join(f"{split} {n}" for split, n in sizes.items())
    inputs = manifest.get("inputs", {}).values()
    known = [SHA256[about["sha256"]] for about in inputs if about.get("sha256") in SHA256]
    name = next(iter(splits.values())).name
    usual = [n for start, n in USUAL if name.startswith(start)]
    if min(sizes.values()) == 0:
        yield Finding("splits", Status.FAIL, f"{shown}: an empty split")
    elif known and tuple(sizes.values()) != known[0].sizes:
        yield Finding("splits", Status.FAIL, f"{shown}; published are {known[0].sizes}")
    elif usual and tuple(sizes.values()) != usual[0]:
        yield Finding("splits", Status.note, f"{shown}; MMSA's files have {usual[0]}")
    elif len(sizes) < 3:
        yield Finding("splits", Status.note, f"{shown}: training needs train and valid")
    else:
        yield Finding("splits", Status.ok, shown)


def _source(manifest: dict[str, Any]) -> Iterator[Finding]:
    inputs = manifest.get("inputs", {})
    if manifest.get("own"):
        files = ", ".join(inputs) if len(inputs) <= NAMED else f"{len(inputs)} files"
        yield Finding("source", Status.ok, f"your own, {files}; hashes are on record")
        return
    if not inputs:
        yield Finding("source", Status.note, "no source file on record")
    other = [file for file, about in inputs.items() if not published_as(about)]
    known = len(inputs) - len(other)
    if known:
        yield Finding("source", Status.ok, f"{known} of {len(inputs)} files are as published")
    if other:
        says = f"not among the published hashes: {', '.join(other)}"
        yield Finding("source", Status.note, says)


def _leaks(splits: Splits, scans: dict[str, Scan], manifest: dict[str, Any]) -> Iterator[Finding]:
    """The same clip, or another clip of the same video, on both sides of a split."""
    ids = {split: list(data.ids) for split, data in splits.items()}
    yield _shared("ids", ids, Status.FAIL, "none in two splits")
    digests = {s: [d for d in scan.digests if d != EMPTY] for s, scan in scans.items()}
    yield _shared("same clip", digests, Status.FAIL, "no two splits hold the same values")
    twice = {s: sum(n - 1 for n in Counter(d).values()) for s, d in digests.items()}
    if any(twice.values()):
        yield Finding("duplicates", Status.note, _counts(twice, "clips with another's values"))
    else:
        yield Finding("duplicates", Status.ok, "no clip occurs twice within a split")
    videos = iter(videos_of([i for found in ids.values() for i in found]))
    named = {s: list(islice(videos, len(found))) for s, found in ids.items()}
    groups = {s: list(data.groups) or named[s] for s, data in splits.items()}
    if any(groups.values()):
        yield _shared("same video", groups, Status.FAIL, "none in two splits")
    if any(not groups[s] or set(groups[s]) & set(found) for s, found in ids.items() if found):
        says = "ids name no video: a speaker may be in two splits, unseen"
        yield Finding("same video", Status.note, says)


def _texts(splits: Splits) -> Iterator[Finding]:
    """Long transcripts that two splits share; short ones ("yes", "thank you") are no sign."""
    said = {s: {t for t in d.texts if len(t.split()) >= LONG_TEXT} for s, d in splits.items()}
    if any(said.values()):
        found = _shared("same text", said, Status.note, "no long transcript in two splits")
        yield found._replace(says=found.says[:100])


def _shared(check: str, keys: dict[str, list], bad: Status, good: str) -> Finding:
    """Keys that occur in more than one split."""
    where = defaultdict(set)
    for split, found in keys.items():
        for key in found:
            where[key].add(split)
    pairs = Counter(" and ".join(sorted(s)) for s in where.values() if len(s) > 1)
    if not pairs:
        return Finding(check, Status.ok, good)
    example = next(key for key, found in where.items() if len(found) > 1)
    named = f", for example {plain(example)}" if isinstance(example, str) else ""
    return Finding(check, bad, _counts(pairs, "shared") + named)


def _labels(splits: Splits, manifest: dict[str, Any]) -> Iterator[Finding]:
    for split, data in splits.items():
        cut = manifest.get("repaired", {}).get(split, {}).get("labels", {}).get("clipped", 0)
        if cut:
            status = Status.FAIL if cut > MANY * len(data) else Status.note
            says = f"{split}: {cut} of {len(data)} were cut to [-{LIMIT:g}, {LIMIT:g}]"
            yield Finding("labels", status, f"{says}; is the scale right?")
        y = data.labels[data.labelled].numpy()
        if not len(y):
            if len(data):
                yield Finding("labels", Status.note, f"{split}: none, to predict only")
            continue
        if len(y) < len(data):
            yield Finding("labels", Status.note, f"{split}: {len(data) - len(y)} clips have none")
        shown = f"{split}: {y.min():.2f} to {y.max():.2f}, median {np.median(y):.2f}"
        outside = int((np.abs(y) > LIMIT).sum())
        if outside:
            shown += f"; {outside} outside [-{LIMIT:g}, {LIMIT:g}]"
        constant = len(y) > 1 and y.min() == y.max()
        shown += "; all the same" if constant else ""
        yield Finding("labels", Status.FAIL if outside or constant else Status.ok, shown)
    y = np.concatenate([data.labels[data.labelled].numpy() for data in splits.values()])
    if len(y) > 1 and y.min() >= 0:
        says = "no label is negative: classes of another task, or a scale that starts at 0?"
        yield Finding("labels", Status.note, says)
    elif len(y) > 1 and np.abs(y).max() <= 1:
        yield Finding("labels", Status.note, f"none beyond 1: another scale than {SCALE}?")


def _modalities(splits: Splits, scans: dict[str, Scan]) -> Iterator[Finding]:
    first = next(iter(splits))
    for m, width in zip(splits[first].modalities, splits[first].widths, strict=True):
        seen = {split: scans[split].columns[m] for split in splits}
        lengths = np.concatenate([data.lengths(m).numpy() for data in splits.values()])
        missing = int((lengths == 0).sum())
        shape = f"width {width}, up to {lengths.max()} steps"
        if missing == len(lengths):
            yield Finding(m, Status.FAIL, f"{shape}; missing in every clip")
            continue
        shape += f"; missing in {missing} of {len(lengths)} clips"
        absent = [s for s, data in splits.items() if len(data) and not data.lengths(m).any()]
        if absent:
            yield Finding(m, Status.FAIL, f"{shape}, all of {', '.join(absent)} among them")
        else:
            yield Finding(m, Status.note if missing else Status.ok, shape)
        last = max(
            (int(d.steps[m].max()) for d in splits.values() if len(d.steps.get(m, ()))), default=0
        )
        if last > FAR:
            yield Finding(m, Status.FAIL, f"a step lies at time {last}, far beyond any clip")
        yield from _values(m, seen)
    empty = {s: int((~data.present.any(dim=1)).sum()) for s, data in splits.items()}
    if any(empty.values()):
        yield Finding("empty clips", Status.note, _counts(empty, "clips without any modality"))


def _values(m: str, seen: dict[str, Columns]) -> Iterator[Finding]:
    clips = sum((c.clips for c in seen.values()), Counter())
    if len(clips) == 1 and clips.total() > 1:
        yield Finding(m, Status.FAIL, "the same sequence in every clip: it tells them not apart")
    not_finite = sum(c.not_finite for c in seen.values())
    if not_finite:
        yield Finding(m, Status.FAIL, f"{not_finite} values are NaN or inf")
    left, right = (sum(getattr(c, side) for c in seen.values()) for side in ("left", "right"))
    if left or right:
        says = f"padding left in the clips: {left} all-zero steps on the left, {right} on the right"
        yield Finding(m, Status.FAIL, says)
    if inside := sum(c.inside for c in seen.values()):
        yield Finding(m, Status.note, f"{inside} all-zero steps inside clips, taken for real")
    for split, columns in seen.items():
        constant = columns.constant()
        if len(constant) == len(columns.low):
            yield Finding(m, Status.FAIL, f"every column is constant in {split}")
        elif len(constant):
            shown = _numbers(constant)
            says = f"{len(constant)} of {len(columns.low)} columns constant in {split}: {shown}"
            yield Finding(m, Status.note, says)
        if columns.wild is not None and columns.wild.any():
            shown = _numbers(np.flatnonzero(columns.wild))
            says = f"{int(columns.wild.sum())} wild values in {split}, columns {shown}"
            yield Finding(m, Status.note, f"{says}: cut where features are scaled")
    largest = max(
        float(np.abs([c.low, c.high]).max(where=np.isfinite(c.low), initial=0))
        for c in seen.values()
    )
    if largest > LARGE:
        yield Finding(m, Status.note, f"values reach {largest:.3g}: standardise before training")


def _numbers(columns: np.ndarray) -> str:
    return ", ".join(map(str, columns[:8])) + (", ..." if len(columns) > 8 else "")


def _repairs(manifest: dict[str, Any]) -> Iterator[Finding]:
    """What the converter changed, summed over splits."""
    total: Counter = Counter()
    for repairs in manifest.get("repaired", {}).values():
        for where, counts in repairs.items():
            total.update({(where, what): count for what, count in counts.items()})
    for where in dict.fromkeys(where for where, _ in total):
        if said := in_words({what: n for (place, what), n in total.items() if place == where}):
            lost = total.get((where, "beyond"), 0)  # as converters did once
            status = Status.FAIL if lost else Status.ok
            says = "; convert again: padding stands on either side" if lost else ""
            yield Finding("repaired", status, f"{where}: {said}{says}")


def _counts(counts: dict[str, int], what: str) -> str:
    return f"{what}: " + ", ".join(f"{n} in {where}" for where, n in counts.items() if n)
