"""HDF5 and csv files that hide something, and what follows a conversion."""

import json
import os
import re

import from_arrays
import from_csd
import h5py
import numpy as np
import pytest
import standardize
import torch
import verify

import dmdlite
from dmdlite import MultimodalDataset
from tests.frugal import few_bytes, few_calls
from tests.published_files import write_csd


def csd_files(folder, **changed):
    x, spans = np.ones((3, 2)), np.array([[0.0, 1], [1, 2], [2, 3]])
    for name in ("l", "v", "a"):
        write_csd(folder / f"{name}.csd", {"v": (x, spans)})
    write_csd(folder / "y.csd", {"v": (np.ones((1, 1)), np.array([[0.0, 3]]))})
    (folder / "folds.json").write_text('{"train": ["v"]}')
    for name, make in changed.items():
        with h5py.File(folder / f"{name}.csd", "w") as file:
            make(file)
    return [folder / f"{name}.csd" for name in "lvay"] + ["--folds", folder / "folds.json"]


def many_links(file):
    data = file.create_dataset("r/x", (2_000_000,), "f4")
    for i in range(40):
        file[f"r/data/v[{i}]/features"] = data
        file[f"r/data/v[{i}]/intervals"] = np.zeros((1, 2))


def unallocated_text(file):
    kind = h5py.string_dtype()
    file.create_dataset("r/data/v/features", (4_000_000, 1), kind, fillvalue="x" * 60_000)
    file["r/data/v/intervals"] = np.zeros((1, 2))


@pytest.mark.parametrize(
    "make",
    [
        many_links,
        unallocated_text,
        lambda f: f.create_dataset("r", data=[1.0]),
        lambda f: f.create_dataset("r/data", data=[1.0]),
        lambda f: f.create_dataset("r/data/v", data=[1.0]),
        lambda f: f.create_dataset("r/data/v/features", data=1.0),
        lambda f: f.create_dataset("r/data/v/features", data=h5py.Empty("f4")),
    ],
)
def test_csd_bombs_and_odd_shapes(run_script, tmp_path, make):
    files = csd_files(tmp_path, v=make)
    with few_bytes(), few_calls():
        code, _, err = run_script(from_csd.app, *files, "--name", "demo")
    assert code == 2
    assert "v.csd" in err
    assert "Traceback" not in err


def test_an_empty_entry_is_a_missing_modality(run_script, tmp_path):
    def empty(file):
        file["r/data/v/features"], file["r/data/v/intervals"] = np.ones((0, 2)), np.ones((0, 2))

    for options in ([], ["--unaligned"]):
        files = csd_files(tmp_path, v=empty)
        code, _, err = run_script(from_csd.app, *files, "--name", "demo", *options)
        assert code == 0, err
        assert dmdlite.load_dataset("demo")["train"].present.tolist() == [[True, False, True]]


def test_words_in_two_files_or_in_none(run_script, tmp_path):
    def text(*shape):
        def make(file):
            file["r/data/v/features"] = np.full(shape, b"word")
            file["r/data/v/intervals"] = np.array([[0.0, 1], [1, 2], [2, 3]])

        return make

    files = csd_files(tmp_path, l=text(3, 1), w=text(3, 1))
    args = (*files, "--name", "demo", "--words", tmp_path / "w.csd")
    code, _, err = run_script(from_csd.app, *args)
    assert (code, "l.csd: holds words, and so does --words; give one" in err) == (2, True)
    files = csd_files(tmp_path, w=text(3, 0))
    code, _, err = run_script(from_csd.app, *args)
    assert code == 2
    assert "w.csd: v: features (3, 0) do not go with intervals (3, 2)" in err.splitlines()[-1]


def test_a_csd_whose_list_of_names_is_damaged_is_refused(run_script, tmp_path):
    """HDF5 keeps the names in heaps, each with the place of its free room."""
    files = csd_files(tmp_path)
    raw = bytearray((tmp_path / "v.csd").read_bytes())
    for at in [i for i in range(len(raw)) if raw[i : i + 4] == b"HEAP"]:
        raw[at + 16] ^= 1
    (tmp_path / "v.csd").write_bytes(raw)
    code, _, err = run_script(from_csd.app, *files, "--name", "demo")
    assert code == 2
    assert "v.csd" in err.splitlines()[-1]


# Own files


def csv_folder(folder, **files):
    (folder / "a").mkdir(parents=True)
    (folder / "b").mkdir()
    (folder / "labels.csv").write_text("id,label,split\nx,1,train\ny,2,train\n")
    for clip in "xy":
        (folder / "a" / f"{clip}.csv").write_text(files.get(f"a{clip}", "1,2\n3,4\n"))
        (folder / "b" / f"{clip}.csv").write_text(files.get(f"b{clip}", "5\n"))
    return folder


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("0,1\n5,6\n", [[5, 6]]),  # the header that pandas writes
        ("1.5,\n3,4\n", [[1.5, 0], [3, 4]]),  # an empty cell is NaN, and no header
        ("NA,2.5\n3,4\n", [[0, 2.5], [3, 4]]),
        ("f1,f2\r3,4\r", [[3, 4]]),  # old line ends
        ("", None),  # nothing: the modality is missing
    ],
)
def test_first_lines_of_csv(run_script, tmp_path, content, expected):
    folder = csv_folder(tmp_path / "f", ax=content)
    code, _, err = run_script(from_arrays.app, folder, "--name", "demo")
    assert code == 0, err
    data = dmdlite.load_dataset("demo")["train"]
    if expected:
        assert data.batch([0]).features["a"][0].tolist() == expected
    assert bool(data.present[0, 0]) == bool(expected)


def test_csv_folders_that_hide_something(run_script, tmp_path):
    def error(folder, *options):
        return run_script(from_arrays.app, folder, "--name", "demo", *options)[2]

    assert "not a table of numbers" in error(csv_folder(tmp_path / "1", ax="#3,4\n1,2\n5,6\n"))
    deep = csv_folder(tmp_path / "2")
    (deep / "a" / "more").mkdir()
    (deep / "a" / "more" / "x.csv").write_text("1,2\n")
    assert "lies deeper than MODALITY/ID.csv" in error(deep)
    linked = csv_folder(tmp_path / "3")
    (linked / "c").symlink_to(linked / "a")
    assert "a link to a folder" in error(linked)
    fine = csv_folder(tmp_path / "4")
    (fine / "a" / ".DS_Store").write_bytes(b"\x00")
    assert "written to" in run_script(from_arrays.app, fine, "--name", "demo")[1]
    assert "not a name for a data set" in run_script(from_arrays.app, fine, "--name", "toy")[2]
    assert "not a name for a data set" in run_script(from_arrays.app, fine, "--name", "a/b")[2]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"factor": np.ones((4, 2, 1))}, "cannot be called 'factor'"),
        ({"group": np.array(["a", "", "b", ""]), "split": None}, "2 clips without a group"),
        ({"b_lengths": np.array([2**63 - 1, 2**63 - 1, 2, 4])}, "more than there is"),
    ],
)
def test_npz_that_would_mix_clips_up(run_script, tmp_path, changed, message):
    content = {
        "labels": np.ones(4),
        "split": np.array(["train"] * 4),
        "a": np.ones((4, 2, 1)),
        "b": np.ones((4, 1)),
        "b_lengths": np.ones(4, np.int64),
    } | changed
    content = {k: v for k, v in content.items() if v is not None}
    np.savez(tmp_path / "x.npz", **content)
    options = [] if "split" in content else ["--shares", "50,25,25"]
    code, _, err = run_script(from_arrays.app, tmp_path / "x.npz", "--name", "demo", *options)
    assert code == 2
    assert message in err


def test_files_may_be_read_by_others(toy, tmp_path):
    before = os.umask(0o022)
    try:
        dmdlite.save_dataset(tmp_path / "d", toy, "toy")
    finally:
        os.umask(before)
    assert {oct(p.stat().st_mode & 0o044) for p in (tmp_path / "d").iterdir()} == {"0o44"}


# standardize.py


def test_standardised_copy_keeps_everything_else(run_script, tmp_path, toy):
    offsets = torch.zeros(65, dtype=torch.int64)
    train = toy["train"]
    lacking = MultimodalDataset(
        {**train.values, "language": train.values["language"][:0]},
        {**train.offsets, "language": offsets},
        train.labels,
        train.ids,
        "t",
    )
    test = MultimodalDataset(
        toy["test"].values, toy["test"].offsets, toy["test"].labels, toy["test"].ids, "t"
    )
    groups = {"train": ["g"] * 64, "test": ["h"] * 32}
    dmdlite.save_dataset(tmp_path / "t", {"train": lacking, "test": test}, "toy", groups=groups)
    code, _, err = run_script(standardize.app, "t")
    assert code == 0, err
    found = dmdlite.load_dataset("t_scaled")
    audio = found["train"].values["audio"]
    torch.testing.assert_close(audio.mean(0), torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(audio.std(0, correction=0), torch.ones(8))
    assert torch.equal(found["test"].values["language"], test.values["language"])
    about = json.loads((tmp_path / "t_scaled" / "dataset.json").read_text())
    assert about["groups"] == groups
    _, out, _ = run_script(verify.app, "t_scaled", "--figure", tmp_path / "x.png")
    assert re.search(r"same video +ok +none in two splits", out)
    assert "is standardised already" in run_script(standardize.app, "t_scaled")[2]


# verify.py


def test_verify_needs_a_figure_it_can_draw(run_script, tmp_path):
    assert "give it the ending" in run_script(verify.app, "toy", "--figure", tmp_path / "x.foo")[2]
    (tmp_path / "x.png").mkdir()
    assert "not a place for" in run_script(verify.app, "toy", "--figure", tmp_path / "x.png")[2]
