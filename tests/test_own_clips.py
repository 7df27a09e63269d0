"""One's own clips: without labels, by video, and messages that point the right way."""

import warnings
import zipfile

import from_arrays
import numpy as np
import pytest
import standardize
import verify

import dmdlite
from tests.test_from_arrays import arrays


@pytest.fixture
def run(run_script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda source, *options: run_script(from_arrays.app, source, "--name", "mine", *options)


def without(*keys, **changes):
    return {k: v for k, v in arrays(**changes).items() if k not in keys}


@pytest.mark.parametrize("more", [(), ("ids",)])
def test_an_npz_without_labels_is_for_prediction(run, more):
    content = without("labels", "split", *more)
    np.savez("x.npz", **content)
    code, out, err = run("x.npz")
    assert code == 0, err
    assert "test: 4 samples, no labels: to predict only" in out
    splits = dmdlite.load_dataset("mine")
    assert list(splits) == ["test"]
    assert splits["test"].labels.isnan().all()
    assert splits["test"].lengths("pulse").tolist() == [2, 0, 4, 1]
    ids = ("a", "b", "c", "d") if not more else tuple(f"mine_{i:05d}" for i in range(4))
    assert splits["test"].ids == ids


def test_arrays_that_do_not_say_how_many_clips_there_are(run):
    padded = {"a": np.ones((4, 2, 1)), "b": np.ones((3, 2, 1))}
    np.savez("x.npz", **padded)
    assert "no array labels or ids, and its ['a', 'b'] do not say" in run("x.npz")[2]


def csv_folder(root, labels, eeg="0.5,1\n1,2\n", clips=3):
    for m in ("eeg", "pulse"):
        (root / m).mkdir(parents=True)
        for i in range(clips):
            (root / m / f"clip{i}.csv").write_text(eeg if m == "eeg" else f"{i}.5,1\n2,{i}\n")
    (root / "labels.csv").write_text(labels)
    return root


LABELS = "id,label,split\nclip0,1,train\nclip1,{},train\nclip2,-1,valid\n"


def test_a_folder_without_labels_is_for_prediction(run, tmp_path):
    csv_folder(tmp_path / "f", "id\nclip0\nclip1\nclip2\n")
    code, out, err = run("f")
    assert code == 0, err
    assert "test: 3 samples, no labels: to predict only" in out


@pytest.mark.parametrize(
    ("labels", "eeg", "says"),
    [
        (
            LABELS.format(""),
            "1,2\n",
            "1 of 3 labels are NaN, inf or missing (an empty cell?), first",
        ),
        (LABELS.format("good"), "1,2\n", "labels.csv: the label of clip1 is no number, 'good'"),
        (LABELS.format(1), "1\t2\n", "clip0.csv: separated by tabs? write commas"),
        (LABELS.format(1), "a\tb\n1\t2\n", "clip0.csv: separated by tabs? write commas"),
        (LABELS.format(1), "0,123;0,456\n", "clip0.csv: separated by semicolons? write commas"),
        (LABELS.format(1), "0,123,0,456\n-1,023,0,7\n", "clip0.csv: decimal commas (0,05)?"),
        (LABELS.format(1).replace(",", ";"), "1,2\n", "labels.csv: separated by semicolons?"),
        (LABELS.format(1).replace(",", "\t"), "1,2\n", "labels.csv: separated by tabs?"),
        (
            LABELS.format("1,5"),
            "1,2\n",
            "labels.csv: row 2 has more cells than the header; a comma",
        ),
        (LABELS.format(1).replace("split", "label"), "1,2\n", "labels.csv: two columns have one"),
        (LABELS.format(1), "1,0_5\n", "clip0.csv: not a table of numbers"),  # to Python, 5
    ],
)
def test_messages_point_the_right_way(run, tmp_path, labels, eeg, says):
    csv_folder(tmp_path / "f", labels, eeg)
    code, _, err = run("f")
    assert code == 2
    assert says in err.splitlines()[-1]
    if "empty cell" in says:
        assert "first clip1" in err


@pytest.mark.parametrize(
    ("eeg", "steps"),
    [
        ("0,1\n", [[0, 1]]),  # one row of numbers is data
        ("0,1\n5,6\n", [[5, 6]]),  # above others it is what pandas writes
        ("10,20\n30,40\n", [[10, 20], [30, 40]]),  # whole numbers are no decimal commas
        ("0,1,0,1\n1,0,1,0\n", [[0, 1, 0, 1], [1, 0, 1, 0]]),
    ],
)
def test_rows_that_are_data(run, tmp_path, eeg, steps):
    csv_folder(tmp_path / "f", LABELS.format(2), eeg)
    code, _, err = run("f")
    assert code == 0, err
    train = dmdlite.load_dataset("mine")["train"]
    assert train.values["eeg"][: len(steps)].tolist() == steps


def test_shares_keep_the_videos_that_ids_name(run):
    clips = 40
    ids = np.array([f"film{i // 5}_{i}" for i in range(clips)])
    x = np.random.default_rng(0).normal(size=(clips, 3, 2))
    np.savez("x.npz", labels=np.linspace(-3, 3, clips), ids=ids, a=x, b=x)
    code, _, err = run("x.npz", "--shares", "50,25,25")
    assert code == 0
    assert "split by video (8)" in err
    films = {s: {i.split("_")[0] for i in d.ids} for s, d in dmdlite.load_dataset("mine").items()}
    assert sum(map(len, films.values())) == 8
    np.savez("y.npz", labels=np.linspace(-3, 3, clips), a=x, b=x)
    assert "split by clip: no groups known" in run("y.npz", "--shares", "50,25,25")[2]


def test_groups_stay_with_the_clips(run):
    np.savez("x.npz", **arrays(group=np.array(["u", "u", "v", "w"])))
    assert run("x.npz")[0] == 0
    splits = dmdlite.load_dataset("mine")
    assert {s: d.groups for s, d in splits.items()} == {
        "train": ("u", "u"),
        "valid": ("v",),
        "test": ("w",),
    }


def test_the_same_in_every_clip_is_said(run, run_script):
    clips, rng = 30, np.random.default_rng(0)
    split = np.array(["train"] * 20 + ["valid"] * 5 + ["test"] * 5)
    same = np.repeat(rng.normal(size=(1, 4, 3)), clips, axis=0)
    np.savez(
        "x.npz",
        labels=np.linspace(-3, 3, clips),
        split=split,
        a=same,
        b=rng.normal(size=same.shape),
    )
    code, _, err = run("x.npz")
    assert code == 0
    says = "a: the same sequence in every clip: it tells them not apart"
    assert f"warning: unfit for use, {says}" in err
    with pytest.warns(UserWarning, match="unfit for use: a: the same sequence"):
        dmdlite.data.storage.warn_of_unfit("mine")
    code, out, _ = run_script(verify.app, "mine", "--figure", "x.png")
    assert code == 1
    assert "FAIL  the same sequence in every clip" in out


def test_wild_values_are_named(run, run_script):
    clips, rng = 300, np.random.default_rng(0)
    a = rng.normal(size=(clips, 4, 3))
    a[7, 2, 1] = 1e9
    np.savez("x.npz", labels=rng.uniform(-3, 3, clips), a=a, b=rng.normal(size=a.shape))
    assert run("x.npz", "--shares", "100,0,0")[0] == 0
    out = run_script(verify.app, "mine", "--figure", "x.png")[1]
    assert "1 wild values in train, columns 1: cut where features are scaled" in out


def test_new_clips_are_scaled_like_those_of_training(run, run_script):
    rng = np.random.default_rng(0)
    split = np.array(["train"] * 20 + ["valid"] * 5 + ["test"] * 5)
    parts = {m: rng.normal(50, 9, size=(30, 4, 3)) for m in "ab"}
    np.savez("x.npz", labels=np.linspace(-3, 3, 30), split=split, **parts)
    assert run("x.npz")[0] == 0
    assert run_script(standardize.app, "mine")[0] == 0
    np.savez("y.npz", **{m: x[25:] for m, x in parts.items()})
    assert run_script(from_arrays.app, "y.npz", "--name", "new")[0] == 0
    code, _, err = run_script(standardize.app, "new")
    assert (code, "--like DATASET measures on that one's" in err) == (2, True)
    code, _, err = run_script(standardize.app, "new", "--like", "mine_scaled")
    assert (code, "is standardised already; name the one it was made from" in err) == (2, True)
    assert run_script(standardize.app, "new", "--like", "mine")[0] == 0
    new, scaled = (dmdlite.load_dataset(n)["test"] for n in ("new_scaled", "mine_scaled"))
    for m in "ab":
        assert new.values[m].tolist() == scaled.values[m].tolist()


def test_lengths_that_fit_neither_side_name_the_clip(run):
    varied = np.random.default_rng(0).normal(size=(4, 5, 3))
    np.savez("x.npz", **arrays(eeg=varied, eeg_lengths=np.array([1, 2, 3, 0])))
    code, _, err = run("x.npz")
    assert code == 2
    assert "eeg: a has 1 of 5 steps by its length, but steps that are neither zero" in err


def test_ids_that_are_blank_are_refused_and_those_made_up_counted(run):
    np.savez("x.npz", **arrays(ids=np.array(["a", " ", "c", "d"])))
    code, _, err = run("x.npz")
    assert code == 2
    assert "1 clips without an id, where others have one" in err.splitlines()[-1]
    np.savez("x.npz", **without("ids"))
    code, out, _ = run("x.npz")
    assert code == 0
    assert "2 made up, the source has none" in out.split("valid:")[0]


@pytest.mark.parametrize("name", ["eeg.npy", "eeg"])
def test_an_array_that_is_there_twice_is_refused(run, name):
    np.savez("x.npz", **arrays())
    with zipfile.ZipFile("x.npz", "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile says so, too
        archive.writestr(name, archive.read("pulse.npy"))
    code, _, err = run("x.npz")
    assert code == 2
    assert "x.npz: refused, it holds 'eeg' twice" in err.splitlines()[-1]


def test_lengths_of_lengths_are_no_modality(run):
    np.savez("x.npz", **arrays(pulse_lengths_lengths=np.ones(4, int)))
    code, _, err = run("x.npz")
    assert code == 2
    assert "pulse_lengths_lengths has shape (4,); expected" in err.splitlines()[-1]
