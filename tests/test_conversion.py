"""A conversion leaves the old data set or the new one; memory holds a piece at a time."""

import json
import re
import resource
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import from_mmsa
import numpy as np
import pytest
import torch
from dmdlite_data import conversion
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

import dmdlite
from dmdlite import DataError
from dmdlite.data.spool import Spool
from dmdlite.files import _lock_file
from tests.frugal import few_calls
from tests.published_files import mmsa, write_pickle

SCRIPT = Path(from_mmsa.__file__)


def command(pickle, out):
    return [sys.executable, str(SCRIPT), str(pickle), "--out", str(out), "--name", "demo"]


def convert(pickle, out, **options):
    return subprocess.run(command(pickle, out), capture_output=True, text=True, **options)


def convert_here(pickle, out):
    from_mmsa.from_mmsa(pickle, name="demo", out=out)


@pytest.fixture
def two(tmp_path):
    """Two pickles; the first is converted to `demo`."""
    for i in range(2):
        write_pickle(tmp_path / f"{i}.pkl", mmsa(i, sizes=(40, 3, 4), steps=200))
    convert_here(tmp_path / "0.pkl", tmp_path / "demo")
    return tmp_path


def content(folder):
    """Every file's bytes, without the times at which the others were written."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    about = re.sub(rb'"mtime_ns": \d+', b"", found["dataset.json"])
    return found | {"dataset.json": about}


def test_again_gives_the_same_bytes(two):
    before = content(two / "demo")
    assert convert(two / "0.pkl", two / "demo").returncode == 0
    assert content(two / "demo") == before
    convert_here(two / "1.pkl", two / "demo")
    assert content(two / "demo") != before


# In the process that converts: it kills itself, as the system would, at one point of the way.
KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import from_mmsa, pathlib
from dmdlite.data import storage
from dmdlite.data.spool import Spool
def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
def then_die(function):
    return lambda *arguments: (function(*arguments), die())
point = sys.argv[4]
if point == "at the first piece":
    Spool.append = die
if point == "between two files of pieces":
    Spool._write = then_die(Spool._write)
if point == "after the first split":
    storage.save_tensors = then_die(storage.save_tensors)
rename = pathlib.Path.rename
def renamed(a, b):
    if point == f"before {a.name} is renamed":
        die()
    rename(a, b)
    if point == f"after {a.name} is renamed":
        die()
pathlib.Path.rename = renamed
from_mmsa.from_mmsa(pathlib.Path(sys.argv[2]), name="demo", out=pathlib.Path(sys.argv[3]))
"""


@pytest.mark.parametrize(
    ("point", "left"),
    [
        ("at the first piece", "old"),
        ("between two files of pieces", "old"),
        ("after the first split", "old"),
        ("before demo is renamed", "old"),
        ("after demo is renamed", "old"),
        ("before new is renamed", "old"),
        ("after new is renamed", "new"),
    ],
)
def test_killed_it_leaves_the_old_or_the_new(two, point, left):
    before = content(two / "demo")
    arguments = [str(SCRIPT.parent), str(two / "1.pkl"), str(two / "demo"), point]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(dmdlite.load_dataset(two / "demo")["train"]) == 40
    assert (content(two / "demo") == before) == (left == "old")
    convert_here(two / "1.pkl", two / "demo")
    # Nor does anything that was killed lie about afterwards.
    assert {path.name for path in two.iterdir()} == {"0.pkl", "1.pkl", "demo"}


@pytest.mark.parametrize("limit", [10_000, 600_000, 2_000_000])
def test_a_full_disk_leaves_the_old_one(two, limit):
    """Files may grow to `limit` bytes: the pieces, the splits or only the last one do not fit."""
    before = content(two / "demo")
    bound = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # noqa: E731
    done = convert(two / "1.pkl", two / "demo", preexec_fn=bound)
    assert done.returncode == 2
    assert "File too large" in done.stderr.splitlines()[-1]
    assert content(two / "demo") == before
    assert {path.name for path in two.iterdir()} == {"0.pkl", "1.pkl", "demo"}


def test_an_error_midway_leaves_the_old_one(two):
    broken = mmsa(sizes=(40, 3, 4), steps=200)
    broken["test"]["regression_labels"][2] = np.nan
    before = content(two / "demo")
    with pytest.raises(DataError, match="are NaN, inf or missing"):
        convert_here(write_pickle(two / "2.pkl", broken), two / "demo")
    assert content(two / "demo") == before


def test_a_folder_with_anything_else_is_refused_before_the_work(two):
    (two / "mine").mkdir()
    (two / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="holds something else than a data set"):
        convert_here(two / "0.pkl", two / "mine")
    assert (two / "mine" / "thesis.txt").read_text() == "years of work"


def test_two_at_once_is_refused(two, monkeypatch):
    pieces = (two / "demo.pieces").absolute()
    monkeypatch.setattr("dmdlite.files.PATIENCE", 0.1)
    held = FileLock(_lock_file(pieces))
    with held, pytest.raises(DataError, match="another process is writing it"):
        convert_here(two / "0.pkl", two / "demo")


def test_manifest_tells_source_versions_and_repairs(two):
    about = json.loads((two / "demo" / "dataset.json").read_text())
    assert about["inputs"]["0.pkl"]["bytes"] == (two / "0.pkl").stat().st_size
    assert len(about["inputs"]["0.pkl"]["sha256"]) == 64
    assert set(about["versions"]) == {"python", "dmdlite", "numpy", "torch"}
    assert about["repaired"]["train"]["vision"]["right"] > 0
    assert about["not_kept"]["train"] == ["annotations", "classification_labels", "text_bert"]


def test_nothing_to_convert_is_an_error(tmp_path):
    with pytest.raises(DataError, match="x: no samples"):
        conversion.convert(iter(()), "x", tmp_path / "x", source="", inputs=[])
    assert not (tmp_path / "x").exists()


def test_many_clips_of_one_id_are_numbered_in_one_pass():
    with few_calls(500_000):
        ids, counts = conversion.named(["a", "a#2", *["a"] * 20_000], "x")
    assert ids[:4] == ["a", "a#2", "a#3", "a#4"]
    assert len(set(ids)) == len(ids)
    assert counts == {"made": 0, "renamed": 20_000}


@given(cuts=st.lists(st.integers(0, 32), max_size=5), half=st.booleans())
def test_a_spool_is_its_pieces_in_order(toy, tmp_path_factory, cuts, half):
    data = toy["test"]
    edges = sorted({0, *cuts, len(data)})
    spool = Spool(tmp_path_factory.mktemp("s") / "spool", torch.float16 if half else torch.float32)
    for start, stop in pairwise(edges):
        spool.append(data.subset(range(start, stop)))
    whole = spool.dataset()
    assert whole.ids == data.ids
    assert torch.equal(whole.labels, data.labels)
    for m in data.modalities:
        assert torch.equal(whole.offsets[m], data.offsets[m])
        expected = data.values[m].half() if half else data.values[m]
        assert torch.equal(whole.values[m], expected)
    assert all(torch.equal(whole.factors[k], f) for k, f in data.factors.items())


def test_a_spool_refuses_another_shape(toy, tmp_path):
    spool = Spool(tmp_path / "spool")
    spool.append(toy["test"])
    with pytest.raises(DataError, match="does not continue"):
        spool.append(toy["test"].select("audio", "vision"))


# Prints by how much the process's own memory (without mapped files) grew at most.
WATCHED = """
import json, pathlib, psutil, sys, threading, time
sys.path.insert(0, sys.argv[1])
import from_mmsa, dmdlite
process, peak, done = psutil.Process(), [0], []
def own():
    memory = process.memory_info()
    return memory.rss - memory.shared
def watch():
    while not done:
        peak[0] = max(peak[0], own())
        time.sleep(0.005)
start = own()
thread = threading.Thread(target=watch)
thread.start()
from_mmsa.from_mmsa(pathlib.Path(sys.argv[2]), name="x", out=pathlib.Path(sys.argv[3]))
train = dmdlite.load_dataset(sys.argv[3])["train"]
for batch in train.batches(32):
    pass
done.append(1)
thread.join()
print(json.dumps({"grew": peak[0] - start, "values": train.nbytes}))
"""


def test_memory_stays_bounded_while_the_file_grows(tmp_path):
    """A pickle of 300 MB, converted and read back: own memory grows by far less."""
    sizes = {"sizes": (900, 2, 2), "steps": 500, "text_dim": 768}
    pickle = write_pickle(tmp_path / "x.pkl", mmsa(**sizes))
    assert pickle.stat().st_size > 3e8
    arguments = [str(SCRIPT.parent), str(pickle), str(tmp_path / "x")]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["values"] > 1e8
    assert found["grew"] < 4.5 * conversion.CHUNK
