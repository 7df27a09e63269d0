"""Small files of the MISA family, and the command that converts them."""

import pickle
from pathlib import Path

import from_misa
import numpy as np

import dmdlite


def clip(i=0, steps=3, **changes):
    """One clip of MISA's aligned files; `changes` replaces parts of it."""
    rng = np.random.default_rng(i)
    part = {
        "words": np.arange(2, steps + 2),
        "vision": rng.normal(size=(steps, 4)).astype(np.float32),
        "audio": rng.normal(size=(steps, 5)).astype(np.float32),
        "said": [f"w{k}" for k in range(steps)],
        "label": np.array([[1.0]], np.float32),
        "name": f"video{i}[{i}]",
    } | changes
    features = tuple(part[key] for key in ("words", "vision", "audio", "said"))
    return (features, part["label"], part["name"])


def convert_clips(run_script, content, *options, names=None):
    """`content`, {file: what it holds} or what train.pkl holds, through the command in this folder.

    -> splits, or None if refused; stdout; stderr
    """
    content = content if isinstance(content, dict) else {"train.pkl": content}
    for file, part in content.items():
        Path(file).write_bytes(pickle.dumps(part, 4))
    files = [*content] if names is None else names
    code, out, err = run_script(from_misa.app, *files, "--name", "demo", *options)
    assert code in (0, 2), err
    assert "Traceback" not in err
    return (dmdlite.load_dataset("demo") if code == 0 else None), out, err
