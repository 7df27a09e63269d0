"""Files as the field passes them around, in small: MMSA's and MulT's pickles, `.csd`, variants."""

import pickle
import struct

import h5py
import numpy as np

FIELDS = {"language": "text", "vision": "vision", "audio": "audio"}
SPLITS = ("train", "valid", "test")
WIDTHS = {"mosi": (20, 5), "mosei": (35, 74), "sims": (709, 33)}  # vision, audio


def sentences(n):
    return [f"this is sentence {i} , really" for i in range(n)]


def padded(rng, n, steps, width, lengths, left=False, dtype=np.float32):
    """[n, steps, width] with `lengths` real steps a row, zero elsewhere."""
    x = rng.normal(size=(n, steps, width)).astype(dtype)
    step = np.arange(steps)
    real = step >= steps - lengths[:, None] if left else step < lengths[:, None]
    return x * real[..., None]


def mmsa_split(rng, n, split, data="mosei", aligned=False, text_dim=768, steps=500):
    """One split of MMSA's aligned_50.pkl or unaligned_50.pkl, its dtypes and layout."""
    vision, audio = WIDTHS[data]
    words = rng.integers(4, 50, size=n)
    long = {m: words if aligned else rng.integers(5, steps, size=n) for m in ("audio", "vision")}
    t = 50 if aligned else steps
    mask = (np.arange(50) < words[:, None]).astype(np.int64)
    labels = (rng.integers(-9, 10, size=n) / 3).astype(np.float32)
    content = {
        "raw_text": np.array(sentences(n), dtype=object),
        "audio": padded(rng, n, t, audio, long["audio"]),
        "vision": padded(rng, n, t, vision, long["vision"], dtype=np.float64),
        "id": np.array([f"{split}vid{i // 5:04d}$_${i % 5}" for i in range(n)], dtype=object),
        "text": padded(rng, n, 50, text_dim, words),
        "text_bert": np.stack([mask * 101, mask, np.zeros_like(mask)], axis=1),
        "annotations": np.array(["Negative", "Neutral", "Positive"])[
            np.sign(labels).astype(int) + 1
        ],
        "classification_labels": (np.sign(labels) + 1).astype(np.float32),
        "regression_labels": labels,
    }
    if not aligned:
        content["audio_lengths"] = long["audio"].tolist()
        content["vision_lengths"] = long["vision"].tolist()
    return content


def mmsa(seed=0, sizes=(8, 3, 4), **options):
    rng = np.random.default_rng(seed)
    return {s: mmsa_split(rng, n, s, **options) for s, n in zip(SPLITS, sizes, strict=True)}


def mult(seed=0, sizes=(8, 3, 4), data="mosi", aligned=False, steps=60):
    """MulT's mosi_data.pkl or mosi_data_noalign.pkl: padding on the left, labels (N, 1, 1)."""
    rng = np.random.default_rng(seed)
    vision, audio = WIDTHS[data]
    content = {}
    for split, n in zip(SPLITS, sizes, strict=True):
        words = rng.integers(4, 50, size=n)
        t = 50 if aligned else steps
        long = {m: words if aligned else rng.integers(5, t, size=n) for m in ("audio", "vision")}
        kind = np.bytes_ if data == "mosi" else np.str_
        clips = [(f"{split}vid{i // 5}", f"{i % 5}.25", f"{i % 5 + 1}.0") for i in range(n)]
        content[split] = {
            "vision": padded(rng, n, t, vision, long["vision"], left=True, dtype=np.float64),
            "labels": (rng.integers(-9, 10, size=n) / 3).reshape(n, 1, 1),
            "text": padded(rng, n, 50, 300, words, left=True, dtype=np.float32),
            "audio": padded(rng, n, t, audio, long["audio"], left=True, dtype=np.float64),
            "id": np.array([[kind(part) for part in clip] for clip in clips], dtype=object),
        }
    return content


def write_pickle(path, content, protocol=4):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


def python2(content):
    """`content` as Python 2 and numpy 1 pickled it: byte strings, protocol 2, old module names."""
    return b"\x80\x02" + _python2(content) + b"."


def _python2(x):
    if isinstance(x, str | bytes):
        raw = x.encode() if isinstance(x, str) else x
        short = len(raw) < 256
        return (b"U" + bytes([len(raw)]) if short else b"T" + struct.pack("<i", len(raw))) + raw
    if isinstance(x, bool):
        return b"\x88" if x else b"\x89"
    if isinstance(x, int):
        return b"J" + struct.pack("<i", x)
    if isinstance(x, float):
        return b"G" + struct.pack(">d", x)
    if isinstance(x, tuple):
        return b"(" + b"".join(map(_python2, x)) + b"t"
    if isinstance(x, list):
        return b"](" + b"".join(map(_python2, x)) + b"e"
    if isinstance(x, dict):
        return b"}(" + b"".join(_python2(k) + _python2(v) for k, v in x.items()) + b"u"
    if x is None:
        return b"N"
    kind = x.dtype.str[1:] if x.dtype != object else "O8"
    order = "<" if x.dtype.str[0] == "<" else "|"
    dtype = b"cnumpy\ndtype\n" + _python2((kind, 0, 1)) + b"R"
    dtype += _python2((3, order, None, None, None, -1, -1, 63 if kind == "O8" else 0)) + b"b"
    raw = x.reshape(-1).tolist() if x.dtype == object else x.tobytes()
    new = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n" + _python2((0,))
    state = _python2(1) + _python2(x.shape) + dtype + _python2(False) + _python2(raw)
    return new + _python2("b") + b"tR(" + state + b"tb"


def write_csd(path, videos, root="sequence", metadata=True):
    """A computational sequence: {video: (features [n, d], intervals [n, 2])}."""
    with h5py.File(path, "w") as file:
        for video, (features, intervals) in videos.items():
            group = file.create_group(f"{root}/data/{video}")
            group["features"], group["intervals"] = features, intervals
        if metadata:
            text = h5py.string_dtype("ascii")
            about = {"root name": root, "computational sequence version": "1.0"}
            for key, value in about.items():
                file.create_dataset(f"{root}/metadata/{key}", data=[value], dtype=text)
    return path


def assert_same_steps(splits, content, left=False):
    """Every non-zero row of every clip, in order, to float precision."""
    for split, data in splits.items():
        for m, field in FIELDS.items():
            x = np.asarray(content[split][field], dtype=np.float32)
            real = (x != 0).any(axis=2)
            np.testing.assert_array_equal(data.values[m].numpy(), x[real])
            assert data.lengths(m).tolist() == real.sum(axis=1).tolist()
            for i in range(len(data)):  # positions within the clip, from its first real step
                steps = data.steps[m][data.offsets[m][i] : data.offsets[m][i + 1]]
                assert (steps.diff() == np.diff(np.flatnonzero(real[i]))).all()
