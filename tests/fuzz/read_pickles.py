"""What a pickle says, read by Python's own unpickler, one clip at a time.

A converter must give the same, or refuse the file. A reader here raises whatever it likes where a
file says nothing, or two things at once.
"""

import math
import pickle
import re

import numpy as np

from .told import SPLITS, Clip, Told

NAMES = {"dev": "valid", "val": "valid", "validation": "valid"} | {s: s for s in SPLITS}
FIELDS = {"language": "text", "vision": "vision", "audio": "audio"}
MADE_OF = ("_reconstruct", "scalar", "_frombuffer", "ndarray", "dtype", "encode")


class Plain(pickle.Unpickler):
    """Makes arrays, and nothing else."""

    def find_class(self, module, kind):
        assert module.split(".")[0] in ("numpy", "_codecs")
        assert kind in MADE_OF
        return super().find_class(module, kind)


def unpickled(path):
    with path.open("rb") as file:
        return Plain(file, encoding="latin-1").load()


def text_of(x):
    if isinstance(x, bytes):
        try:
            return x.decode()
        except UnicodeDecodeError:
            return x.decode("latin-1")
    assert x is None or isinstance(x, str | int | float | np.generic)
    return "" if x is None else str(x)


def rows(x, n, join):
    """n texts; those of several columns are put together by `join`."""
    x = np.array(x, dtype=object if isinstance(x, list | tuple) else None)
    assert len(x) == n
    return [join([text_of(part) for part in row]) for row in x.reshape(n, -1).tolist()]


def column(x, n):
    """n numbers, whatever axes they come with."""
    x = np.asarray(x)
    assert len(x) == x.size == n
    assert x.dtype.kind != "c"
    return x.reshape(n).astype(np.float64)


def block(x, axes=3):
    """Numbers [N, T, D], or [T, D]."""
    x = np.asarray(x)
    assert x.ndim == axes
    assert x.shape[-1] > 0
    assert x.dtype.kind != "c"
    return x


# {split: {field: array}}, MMSA's and MulT's


def splits_of(path):
    """split -> {field: value}, without what is None; and what the report must say."""
    content, parts, said = unpickled(path), {}, []
    for key, part in content.items():
        split = NAMES.get(text_of(key))
        if split is None:
            said.append("not used")
            continue
        assert split not in parts
        parts[split] = {text_of(k): v for k, v in (part or {}).items() if v is not None}
        if not any(np.size(value) for value in parts[split].values()):
            del parts[split]
            said += ["no clips in", split]
    return {split: parts[split] for split in SPLITS if split in parts}, said


def clips_of(part, join, labels, told=None, factors=None):
    x = {m: block(part[field]) for m, field in FIELDS.items()}
    n = len(x["vision"])
    assert {len(values) for values in x.values()} == {n}
    y = np.full(n, math.nan) if labels is None else column(labels, n)
    assert labels is None or np.isfinite(y).all()
    ids = rows(part["id"], n, join) if "id" in part else [""] * n
    texts = rows(part["raw_text"], n, " ".join) if "raw_text" in part else [""] * n
    return [
        Clip(
            ids[i],
            float(y[i]),
            {m: values[i] for m, values in x.items()},
            {m: values[i] for m, values in (told or {}).items()},
            texts[i],
            factors={k: values[i] for k, values in (factors or {}).items()},
        )
        for i in range(n)
    ]


def mmsa(folder):
    parts, said = splits_of(folder / "x.pkl")
    splits, first = {}, next(iter(parts.values()))
    steps = {block(first[field]).shape[1] for field in FIELDS.values()}
    if "text_bert" in first:
        steps.add(_mask(first["text_bert"]).shape[1])
    for split, part in parts.items():
        n = len(part["vision"])
        told = {m: column(part[k], n) for m, f in FIELDS.items() if (k := f"{f}_lengths") in part}
        if "text_bert" in part and "language" not in told:
            mask = _mask(part["text_bert"])
            assert len(mask) == n
            mask[~mask.any(axis=1)] = True
            same = mask.shape[1] == np.shape(part["text"])[1]
            told["language"] = mask if same else mask.sum(axis=1)
        letters = {m: f"regression_labels_{field[0].upper()}" for m, field in FIELDS.items()}
        factors = {f"label_{m}": column(part[k], n) for m, k in letters.items() if k in part}
        labels = part.get("regression_labels", part.get("labels"))
        splits[split] = clips_of(part, "_".join, labels, told, factors)
    return Told(splits, len(steps) == 1, said)


def _mask(tokens):
    """[N, T] of rows ids, mask, segment, on whichever axis they are."""
    tokens = block(tokens)
    return (tokens[:, 1] if tokens.shape[1] == 3 else tokens[:, :, 1]) > 0


def mult(folder):
    parts, said = splits_of(folder / "x.pkl")
    steps = {block(next(iter(parts.values()))[field]).shape[1] for field in FIELDS.values()}

    def join(row):
        return row[0] + "$_$" * (len(row) > 1) + "_".join(row[1:])

    splits = {split: clips_of(part, join, part.get("labels")) for split, part in parts.items()}
    return Told(splits, len(steps) == 1, said)


# Lists of clips, MISA's


def misa(folder, table=False):
    splits, said, table = {}, [], np.load(folder / "table.npy") if table else None
    for path in folder.glob("*.pkl"):
        split = NAMES[re.sub(r"\d", "", path.stem.lower())]
        assert split not in splits
        splits[split] = [_clip(item, table) for item in unpickled(path)]
        said += [] if splits[split] else ["no clips in", split]
    clips = [clip for part in splits.values() for clip in part]
    kinds = {clip["kind"] for clip in clips} - {None}
    assert len(kinds) < 2
    assert kinds == {"numbers"} or table is None
    widths = {m: clip["x"][m].shape[1] for m in FIELDS for clip in clips if m in clip["x"]}
    odd = [clip for clip in clips if len(clip["steps"]) > 1]
    said += ["taken as unaligned"] * (0 < len(odd) < len(clips) / 2)
    said += [f"{m} is left out" for m in FIELDS if m not in widths]
    said += ["not used: what"] * any(clip["unused"] for clip in clips)
    said += ["more or fewer words"] * any(clip["differ"] for clip in clips)
    for part in splits.values():
        assert len({None if c["label"] is None else len(c["label"]) for c in part}) < 2
    found = {split: [_told(clip, widths) for clip in part] for split, part in splits.items()}
    return Told(found, not odd, said)


def _told(clip, widths):
    label, steps = clip["label"], max(clip["steps"], default=0)
    assert label is None or len(label) in (1, 7)
    assert label is None or np.isfinite(label[0])
    x = {m: clip["x"].get(m, np.zeros((steps, width))) for m, width in widths.items()}
    return Clip(clip["name"], math.nan if label is None else label[0], x, text=clip["text"])


def _clip(item, table):
    """The parts of ((words, vision, audio, spoken, ...), label, name)."""
    (words, vision, audio, *more), *about = item
    if len(about) == 1:
        about = [None, *about] if isinstance(about[0], str | bytes) else [*about, None]
    label, name, *rest = about
    clip = {"name": text_of(name), "x": {}, "kind": None, "steps": set(), "label": None}
    if label is not None and np.size(label):
        clip["label"] = np.asarray(label, np.float64).reshape(-1)
    for m, value in (("vision", vision), ("audio", audio), ("language", words)):
        if value is None or isinstance(value, str | bytes) or not len(value):
            continue
        x = np.asarray(value)
        clip["steps"].add(len(x))
        if m == "language":
            kinds = {(2, "f"): "vectors", (1, "i"): "numbers", (1, "u"): "numbers"}
            clip["kind"] = kinds.get((x.ndim, x.dtype.kind), "text")
        if m == "language" and table is not None:
            assert (x >= 0).all()
            clip["x"][m] = table[x]
        elif m != "language" or clip["kind"] == "vectors":
            clip["x"][m] = block(x, axes=2)
    spoken = spoken_of(more[0]) if more else None
    rest += more if spoken is None else more[1:]
    spoken = spoken or spoken_of(words)
    clip["text"] = " ".join(spoken or [])
    counted = not isinstance(words, str | bytes | None) and len(words) and spoken is not None
    clip["differ"] = counted and len(words) != len(spoken)
    clip["unused"] = any(x is not None and np.size(x) for x in rest)
    return clip


def spoken_of(x):
    """A sentence or list of words as words, each in one piece; None for anything else."""
    if isinstance(x, str | bytes):
        return text_of(x).split()
    x = x.tolist() if isinstance(x, np.ndarray) else x
    if not isinstance(x, list | tuple) or not all(isinstance(word, str | bytes) for word in x):
        return None
    return ["_".join(text_of(word).split()) or "_" for word in x]
