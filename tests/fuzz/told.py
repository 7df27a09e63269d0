"""What must become of clips, and what must be counted: the rules of conversion, in plain loops."""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np

SPLITS = ("train", "valid", "test")


@dataclass
class Clip:
    id: str
    label: float  # NaN where there is none
    x: dict  # modality -> [T, D] as in the file
    told: dict = field(default_factory=dict)  # modality -> how many steps are real, or [T] which
    text: str = ""
    group: str = ""
    factors: dict = field(default_factory=dict)


@dataclass
class Told:
    """What a file says. Each of `said` must stand in the report, and so must the `counts`."""

    splits: dict  # split -> clips
    aligned: bool = False
    said: list = field(default_factory=list)
    trim: bool = True  # else a clip starts at step 0, real or not
    alone: bool = False  # whether a clip's padding is found from that clip alone
    counts: dict = field(default_factory=lambda: defaultdict(Counter))  # split -> (where, what)


@dataclass
class Stored:
    """One split as it must be in the data set."""

    ids: list
    labels: np.ndarray
    texts: list
    groups: list
    factors: dict  # name -> [N]
    x: dict  # modality -> for each clip (steps, values)


def stored(told):
    """{split: Stored}, and the counts of `told` completed."""
    found = {split: _stored(told, split) for split in SPLITS if told.splits.get(split)}
    assert found
    known = sum(len(part.labels) for part in found.values() if not np.isnan(part.labels[0]))
    clipped = sum(count["labels", "clipped"] for count in told.counts.values())
    assert clipped <= 0.05 * known  # else another scale
    return found


def _stored(told, split):
    clips, count = told.splits[split], told.counts[split]
    x, real = {}, {}
    for m in clips[0].x:
        x[m] = [_finite(clip.x[m], m, count) for clip in clips]
        assert len({part.shape[1] for part in x[m]}) == 1
        whole = [(part, clip.told.get(m)) for part, clip in zip(x[m], clips, strict=True)]
        parts = [[part] for part in whole] if told.alone else [whole]
        real[m] = [r for part in parts for r in _real(part, m, count)]
    places = [_places({m: real[m][i] for m in x}, told, count) for i in range(len(clips))]
    labels = np.array([_limited(clip.label, count) for clip in clips], np.float32)
    assert len({np.isnan(label) for label in labels}) == 1  # all or none
    return Stored(
        _numbered([clip.id for clip in clips], split, count),
        labels,
        [clip.text for clip in clips],
        [clip.group for clip in clips],
        {k: np.float32([clip.factors[k] for clip in clips]) for k in clips[0].factors},
        {m: [(places[i][m], x[m][i][real[m][i]]) for i in range(len(clips))] for m in x},
    )


def _limited(label, count):
    with np.errstate(over="ignore"):
        size = abs(np.float32(label))
    assert not np.isinf(size)
    outside = size > 3
    count["labels", "clipped"] += int(outside)
    return math.copysign(3, label) if outside else label


def _numbered(ids, split, count):
    """Blank ones made up, repeated ones numbered."""
    count["ids", "made"] += sum(not i.strip() for i in ids)
    ids = [i if i.strip() else f"demo_{split}_{k:05d}" for k, i in enumerate(ids)]
    count["ids", "renamed"] = len(ids) - len(set(ids))
    unique = []
    for i in ids:
        k, new = 1, i
        while new in unique or (new != i and new in ids):
            k, new = k + 1, f"{i}#{k + 1}"
        unique.append(new)
    return unique


def _finite(x, m, count):
    with np.errstate(over="ignore"):
        x = np.array(x, dtype=np.float32)
    count[m, "not_finite"] += int((~np.isfinite(x)).sum())
    x[~np.isfinite(x)] = 0
    return x


# Which steps are real


def _real(parts, m, count):
    """The real steps [T] bool of clips, each with how many they are, or which, or None."""
    filled = [np.array([any(row != 0) for row in x], bool) for x, _ in parts]
    if all(told is None for _, told in parts):
        return filled
    if np.ndim(parts[0][1]):
        sure = [told for _, told in parts]
        for f, t in zip(filled, sure, strict=True):
            assert not ((f & ~t).any() and (t & ~f).any())
    else:
        sure = _first_or_last(parts, filled, m, count)
    real = [f & t for f, t in zip(filled, sure, strict=True)]
    count[m, "padding"] += sum(int(f.sum() - r.sum()) for f, r in zip(filled, real, strict=True))
    return real


def _first_or_last(parts, filled, m, count):
    """The first n steps of each clip, or the last: what lies outside is zero, or all alike."""
    assert all(n == int(n) >= 0 for _, n in parts)
    count[m, "longer"] += sum(int(n > len(x)) for x, n in parts)
    steps = [(np.arange(len(x)), len(x), n) for x, n in parts]
    sides = [[i < n for i, t, n in steps], [i >= t - n for i, t, n in steps]]
    zero = [[not (f & ~s).any() for f, s in zip(filled, side, strict=True)] for side in sides]
    if all(map(any, zip(*zero, strict=True))):
        return filled
    outside = [
        [row.tobytes() for (x, _), s in zip(parts, side, strict=True) for row in x[~s] + 0.0]
        for side in sides
    ]
    alike = [k for k in range(2) if len(outside[k]) > 1 == len(set(outside[k]))]
    assert alike
    assert len(alike) == 1 or len(set(outside[0] + outside[1])) == 1
    return sides[alike[0]]


def _places(real, told, count):
    """The time of every real step of a clip, in each modality."""
    starts = {m: _first(r) for m, r in real.items()}
    if told.aligned:
        assert len({len(r) for r in real.values()}) == 1
        starts = dict.fromkeys(real, min(starts.values()))
    for m, r in real.items():
        if r.any():
            left, right = _first(r), _first(r[::-1])
            count[m, "left" if told.trim else "gaps"] += left
            count[m, "right"] += right
            count[m, "gaps"] += len(r) - left - right - int(r.sum())
    return {m: np.flatnonzero(r) - (starts[m] if told.trim else 0) for m, r in real.items()}


def _first(real):
    return int(np.argmax(real)) if real.any() else len(real)
