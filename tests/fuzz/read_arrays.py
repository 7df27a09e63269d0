"""What HDF5, npz and csv files say, read by their own libraries; see `read_pickles`."""

import csv
import io
import math
import re
import zipfile

import h5py
import numpy as np

from .parts import FOLDS
from .read_pickles import FIELDS, block, spoken_of
from .told import SPLITS, Clip, Told

ROUNDING = 1e-5  # seconds
ABOUT = ("labels", "ids", "split", "group", "texts")
ABSENT = ("", "na", "nan", "null", "none")


# MFN's arrays


def mfn(folder, apart=False):
    shift, scale, splits = 3.0 * apart, 1.5 if apart else 1.0, {}
    for split in SPLITS:
        y = np.asarray(_array(folder / f"y_{split}.h5"), np.float64).reshape(-1)
        assert np.isfinite(y).all()
        if apart:
            x = {m: block(_array(folder / f"{f}_{split}.h5")) for m, f in FIELDS.items()}
        else:
            whole = block(_array(folder / f"X_{split}.h5"))
            assert whole.shape[2] == 9
            x = {"language": whole[..., :4], "vision": whole[..., 6:], "audio": whole[..., 4:6]}
        assert {part.shape[:2] for part in x.values()} == {(len(y), 6)}
        splits[split] = [
            Clip(f"demo_{split}_{i:04d}", (y[i] - shift) * scale, {m: x[m][i] for m in x})
            for i in range(len(y))
        ]
    return Told(splits, aligned=True)


def _array(path):
    with h5py.File(path) as file:
        return file["data"][()]


# Computational sequences


def csd(folder, words=False, unaligned=False):
    files = {"language": "glove"} | {m: m for m in ("vision", "audio", "labels")}
    files = {m: _sequence(folder / f"{file}.csd", m) for m, file in files.items()}
    spoken = _sequence(folder / "words.csd", "words") if words else {}
    labels = files.pop("labels")
    widths = {m: next(iter(videos.values()))[0].shape[1] for m, videos in files.items()}
    told = Told({}, not unaligned, trim=unaligned)
    every = {video for videos in FOLDS.values() for video in videos}
    told.said += ["videos are in no fold"] * bool(set(labels) - every)
    labelled = {video for video, (y, _) in labels.items() if len(y)}
    told.said += ["videos of the folds have no labels"] * bool(every - labelled)
    for split, videos in FOLDS.items():
        count, clips = told.counts[split], told.splits.setdefault(split, [])
        for video in (v for v in videos if v in labels):
            for i, (y, (start, end)) in enumerate(zip(*labels[video], strict=True)):
                if end - start <= ROUNDING:
                    count["labels", "no_time"] += 1
                    told.said.append("labelled segments have no length")
                    continue
                assert np.isfinite(y[0])
                x = {m: _between(v.get(video), start, end, widths[m]) for m, v in files.items()}
                grid, text = x["language"][1], ""
                if words:
                    said, times = _between(spoken.get(video), start, end, 1)
                    kept = [word[0] != b"sp" for word in said]
                    grid = times[kept]
                    text = [w[0].decode(errors="replace") for w in said[kept]]
                    text = " ".join(spoken_of(text))
                if not unaligned:
                    for m, (part, _) in x.items():
                        count[m, "not_averaged"] += int((~np.isfinite(part)).sum())
                    x = {m: (_mean(*part, grid), grid) for m, part in x.items()}
                x = {m: part for m, (part, _) in x.items()}
                clips.append(Clip(f"{video}[{i}]", y[0], x, text=text))
    return told


def _sequence(path, kind):
    """video -> features and intervals of all its entries, in order of time but for labels."""
    with h5py.File(path) as file:
        (root,) = file.values()
        data = root.get("data", root)
        entries = {key: (data[key]["features"][()], data[key]["intervals"][()]) for key in data}
    videos = {}
    for key in sorted(entries, key=lambda key: int((re.findall(r"\[(\d+)\]$", key) or [0])[0])):
        x, times = entries[key]
        x = x.reshape(len(x), *(x.shape[1:] or (1,)))
        assert x.ndim == 2 <= 2 * x.shape[1]
        assert times.shape == (len(x), 2)
        assert np.isfinite(times).all()
        assert kind == "labels" or (times[:, 0] <= times[:, 1]).all()
        assert (x.dtype.kind in "SO") == (kind == "words")
        videos.setdefault(key.partition("[")[0], []).append((x, times.astype(np.float64)))
    for video, parts in videos.items():
        x, times = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.arange(len(x)) if kind == "labels" else np.argsort(times[:, 0], kind="stable")
        videos[video] = x[order], times[order]
    return videos


def _between(found, start, end, width):
    """The frames that share time with a segment, and their times."""
    if found is None:
        return np.zeros((0, width)), np.zeros((0, 2))
    x, times = found
    rows = [b > start + ROUNDING and a < end - ROUNDING for a, b in times]
    rows = np.array(rows, bool)
    return x[rows], times[rows]


def _mean(x, times, grid):
    """For each word the mean of the frames that share time with it, of what is finite."""
    if np.array_equal(times, grid):
        return x
    out = np.zeros((len(grid), x.shape[1]))
    for k, (start, end) in enumerate(grid):
        for column, values in enumerate(_between((x, times), start, end, 0)[0].T):
            good = [float(v) for v in values if np.isfinite(v)]
            out[k, column] = sum(good) / len(good) if good else 0
    return out


# One's own


def npz(folder, aligned=False):
    with np.load(folder / "x.npz", allow_pickle=False) as file:
        parts = dict(file)
    about = {key: parts.pop(key) for key in ABOUT if key in parts}
    counted = [m for m in parts if f"{m}_lengths" in parts and not m.endswith("_lengths")]
    lengths = {m: parts.pop(f"{m}_lengths") for m in counted}
    n = next(iter(about.values())).size
    about = {key: value.reshape(n) for key, value in about.items()}
    about = {key: x if key == "labels" else x.astype(str) for key, x in about.items()}
    x, told = {}, {}
    for m, part in parts.items():
        if part.ndim == 2:
            ends = np.cumsum(lengths[m])
            assert ends[-1] == len(part)
            assert (lengths[m] >= 0).all()
            x[m] = [part[end - k : end] for end, k in zip(ends, lengths[m], strict=True)]
        else:
            x[m] = block(part)
            assert len(part) == n
            if m in lengths:
                told[m] = lengths[m]
                assert (told[m] <= part.shape[1]).all()
    return _own(n, about, x, told, aligned)


def _own(n, about, x, lengths, aligned=False):
    assert len(x) > 1
    labels = np.asarray(about.get("labels", [math.nan] * n), np.float64)
    assert "labels" not in about or np.isfinite(labels).all()
    ids = list(about.get("ids", [f"demo_{i:05d}" for i in range(n)]))
    assert all(i.strip() for i in ids)
    assert len(set(ids)) == n
    told = Told({split: [] for split in SPLITS}, aligned, alone=True)
    for i in range(n):
        split = about["split"][i] if "split" in about or "labels" in about else "test"
        told.counts[split]["ids", "made"] += "ids" not in about
        steps = {m: part[i] for m, part in x.items()}
        text, group = (str(about[key][i]) if key in about else "" for key in ("texts", "group"))
        known = {m: part[i] for m, part in lengths.items()}
        told.splits[split].append(Clip(str(ids[i]), labels[i], steps, known, text, group))
    return told


def tables(folder):
    files = _files(folder)
    table = csv.DictReader(io.StringIO(files.pop("labels.csv")), strict=True)
    clips = list(table)
    assert len(set(table.fieldnames)) == len(table.fieldnames)
    assert not any(None in row for row in clips)
    names = {"id": "ids", "label": "labels", "text": "texts", "split": "split", "group": "group"}
    about = {names[key]: [row[key] or "" for row in clips] for key in names if key in clips[0]}
    if "labels" in about:
        about["labels"] = [_number(cell) for cell in about["labels"]]
    x = {}
    for file, text in sorted(files.items()):
        m, clip = file.removesuffix(".csv").split("/")
        assert clip in about["ids"]
        x.setdefault(m, {})[clip] = _numbers(text)
    widths = {m: max(part.shape[1] for part in found.values()) for m, found in x.items()}
    none = {m: np.zeros((0, width)) for m, width in widths.items()}
    return _own(
        len(clips),
        about,
        {
            m: [part[i] if i in part and part[i].size else none[m] for i in about["ids"]]
            for m, part in x.items()
        },
        {},
    )


def _files(folder):
    """name -> text, of a folder or zip."""
    if (folder / "f.zip").exists():
        with zipfile.ZipFile(folder / "f.zip") as archive:
            raw = {name: archive.read(name) for name in archive.namelist() if name[-1] != "/"}
    else:
        paths = [path for path in (folder / "f").rglob("*") if path.is_file()]
        raw = {path.relative_to(folder / "f").as_posix(): path.read_bytes() for path in paths}
    return {name: content.decode("utf-8-sig") for name, content in raw.items()}


def _number(cell):
    assert "_" not in cell
    return math.nan if cell.strip().lower() in ABSENT else float(cell)


def _numbers(text):
    """[T, D], without the line of names, or of 0, 1, 2, that may stand above."""
    rows = [row for row in csv.reader(text.splitlines()) if row]
    counted = [str(i) for i in range(len(rows[0]))] if len(rows) > 1 else []
    if rows and (_is_names(rows[0]) or (len(counted) > 1 and rows[0] == counted)):
        rows = rows[1:]
    x = np.array([[_number(cell) for cell in row] for row in rows], np.float64)
    return x.reshape(len(rows), -1) if rows else np.zeros((0, 0))


def _is_names(row):
    """Whether a line is names: something, and no number."""
    for cell in row:
        try:
            float(cell)
        except ValueError:
            continue
        return False
    return any(cell.strip().lower() not in ABSENT for cell in row)
