"""Nothing old is taken for new: data are known by every value, results by the code, too."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import dmdlite
from dmdlite import ConfigError, checkpoint
from dmdlite.checkpoint import code_version, source_hash
from dmdlite.experiments.runs import Run
from dmdlite.experiments.study import Study
from dmdlite.experiments.systems import EXPERIMENTS
from tests.test_training import train


def changed_value(data, place=-1):
    values = {m: v.clone() for m, v in data.values.items()}
    values["audio"][place, 0] += 1e-3
    return replace(data, values=values)


CHANGES = {
    "one value": changed_value,
    "the first value": lambda d: changed_value(d, 0),
    "a label": lambda d: replace(d, labels=d.labels + (torch.arange(len(d)) == 5)),
    "an id": lambda d: replace(d, ids=("new", *d.ids[1:])),
    "groups": lambda d: replace(d, groups=d.ids),
    "the order": lambda d: d.subset(torch.arange(len(d)).flip(0)),
    "a name": lambda d: d.select("language", "vision").select("vision", "language"),
    "the type": lambda d: replace(d, values={m: v.half() for m, v in d.values.items()}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_value_counts(toy, change):
    data = toy["train"]
    assert CHANGES[change](data).fingerprint() != data.fingerprint()
    assert replace(data).fingerprint() == data.fingerprint()


@pytest.mark.parametrize("written", ["in torch", "in NumPy", "by .data"])
def test_what_was_changed_in_memory_is_saved_and_known_as_another(toy, tmp_path, written):
    dmdlite.save_dataset(tmp_path / "d", toy, source="test")
    loaded = dmdlite.load_dataset(tmp_path / "d")
    before = loaded["train"].fingerprint()
    assert before == toy["train"].fingerprint()
    labels = loaded["train"].labels
    places = {"in torch": labels, "in NumPy": labels.numpy(), "by .data": labels.data}
    places[written][3] += 1  # a label was wrong
    assert loaded["train"].fingerprint() != before
    dmdlite.save_dataset(tmp_path / "corrected", loaded, source="test")
    again = dmdlite.load_dataset(tmp_path / "corrected")["train"]
    assert again.fingerprint() == loaded["train"].fingerprint()


def test_a_file_changed_behind_its_manifest_is_hashed_again(toy, tmp_path):
    dmdlite.save_dataset(tmp_path / "d", toy, source="test")
    before = dmdlite.load_dataset(tmp_path / "d")["train"].fingerprint()
    other = toy | {"train": changed_value(toy["train"])}
    dmdlite.save_dataset(tmp_path / "other", other, source="test")
    swapped, kept = (tmp_path / name / "train.safetensors" for name in ("other", "d"))
    assert swapped.stat().st_size == kept.stat().st_size
    os.utime(swapped, ns=(1, 1))  # older than what it replaces
    shutil.copy2(swapped, kept)
    after = dmdlite.load_dataset(tmp_path / "d")["train"].fingerprint()
    assert after == other["train"].fingerprint() != before


def test_a_copied_data_set_is_the_same(toy_folder, tmp_path):
    shutil.copytree(toy_folder, tmp_path / "copy", copy_function=shutil.copyfile)
    first, second = (dmdlite.load_dataset(f)["test"] for f in (toy_folder, tmp_path / "copy"))
    assert first.fingerprint() == second.fingerprint()


def test_a_run_goes_on_with_its_own_data_and_code_alone(toy, tmp_path, monkeypatch):
    train(toy, tmp_path, epochs=1)
    repaired = toy | {"train": changed_value(toy["train"])}
    with pytest.raises(ConfigError, match="data of split train was"):
        train(repaired, tmp_path, epochs=2, resume=True)
    monkeypatch.setattr(checkpoint, "code_version", lambda: "another")
    with pytest.raises(ConfigError, match="code of dmdlite was"):
        train(toy, tmp_path, epochs=2, resume=True)


def first_run(folder, **settings):
    system = EXPERIMENTS["fig1a"].systems[0]
    return Run(Study(str(folder), **settings), system, 0)


def test_results_know_data_and_code(toy, tmp_path, monkeypatch):
    dmdlite.save_dataset(tmp_path / "d", toy, source="test")
    before = first_run(tmp_path / "d").config_hash
    repaired = toy | {"test": changed_value(toy["test"])}
    dmdlite.save_dataset(tmp_path / "d", repaired, source="test")  # in the same process, too
    after = first_run(tmp_path / "d").config_hash
    assert before != after
    assert after == first_run(tmp_path / "d").config_hash
    monkeypatch.setattr("dmdlite.experiments.runs.code_version", lambda: "another")
    assert first_run(tmp_path / "d").config_hash != after


def test_the_code_is_known_by_its_source(tmp_path):
    home = Path(dmdlite.__file__).parent
    assert source_hash(home) == code_version()
    copy = tmp_path / "dmdlite"
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns("__pycache__", "results"))
    assert source_hash(copy) == code_version()
    (copy / "losses.py").write_bytes((copy / "losses.py").read_bytes().replace(b"\n", b"\r\n"))
    assert source_hash(copy) == code_version()  # as git writes it on Windows
    with (copy / "plots/style.py").open("a") as file:
        file.write("# of a picture")
    assert source_hash(copy) == code_version()
    with (copy / "losses.py").open("a") as file:
        file.write("\nEPSILON = 1\n")
    assert source_hash(copy) != code_version()
