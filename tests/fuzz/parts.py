"""A small valid file of every format, taken apart: {place: value}.

Each clip has a number. Its label, its id and the first column of its features hold it, so that
whatever ends up with another clip shows.
"""

import numpy as np

from tests.published_files import padded

SIZES = {"train": 15, "valid": 3, "test": 3}  # of 20 labels or more, one may be out of scale
COUNT = sum(SIZES.values())
WIDTHS = {"text": 4, "vision": 3, "audio": 2}
FOLDS = {"train": ["v1", "v2"], "valid": ["v3"], "test": ["v4"]}
TABLE = np.random.default_rng(9).normal(size=(8, 4)).astype(np.float32)  # of words, for MISA


def label(number):
    """In [-3, 3], and never whole: no accident makes it another's."""
    return (number - 10.5) / 4


def name(number):
    return f"v{number // 5}$_${number}"


def numbers():
    """split -> the numbers of its clips, from 1."""
    first = 1
    for split, n in SIZES.items():
        yield split, np.arange(first, first + n)
        first += n


def marked(rng, clips, steps, width, left=False, dtype=np.float32):
    """Features [N, T, D] of one step or more, and how many [N]."""
    lengths = rng.integers(1, steps + 1, size=len(clips))
    x = padded(rng, len(clips), steps, width, lengths, left, dtype)
    x[..., 0] = np.where(x.any(axis=2), clips[:, None] + 0.5, 0)
    return x, lengths


def mmsa(aligned=False, front=False):
    """MMSA's fields; with `front` as MMSA-FET writes SIMS: padding first, a length of everything,
    and labels of each modality."""
    rng, parts = np.random.default_rng(0), {}
    for split, clips in numbers():
        for field, width in WIDTHS.items():
            steps = 6 if aligned or field == "text" else 8
            kind = np.float64 if field == "vision" else np.float32
            x, lengths = marked(rng, clips, steps, width, front, kind)
            parts[f"{split}/{field}"] = x
            if front or not (aligned or field == "text"):
                parts[f"{split}/{field}_lengths"] = lengths.tolist()
            if front:
                parts[f"{split}/regression_labels_{field[0].upper()}"] = label(clips) / 2
        mask = parts[f"{split}/text"].any(axis=2).astype(np.int64)
        if not front:
            parts[f"{split}/text_bert"] = np.stack([mask * 101, mask, mask * 0], axis=1)
        parts[f"{split}/id"] = np.array([name(i) for i in clips], dtype=object)
        parts[f"{split}/raw_text"] = np.array([f"said {i}" for i in clips], dtype=object)
        parts[f"{split}/regression_labels"] = label(clips).astype(np.float32)
        parts[f"{split}/classification_labels"] = np.sign(label(clips)) + 1
    return parts


def mult(aligned=False):
    rng, parts = np.random.default_rng(1), {}
    for split, clips in numbers():
        for field, width in WIDTHS.items():
            steps = 6 if aligned or field == "text" else 8
            parts[f"{split}/{field}"] = marked(rng, clips, steps, width, left=True)[0]
        parts[f"{split}/labels"] = label(clips).reshape(-1, 1, 1)
        ids = [[name(i).encode(), b"1.5", b"2.5"] for i in clips]
        parts[f"{split}/id"] = np.array(ids, dtype=object)
    return parts


def misa(vectors=True):
    """Clips one by one; their words are vectors, or rows of a table."""
    rng, parts = np.random.default_rng(2), {}
    for split, clips in numbers():
        for i in clips:
            steps = int(rng.integers(1, 5))
            clip = f"{split}/{i:02d}"
            x = [marked(rng, np.array([i]), steps, d)[0][0] for d in WIDTHS.values()]
            parts[f"{clip}/words"] = x[0] if vectors else np.arange(2, steps + 2)
            parts[f"{clip}/vision"], parts[f"{clip}/audio"] = x[1:]
            parts[f"{clip}/said"] = [f"w{k}" for k in range(steps)]
            parts[f"{clip}/label"] = np.array([[label(i)]], np.float32)
            parts[f"{clip}/name"] = name(i)
    return parts


def csd():
    """Four videos of three segments, of two words each; four frames a word. What is heard comes
    as an entry a segment."""
    parts, rng = {}, np.random.default_rng(3)
    for v, video in enumerate(video for fold in FOLDS.values() for video in fold):
        clips = np.repeat(np.arange(3) + 3 * v + 1, 2)  # of each word
        ends = np.arange(1.0, 7)
        for file, width, each in (("glove", 4, 1), ("vision", 3, 4), ("audio", 2, 4)):
            x = rng.normal(size=(6 * each, width))
            x[:, 0] = np.repeat(clips, each) + 0.5
            times = np.repeat(ends - 1, each) + np.tile(np.arange(each) / each, 6)
            times = np.column_stack([times, times + 1 / each])
            entries = [f"{video}[{i}]" for i in range(3)] if file == "audio" else [video]
            cut = (np.split(values, len(entries)) for values in (x, times))
            for entry, features, intervals in zip(entries, *cut, strict=True):
                parts[f"{file}/{entry}/features"] = features
                parts[f"{file}/{entry}/intervals"] = intervals
        words = [b"a", b"sp", b"b", b"c", b"d", b"e"]
        parts[f"words/{video}/features"] = np.array(words)[:, None]
        parts[f"words/{video}/intervals"] = np.column_stack([ends - 1, ends])
        parts[f"labels/{video}/label"] = label(clips[::2])[:, None]
        parts[f"labels/{video}/intervals"] = np.column_stack([ends[::2] - 1, ends[1::2]])
    return parts


def mfn(apart=False):
    """All features of a split in one array, or one each."""
    rng, parts = np.random.default_rng(4), {}
    for split, clips in numbers():
        x = {m: marked(rng, clips, 6, d, left=True)[0] for m, d in WIDTHS.items()}
        if apart:
            parts |= {f"{split}/{m}": part for m, part in x.items()}
        else:
            parts[f"{split}/X"] = np.concatenate([x[m] for m in ("text", "audio", "vision")], 2)
        parts[f"{split}/labels"] = label(clips)[:, None] / (1.5 if apart else 1) + 3 * apart
    return parts


def npz(lengths=True, aligned=False):
    """Two padded modalities, and one clip after clip."""
    rng, parts = np.random.default_rng(5), {}
    clips = np.concatenate([n for _, n in numbers()])
    parts["eeg"], known = marked(rng, clips, 5, 3)
    if lengths:
        parts["eeg_lengths"] = known
    parts["face"], _ = marked(rng, clips, 5, 2, left=True, dtype=np.float64)
    if not aligned:
        pulse, many = marked(rng, clips, 4, 2)
        parts["pulse"], parts["pulse_lengths"] = pulse[pulse.any(axis=2)], many
    parts["ids"] = np.array([name(i) for i in clips])
    parts["labels"] = label(clips)
    parts["split"] = np.array([split for split, n in numbers() for _ in n])
    parts["texts"] = np.array([f"said {i}" for i in clips])
    parts["group"] = np.array([f"speaker {i // 3}" for i in clips])
    return parts


def tables():
    """A table of clips, and a csv of each clip in each of two folders."""
    rng, parts = np.random.default_rng(6), {}
    clips = [(split, i) for split, n in numbers() for i in n.tolist()]
    parts["labels/id"] = [name(i) for _, i in clips]
    parts["labels/label"] = [f"{label(i):g}" for _, i in clips]
    parts["labels/split"] = [split for split, _ in clips]
    parts["labels/text"] = [f'said "{i}", yes' for _, i in clips]
    parts["labels/group"] = [f"speaker {i // 3}" for _, i in clips]
    for _, i in clips:
        for m, width in (("face", 3), ("voice", 1)):
            x = marked(rng, np.array([i]), 4, width)[0][0]
            parts[f"{m}/{name(i)}"] = x[x.any(axis=1)]
    return parts
