"""A pickle of MMSA's MOSEI schema at full sample count: convert, verify, train; time and memory.

Usage: python benchmarks/real_size.py FOLDER; needs about 45 GB there, and deletes what it made.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
from common import write_result

ROOT = Path(__file__).resolve().parent.parent
SIZES = (16326, 1871, 4659)
SMALL = ["--set", "dim=16", "--set", "heads=2", "--set", "layers=1", "--set", "batch_size=32"]
FIRST_BATCH = """
import json, sys, time, dmdlite
start = time.perf_counter()
train = dmdlite.load_dataset(sys.argv[1])["train"]
train.batch(list(range(0, len(train), len(train) // 32))[:32])
print(json.dumps({"seconds": time.perf_counter() - start, "bytes": train.nbytes}))
"""


def make_pickle(path: Path, sizes: tuple[int, ...], shortest: int) -> None:
    """Random numbers in MMSA's layout: 500 padded steps, of which `shortest` to 500 are real.

    The arrays are made in files beside `path`, since together they would not fit in memory.
    """
    scratch = path.with_name("arrays")
    scratch.mkdir()
    rng = np.random.default_rng(0)
    content = {}
    for split, n in zip(("train", "valid", "test"), sizes, strict=True):
        words, labels = rng.integers(4, 50, n), (rng.integers(-9, 10, n) / 3).astype(np.float32)
        steps = {m: rng.integers(shortest, 501, n) for m in ("audio", "vision")}
        mask = (np.arange(50) < words[:, None]).astype(np.int64)
        content[split] = {
            "raw_text": np.array([f"sentence {i} of {split}" for i in range(n)], dtype=object),
            "audio": _padded(scratch / f"a{n}", rng, (n, 500, 74), steps["audio"], np.float64),
            "vision": _padded(scratch / f"v{n}", rng, (n, 500, 35), steps["vision"], np.float64),
            "id": np.array([f"{split}{i // 7}$_${i % 7}" for i in range(n)], dtype=object),
            "text": _padded(scratch / f"t{n}", rng, (n, 50, 768), words, np.float32),
            "text_bert": np.stack([mask * 101, mask, mask * 0], axis=1),
            "annotations": np.array(["Negative", "Neutral", "Positive"])[
                np.sign(labels).astype(int) + 1
            ],
            "classification_labels": np.sign(labels) + 1,
            "regression_labels": labels,
            "audio_lengths": steps["audio"].tolist(),
            "vision_lengths": steps["vision"].tolist(),
        }
    with path.open("wb") as file:
        pickle.dump(content, file, protocol=4)
    shutil.rmtree(scratch)


def _padded(path: Path, rng, shape: tuple[int, int, int], lengths: np.ndarray, dtype) -> np.ndarray:
    x = np.memmap(path, dtype, "w+", shape=shape)
    for row, length in zip(x, lengths, strict=True):
        row[:length] = rng.standard_normal((length, shape[2]), dtype=dtype)
    return x.view(np.ndarray)


def measured(*command: str) -> dict:
    """Run a command; its seconds, and the peak of its own memory and of file pages mapped in."""
    start = time.perf_counter()
    process = psutil.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    own = mapped = 0
    while process.poll() is None:
        try:
            memory = process.memory_info()
        except psutil.NoSuchProcess:
            break
        own = max(own, memory.rss - memory.shared)
        mapped = max(mapped, memory.shared)
        time.sleep(0.02)
    seconds = time.perf_counter() - start
    output = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    print(output[-800:])
    return {
        "seconds": round(seconds, 1),
        "own_gib": round(own / 2**30, 2),
        "mapped_gib": round(mapped / 2**30, 2),
        "output": output,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=1.0, help="of the sample count, for a try")
    parser.add_argument("--shortest", type=int, default=320, help="real steps of 500, at least")
    args = parser.parse_args()
    work = args.folder / "real_size"
    work.mkdir(parents=True)
    scripts, out = ROOT / "data_scripts", str(work / "mosei")
    sizes = tuple(max(8, int(n * args.share)) for n in SIZES)
    try:
        pickled = work / "unaligned_50.pkl"
        make_pickle(pickled, sizes, args.shortest)
        result = {"samples": sizes, "pickle_gb": round(pickled.stat().st_size / 1e9, 2)}
        for dtype in ("float16", "float32"):
            result[dtype] = _measure(scripts, pickled, out, dtype, work)
    finally:
        shutil.rmtree(work)
    write_result("real_size", **result)


def _measure(scripts: Path, pickled: Path, out: str, dtype: str, work: Path) -> dict:
    steps = {
        "convert": [str(scripts / "from_mmsa.py"), str(pickled), "--out", out, "--dtype", dtype],
        "verify": [str(scripts / "verify.py"), out, "--figure", str(work / "overview.png")],
        "first_batch": ["-c", FIRST_BATCH, out],
    }
    if dtype == "float32":
        run = ["--epochs", "1", "--out", str(work / "run"), *SMALL]
        steps["train"] = ["-m", "dmdlite", "train", "--data", out, *run]
    found = {}
    for name, command in steps.items():
        if name == "first_batch":
            _forget(Path(out))
        found[name] = measured(*command)
    found["first_batch"] |= json.loads(found["first_batch"]["output"])
    for row in found.values():
        del row["output"]
    size = sum(path.stat().st_size for path in Path(out).iterdir())
    return {"data_set_gb": round(size / 1e9, 2), **found}


def _forget(folder: Path) -> None:
    """Drop the files from the system's cache, so that the first batch comes from the disk."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    main()
