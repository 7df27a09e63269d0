"""Files are written whole or not at all, and nothing that is not ours is replaced."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import dmdlite
from dmdlite.data import storage
from dmdlite.errors import DataError
from dmdlite.files import replacing, save_tensors, workspace, writable, write_json


@pytest.mark.parametrize("kind", ["folder", "pipe", "nothing"])
def test_only_a_file_may_be_replaced(tmp_path, kind):
    path = {"folder": tmp_path, "pipe": tmp_path / "pipe", "nothing": Path()}[kind]
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(DataError, match="not a place for a file"):
        writable(path)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_what_lies_beside_a_file_stays(tmp_path):
    mine = {f"a.json{end}": end for end in (".tmp", ".bak", ".old", "~", ".new")}
    for name, text in mine.items():
        (tmp_path / name).write_text(text)
    write_json(tmp_path / "a.json", {})
    save_tensors({"x": torch.ones(2)}, tmp_path / "a.json")
    assert {name: (tmp_path / name).read_text() for name in mine} == mine


def test_json_has_no_nan(tmp_path):
    write_json(tmp_path / "a.json", {"a": [1.5, math.nan], "b": {"c": math.nan}})
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"a": [1.5, None], "b": {"c": None}}


def test_a_folder_that_holds_anything_else_is_not_replaced(toy, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="holds something else"):
        dmdlite.save_dataset(tmp_path, toy, source="toy")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="holds something else"):
        dmdlite.save_dataset(tmp_path / "file", toy, source="toy")


def test_a_rename_that_fails_brings_the_old_data_set_back(toy, tmp_path, monkeypatch):
    folder = tmp_path / "set"
    dmdlite.save_dataset(folder, toy, source="first")
    original = Path.rename

    def fails(self, target):
        if self.name == "new":
            raise OSError("the disk refuses")
        return original(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="the disk refuses"):
        dmdlite.save_dataset(folder, toy, source="second")
    monkeypatch.undo()
    assert json.loads((folder / "dataset.json").read_text())["source"] == "first"
    assert len(dmdlite.load_dataset(folder)["train"]) == 64


KILLED = """
import os, sys
from pathlib import Path
import dmdlite

rename = Path.rename
Path.rename = lambda a, b: os._exit(9) if a.name == "new" else rename(a, b)
dmdlite.save_dataset(sys.argv[1], dmdlite.load_dataset("toy"), source="second")
"""


def test_a_process_killed_between_two_renames_loses_nothing(toy, tmp_path, monkeypatch):
    folder = tmp_path / "set"
    dmdlite.save_dataset(folder, toy, source="first")
    killed = subprocess.run([sys.executable, "-c", KILLED, folder])
    assert killed.returncode == 9
    assert not folder.exists()
    monkeypatch.setattr("dmdlite.data.storage.save_tensors", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # the next attempt fails, too
        dmdlite.save_dataset(folder, toy, source="third")
    assert json.loads((folder / "dataset.json").read_text())["source"] == "first"
    assert len(dmdlite.load_dataset(folder)["train"]) == 64


def test_workspace_clears_what_a_killed_process_left(tmp_path):
    (tmp_path / ".x.dmdlite-partial").mkdir()
    (tmp_path / ".x.dmdlite-partial" / "pieces").write_text("")
    with workspace(tmp_path / "x") as space:
        assert not any(space.iterdir())
    assert not any(tmp_path.iterdir())


@pytest.fixture
def versions(toy):
    """Two data sets that differ in their labels alone: all 0, all 1."""
    return [
        {k: replace(d, labels=torch.full((len(d),), float(one))) for k, d in toy.items()}
        for one in (0, 1)
    ]


def test_what_is_replaced_while_it_is_read_is_read_again(versions, tmp_path, monkeypatch):
    folder, original = tmp_path / "set", storage._load_split
    dmdlite.save_dataset(folder, versions[0], source="")
    waiting = [versions[1]]

    def replaced_midway(path, about, split):
        if split == "valid" and waiting:
            dmdlite.save_dataset(folder, waiting.pop(), source="")
        return original(path, about, split)

    monkeypatch.setattr(storage, "_load_split", replaced_midway)
    for split in dmdlite.load_dataset(folder).values():
        assert split.labels.eq(1).all()


READER = """
import pathlib, sys
import dmdlite
folder, stop = map(pathlib.Path, sys.argv[1:])
while not stop.exists():
    for split in dmdlite.load_dataset(folder).values():
        assert set(split.labels.tolist()) in ({0.0}, {1.0}), "two versions mixed"
    stop.with_name("seen").touch()
"""


def test_a_reader_finds_one_version_at_every_moment(versions, tmp_path):
    """While a data set is replaced again and again."""
    folder, stop, seen = tmp_path / "set", tmp_path / "stop", tmp_path / "seen"
    dmdlite.save_dataset(folder, versions[0], source="")
    reader = subprocess.Popen([sys.executable, "-c", READER, folder, stop])
    replaced = 0
    while reader.poll() is None and replaced < 100:
        dmdlite.save_dataset(folder, versions[replaced % 2], source="")
        replaced += seen.exists()  # those that the reader can have met
    stop.touch()
    assert reader.wait() == 0


@pytest.mark.parametrize("names", [(), ("../evil",), ("train", "dev")])
def test_splits_have_the_three_names(toy, tmp_path, names):
    with pytest.raises(DataError, match="splits: some of train, valid, test"):
        dmdlite.save_dataset(tmp_path / "set", {n: toy["test"] for n in names}, source="toy")
    assert not any(tmp_path.iterdir())


def test_splits_agree_and_the_manifest_cannot_overrule(toy, tmp_path):
    pair = toy["test"].select("vision", "audio")
    with pytest.raises(DataError, match="differ in modalities"):
        dmdlite.save_dataset(tmp_path / "set", {**toy, "test": pair}, source="toy")
    dmdlite.save_dataset(tmp_path / "set", toy, source="toy", format=99)
    assert set(dmdlite.load_dataset(tmp_path / "set")) == {"train", "valid", "test"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": torch.ones(3)[:, None]}, "labels must be float32 with 1 axes"),
        ({"labels": torch.ones(3, dtype=torch.int64)}, "labels must be float32"),
        ({"values": {"a": torch.ones(4, 2, dtype=torch.int32)}}, "a.values must be float16 or"),
        ({"offsets": {"a": torch.tensor([0.0, 2, 2, 4])}}, "a.offsets must be int64"),
        ({"ids": ("x", "y", None)}, "ids must be text, got None"),
        ({"ids": ("x", "y", "x")}, "1 ids appear twice"),
        ({"steps": {"a": torch.tensor([0, 0, 1, 2])}}, "a.steps must rise within each sample"),
        ({"factors": {"truth": torch.ones(2)}}, "factor truth has 2 rows for 3 labels"),
    ],
)
def test_parts_of_a_wrong_kind(changes, message):
    good = {
        "values": {"a": torch.ones(4, 2)},
        "offsets": {"a": torch.tensor([0, 2, 2, 4])},
        "steps": {"a": torch.tensor([0, 3, 0, 2])},
        "labels": torch.ones(3),
        "ids": ("x", "y", "z"),
    }
    dmdlite.MultimodalDataset(**good)
    with pytest.raises(DataError, match=message):
        dmdlite.MultimodalDataset(**(good | changes))


def test_samples_are_chosen_by_places_or_by_a_mask(toy):
    train = toy["train"]
    positive = train.labels > 0
    chosen = train.subset(positive)
    assert torch.equal(chosen.labels, train.labels[positive])
    for bad in ([0.5], [64], [-1], torch.ones(3, dtype=torch.bool)):
        with pytest.raises(DataError, match="whole numbers from 0 to 63"):
            train.subset(bad)
