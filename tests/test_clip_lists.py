"""Lists of clips and tables of words that do not fit: each refused in one line that says why."""

import pickle
from functools import partial
from pathlib import Path

import from_misa
import numpy as np
import pytest

from dmdlite import DataError
from tests.frugal import few_bytes, few_calls
from tests.misa_files import clip, convert_clips


@pytest.fixture
def run(run_script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return partial(convert_clips, run_script)


# Which split


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("mosi_misa_dev", "valid"),
        ("val", "valid"),
        ("mosei-test-v2", "test"),
        ("TRAIN", "train"),
    ],
)
def test_names_that_say_the_split(name, split):
    assert from_misa.split_of(Path(f"{name}.pkl")) == split


@pytest.mark.parametrize("name", ["mosi", "train_test", "contest", "attrain"])
def test_names_that_say_none_or_two(name):
    with pytest.raises(DataError, match="use --train, --valid or --test FILE"):
        from_misa.split_of(Path(f"{name}.pkl"))


def test_options_say_the_split_where_names_do_not(run):
    content = {"a.pkl": [clip(0)], "b.pkl": [clip(1), clip(2)]}
    splits, _, err = run(content, "--test", "a.pkl", "--train", "b.pkl", names=[])
    assert {s: len(data) for s, data in splits.items()} == {"train": 2, "test": 1}, err


def test_one_pickle_of_all_splits(run):
    content = {"train": [clip(0)], "dev": [clip(1)], "test": [clip(2)], "more": []}
    splits, _, err = run({"mosi.pkl": content})
    assert list(splits) == ["train", "valid", "test"]
    assert "mosi.pkl: not used, more" in err
    assert (
        "names its splits itself" in run({"mosi.pkl": content}, "--test", "mosi.pkl", names=[])[2]
    )


def test_splits_given_twice_empty_or_not_at_all(run):
    assert (
        "train is in a_train.pkl already"
        in run({"a_train.pkl": [clip(0)], "b_train.pkl": [clip(1)]})[2]
    )
    splits, _, err = run({"train.pkl": [clip(0)], "test.pkl": []})
    assert list(splits) == ["train"]
    assert "demo: no clips in test, left out" in err
    assert "no clips in train" in run({"train.pkl": []})[2]
    assert "no files: give train.pkl" in run({}, names=[])[2]


# Clips


WRONG = {
    "no list": (7, "train.pkl, train: expected a list of clips, found int"),
    "no clips": ([1], "clip 0: expected ((words, vision, audio, ...), label, name), found int"),
    "two features": ([((1, 2), 1.0, "v")], "found (tuple, float, str)"),
    "no label": ([(clip()[0],)], "expected ((words, vision, audio, ...), label, name)"),
    "text in vision": ([clip(vision=[["a"]] * 3)], "vision is object of shape (3, 1)"),
    "one axis": ([clip(audio=np.ones(3))], "audio is float64 of shape (3,), expected numbers"),
    "no columns": ([clip(audio=np.ones((3, 0)))], "audio is float64 of shape (3, 0)"),
    "a ragged list": ([clip(audio=[np.ones(2), np.ones(3)])], "audio is a ragged list"),
    "a number": ([clip(vision=3.5)], "clip 0 (video0[0]): vision is float, expected an array"),
    "token ids": ([clip(words=np.ones((3, 9), int))], "words are int64 of shape (3, 9)"),
    "two kinds": ([clip(0), clip(1, words=np.ones((3, 2)))], "words are not of one kind: numbers"),
    "two widths": (
        [clip(0), clip(1, vision=np.ones((3, 9)))],
        "vision has 9 columns, others have 4",
    ),
    "some labels": ([clip(0), clip(1, label=None)], "(video1[1]): no label, like 1 of 2 clips"),
    "two labels": ([clip(0), clip(1, label=np.ones(2))], "a label of 2 numbers, others have 1"),
    "label text": ([clip(label="good")], "label is str, expected an array"),
    "NaN": ([clip(0), clip(1, label=np.nan)], "1 of 2 labels are NaN"),
    "a name of its own": ([clip(name=[1])], "its name: cannot be read"),
    "nothing": ([clip(vision=None, audio=None)], "no clip has vision, audio or vectors of words"),
}


@pytest.mark.parametrize("name", WRONG)
def test_clips_that_do_not_fit(run, name):
    content, message = WRONG[name]
    splits, _, err = run(content)
    assert splits is None
    assert message in err.strip().splitlines()[-1]


def test_a_modality_that_no_clip_has_is_left_out_with_a_word(run):
    splits, _, err = run([clip(audio=None)])
    assert splits["train"].modalities == ("vision",)
    assert "audio is left out: no clip has any" in err


def large():
    return clip(vision=np.ones((3000, 60), np.float32), audio=None)


def rows():
    row = [1.0] * 1000
    return clip(vision=[row] * 1000)


BOMBS = {
    "one clip many times": lambda: [large()] * 5000,
    "one array many times": lambda: [
        clip(i, vision=x) for x in [large()[0][1]] for i in range(900)
    ],
    "one row many times": lambda: [rows()],
    "rows nested by sharing": lambda: [clip(vision=[[[1.0] * 999] * 999] * 999)],
    "one list of words many times": lambda: [
        clip(i, 1, said=w) for w in [["word"] * 9999] for i in range(400)
    ],
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_before_they_go_off(run, name):
    content = BOMBS[name]()
    with few_bytes(), few_calls():
        splits, _, err = run(content)
    assert splits is None
    assert "refused" in err
    assert "Traceback" not in err


def test_nothing_in_a_pickle_is_run(run, capsys):
    class Runs:
        def __reduce__(self):
            return print, ("executed",)

    _, out, err = run([clip(label=Runs())])
    assert "refused: it asks for builtins.print" in err
    assert "executed" not in out


# Tables of words


def tables(folder):
    table = np.arange(12, dtype=np.float32).reshape(6, 2)
    np.save(folder / "t.npy", table)
    np.savez(folder / "one.npz", t=table, words=np.array(list("abcdef")))
    np.savez(folder / "two.npz", t=table, u=table)
    for name, content in {"t": table, "pair": (table, {"a": 0}), "dict": {"a": table}}.items():
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(content))
    np.save(folder / "flat.npy", table[0])
    np.save(folder / "whole.npy", table.astype(int))
    np.save(folder / "objects.npy", np.array([None, {}]), allow_pickle=True)
    (folder / "t.pt").write_bytes(b"PK")
    return table


@pytest.mark.parametrize(
    "file", ["t.npy", "one.npz", "one.npz:t", "two.npz:u", "t.pkl", "pair.pkl"]
)
def test_tables(run, tmp_path, file):
    table = tables(tmp_path)
    splits, _, err = run([clip(words=np.array([5, 0, 2], np.int32))], "--embeddings", file)
    assert splits, err
    assert splits["train"].values["language"].tolist() == table[[5, 0, 2]].tolist()


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("two.npz", "2 arrays could be the table; two.npz:ARRAY says"),
        ("two.npz:x", "no array 'x'; it holds ['t', 'u']"),
        ("dict.pkl", "dict, expected an array of vectors (V, D)"),
        ("flat.npy", "float32 of shape (2,), expected vectors (V, D)"),
        ("whole.npy", "int64 of shape (6, 2), expected vectors (V, D)"),
        ("objects.npy", "objects.npy: cannot be read"),
        ("t.pt", "PyTorch's own files can run code"),
        ("nosuch.npy", "nosuch.npy: cannot be read"),
    ],
)
def test_tables_that_do_not_fit(run, tmp_path, file, message):
    tables(tmp_path)
    splits, _, err = run([clip()], "--embeddings", file)
    assert splits is None
    assert message in err.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([clip(words=np.array([0, 6, 1]))], "words are rows 0 to 6 of a table of 6"),
        ([clip(words=np.array([0, -1, 1]))], "words are rows -1 to 1 of a table of 6"),
        ([clip(words=np.ones((3, 2)))], "the words are vectors, not rows of a table"),
        ([clip(words=["a", "b", "c"])], "the words are text, not rows of a table"),
        ([clip(words=[])], "the words are absent, not rows of a table"),
        (
            [clip(0), clip(1, said=["w0", "else", "w2"])],
            "(video1[1]): row 3 stands for 'else', in video0[0] for 'w1': the files do not share",
        ),
    ],
)
def test_words_that_a_table_does_not_hold(run, tmp_path, clips, message):
    tables(tmp_path)
    splits, _, err = run(clips, "--embeddings", "t.npy")
    assert splits is None
    assert message in err.strip().splitlines()[-1]


def test_unknown_words_and_padding_may_be_any_word(run, tmp_path):
    tables(tmp_path)
    clips = [clip(i, words=np.array([0, 1, 2]), said=[f"x{i}", f"y{i}", "same"]) for i in range(2)]
    assert run(clips, "--embeddings", "t.npy")[0]
