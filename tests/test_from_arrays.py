"""One's own features: npz, folders and zips of csv; splits by group; files that do not fit."""

import io
import os
import struct
import zipfile

import from_arrays
import numpy as np
import pytest
from dmdlite_data import own_clips, own_files
from hypothesis import given
from hypothesis import strategies as st

import dmdlite
from dmdlite import DataError

RNG = np.random.default_rng(0)
SPLIT = np.array(["train", "train", "valid", "test"])


def arrays(**changes):
    """Four clips: `eeg` padded to five steps, `pulse` clip after clip."""
    eeg = RNG.normal(size=(4, 5, 3))
    eeg[1, 2:] = 0
    return {
        "labels": np.array([1.0, -2.0, 3.0, 0.0]),
        "ids": np.array(["a", "b", "c", "d"]),
        "split": SPLIT,
        "eeg": eeg,
        "pulse": RNG.normal(size=(7, 2)).astype(np.float32),
        "pulse_lengths": np.array([2, 0, 4, 1]),
    } | changes


@pytest.fixture
def run(run_script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda source, *options: run_script(from_arrays.app, source, "--name", "mine", *options)


def test_npz_of_two_modalities_of_any_name(run):
    content = arrays()
    np.savez("x.npz", **content)
    code, _, err = run("x.npz", "--dtype", "float32")
    assert code == 0, err
    splits = dmdlite.load_dataset("mine")
    ids = {"train": ("a", "b"), "valid": ("c",), "test": ("d",)}
    assert {split: data.ids for split, data in splits.items()} == ids
    train = splits["train"]
    assert (train.modalities, train.widths) == (("eeg", "pulse"), (3, 2))
    assert train.lengths("eeg").tolist() == [5, 2]
    assert train.lengths("pulse").tolist() == [2, 0]
    assert np.array_equal(splits["valid"].values["pulse"].numpy(), content["pulse"][2:6])
    assert splits["valid"].labels.tolist() == [3.0]


def test_given_lengths_cut_padding_that_is_not_zero(run):
    lengths = np.array([1, 2, 3, 0])
    np.savez("x.npz", **arrays(eeg=np.ones((4, 5, 3)), eeg_lengths=lengths))
    code, out, _ = run("x.npz")
    assert code == 0
    assert "5 padded steps that were not zero, dropped" in out  # the test clip
    splits = dmdlite.load_dataset("mine")
    assert [n for d in splits.values() for n in d.lengths("eeg").tolist()] == [1, 2, 3, 0]


def write_folder(folder, header="f1,f2\n"):
    (folder / "face").mkdir(parents=True)
    (folder / "voice").mkdir()
    (folder / "labels.csv").write_text(
        'id,label,split,group,text\na,1.5,train,v1,"well, yes"\nb,5,train,v1,no\n'
        "c,3,valid,v2,\nd,2,test,v3,hm\n"
    )
    for clip in "abcd":
        (folder / "face" / f"{clip}.csv").write_text(f"{header}1,2\n3,nan\n0,0\n5,6\n")
        if clip != "b":
            (folder / "voice" / f"{clip}.csv").write_text("7\n8\n")


def zipped(folder, path, prefix=""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, prefix + str(file.relative_to(folder)))


@pytest.mark.parametrize("form", ["folder", "no header", "zip", "zip of the folder"])
def test_csv_by_clip(run, tmp_path, form):
    write_folder(tmp_path / "clips", header="" if form == "no header" else "f1,f2\n")
    source = "clips"
    if "zip" in form:
        source = "clips.zip"
        zipped(tmp_path / "clips", source, "clips/" if form != "zip" else "")
    code, out, err = run(source, "--label-shift", "3", "--label-scale", "1.5")
    assert code == 0, err
    train = dmdlite.load_dataset("mine")["train"]
    assert train.labels.tolist() == [-2.25, 3.0]
    assert train.texts == ("well, yes", "no")
    assert train.lengths("voice").tolist() == [2, 0]  # b has no voice
    batch = train.batch([0])
    assert batch.features["face"][0].tolist() == [[1, 2], [3, 0], [0, 0], [5, 6]]
    assert batch.masks["face"][0].tolist() == [True, True, False, True]
    assert "1 NaN or inf values set to 0; 1 all-zero steps in between" in out.split("valid:")[1]


def test_aligned_clips_keep_one_grid(run):
    eeg = np.ones((4, 5, 3))
    eeg[:, 0] = 0  # its first step is missing, the other's is not
    np.savez("x.npz", **arrays(eeg=eeg, pulse=np.ones((4, 5, 2))) | {"pulse_lengths": [5] * 4})
    assert run("x.npz", "--aligned")[0] == 0
    assert dmdlite.load_dataset("mine")["test"].steps["eeg"].tolist() == [1, 2, 3, 4]
    assert run("x.npz")[0] == 0
    assert dmdlite.load_dataset("mine")["test"].steps["eeg"].tolist() == [0, 1, 2, 3]


@given(groups=st.lists(st.integers(0, 12), min_size=3, max_size=60), seed=st.integers(0, 5))
def test_random_split_keeps_groups_whole_and_shares_close(groups, seed):
    about = {"labels": np.zeros(len(groups)), "group": np.array(groups)}
    known = np.ones(len(groups), bool)
    split = own_clips.splits_of("x", about, "60,20,20", seed, known)
    for group in set(groups):
        assert len(set(split[about["group"] == group])) == 1
    largest = max(np.bincount(groups))
    assert abs((split == "train").sum() - 0.6 * len(groups)) <= largest + 1
    assert (split == own_clips.splits_of("x", about, "60,20,20", seed, known)).all()


def test_shares_from_the_command_line(run):
    content = arrays()
    del content["split"]
    for left_empty in ({}, {"split": np.array([""] * 4)}):
        np.savez("x.npz", **content, **left_empty)
        assert "no split given; say how" in run("x.npz", "--shares", "50,50")[2]
        assert run("x.npz", "--shares", "50,25,25")[0] == 0
        assert [len(d) for d in dmdlite.load_dataset("mine").values()] == [2, 1, 1]
    np.savez("x.npz", **arrays())
    assert "says itself which split" in run("x.npz", "--shares", "50,25,25")[2]


def without(*keys):
    return {k: v for k, v in arrays().items() if k not in keys}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (without("eeg"), "1 modalities (pulse), two are needed"),
        (without("pulse_lengths"), "pulse has shape (7, 2); expected (4, T, D), or (S, D)"),
        (arrays(pulse_lengths=np.array([2, 0, 4, 2])), "4 lengths that sum to S"),
        (arrays(eeg_lengths=np.array([6, 1, 1, 1])), "go beyond the 5 steps"),
        (arrays(eeg_lengths=np.array([1, 1])), "must be 4 whole numbers"),
        (arrays(ids=np.array(["a", "a", "b", "c"])), "1 ids occur twice"),
        (arrays(ids=np.array(["a"])), "ids has shape (1,) for 4 clips"),
        (arrays(split=np.array(["train", "dev", "x", "x"])), "split 'dev', expected"),
        (arrays(labels=np.array(["good"] * 4)), "labels must be numbers"),
        (arrays(labels=np.array([1, 2, 3, np.nan])), "1 of 4 labels are NaN, inf or missing"),
        (arrays(eeg=np.array([["x"] * 3] * 4)), "eeg holds <U1, expected numbers"),
        (arrays(**{"my eeg": np.ones((4, 1, 1))}), "cannot be called 'my eeg'"),
    ],
)
def test_npz_that_do_not_fit(run, tmp_path, content, message):
    np.savez("x.npz", **content)
    code, _, err = run("x.npz")
    assert code == 2
    assert message in err.splitlines()[-1]
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("labels.csv", "name,label\na,1\n", "needs a header with id and label"),
        ("labels.csv", "id,label,split\n../b,1,train\n", "id '../b' cannot be a file's name"),
        ("labels.csv", "id,label,split\na,1,train\n", "5 files without a label, first face/b.csv"),
        ("face/a.csv", "1,2\n3\n", "face/a.csv: not a table of numbers"),
        ("face/a.csv", "1,2,3\n", "face/b.csv: 2 columns, others have 3"),
        ("face/a.csv", "a,b\nc,d\n", "not a table of numbers"),
        ("face/a.csv", b"\xff\xfe", "face/a.csv: cannot be read"),
        ("labels.csv", 'id,label\n"a,1\n', "labels.csv: not a csv"),
    ],
)
def test_csv_that_do_not_fit(run, tmp_path, file, content, message):
    write_folder(tmp_path / "clips")
    path = tmp_path / "clips" / file
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    code, _, err = run("clips")
    assert code == 2
    assert message in err.splitlines()[-1]


def test_a_csv_that_is_too_large_is_refused(run, tmp_path, monkeypatch):
    write_folder(tmp_path / "clips")
    monkeypatch.setattr(own_files, "LARGEST_CSV", 30)
    assert "larger than" in run("clips")[2]


def npy(header, body=b""):
    text = header.encode() + b" " * (118 - len(header)) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def archive(**members):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return raw.getvalue()


class Runs:
    def __reduce__(self):
        return os.system, ("echo > touched",)


def objects():
    raw = io.BytesIO()
    np.savez(raw, labels=np.array([Runs()], dtype=object))
    return raw.getvalue()


HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
CODE = "{'descr': __import__('os').system('echo > touched'), 'fortran_order': False, 'shape': (1,)}"
HOSTILE = {
    "pickled objects": (objects(), "it holds object"),
    "a header of eight terabytes": (archive(**{"labels.npy": npy(HUGE)}), "does not fit"),
    "code in a header": (archive(**{"labels.npy": npy(CODE)}), "Cannot parse header|malformed"),
    "no array": (archive(**{"labels.npy": b"hello"}), "magic string|EOF"),
    "no zip": (b"PK\x03\x04 and no more", "readable zip"),
    "a zip bomb": (archive(**{"labels.npy": bytes(1 << 27)}), "unpacks from"),
    "out of the archive": (archive(**{"../labels.npy": b"x"}), "points out of the archive"),
    "absolute": (archive(**{"/etc/labels.npy": b"x"}), "points out of the archive"),
    "windows drive": (archive(**{"C:\\labels.npy": b"x"}), "points out of the archive"),
    "backslashes": (archive(**{"a\\..\\..\\labels.npy": b"x"}), "points out of the archive"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("ending", ["npz", "zip"])
def test_hostile_archives_are_refused(run, tmp_path, name, ending):
    content, message = HOSTILE[name]
    (tmp_path / f"x.{ending}").write_bytes(content)
    code, _, err = run(f"x.{ending}")
    assert code == 2
    assert "Traceback" not in err
    inside = ("zip bomb", "out of", "absolute", "drive", "backslashes", "no zip")
    if ending == "npz" or any(word in name for word in inside):
        with pytest.raises(DataError, match=message):
            own_files.read_npz(tmp_path / f"x.{ending}")
    assert {p.name for p in tmp_path.iterdir()} == {f"x.{ending}"}
