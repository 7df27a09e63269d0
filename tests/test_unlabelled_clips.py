"""Clips without a label are converted, if asked, into train; never one of a tested group."""

from functools import partial

import from_arrays
import numpy as np
import pytest
from dmdlite_data import own_clips
from hypothesis import given
from hypothesis import strategies as st

import dmdlite
from tests.test_from_arrays import RNG, arrays


def convert(run_script, content, *options):
    """(exit code, stdout, stderr) of from_arrays on these arrays; the data set is "mine"."""
    np.savez("x.npz", **content)
    return run_script(from_arrays.app, "x.npz", "--name", "mine", *options)


@pytest.fixture
def run(run_script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return partial(convert, run_script)


@given(clips=st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=3), seed=st.integers(0))
def test_no_unlabelled_clip_of_a_tested_group_is_trained_on(clips, seed):
    groups, known = (np.array(column) for column in zip(*clips, strict=True))
    known[0] = True
    about = {"labels": np.where(known, 0, np.nan), "group": groups}
    split = own_clips.splits_of("x", about, "60,20,20", seed, known)
    assert (split[known] != "").all()
    tested = set(groups[known & (split != "train")])
    expected = ["" if group in tested else "train" for group in groups[~known]]
    assert split[~known].tolist() == expected


def test_clips_without_a_label_stay_in_train_if_asked(run):
    content = arrays(labels=np.array([1.0, np.nan, 3.0, 0.0]))
    refused = run(content)[2]
    assert "1 of 4 labels are NaN" in refused
    assert "give --unlabelled to learn also" in refused
    code, out, err = run(content, "--unlabelled")
    assert (code, "train: 2 samples, labels 1.00 to 1.00, 1 have none" in out) == (0, True), err
    assert dmdlite.load_dataset("mine")["train"].labelled.tolist() == [True, False]
    assert dmdlite.load_dataset("mine")["train"].lengths("eeg").tolist() == [5, 2]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1.0, 2.0, np.nan, 0.0], "1 clips of valid or test have no label, first clip 2 from 0"),
        ([1.0, np.inf, 1.0, 0.0], "NaN, inf or missing"),
        ([np.nan] * 4, "no clip has a label"),
    ],
)
def test_what_cannot_be_meant_is_refused(run, labels, message):
    code, _, err = run(arrays(labels=np.array(labels)), "--unlabelled")
    assert (code, message in err) == (2, True)


def test_clips_without_label_and_group_all_join_train(run):
    labels = np.where(np.arange(40) % 4 > 0, np.nan, np.linspace(-3, 3, 40))
    features = {m: RNG.normal(size=(40, 2, 3)) for m in ("eeg", "pulse")}
    content = {"labels": labels, **features}
    assert run(content, "--unlabelled", "--shares", "60,20,20")[0] == 0
    found = dmdlite.load_dataset("mine")
    assert [len(found[s]) for s in found] == [36, 2, 2]
    assert found["valid"].labelled.all()
    assert found["test"].labelled.all()
