"""Lists of clips, as MISA, MAG-BERT and MMIM pass them around: every clip arrives, or is named."""

import csv
import gzip
import json
import pickle
import re
from functools import partial
from pathlib import Path

import from_misa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dmdlite
from tests.misa_files import clip, convert_clips

DATA = Path(__file__).parents[2] / "shared" / "data"
REAL = DATA / "formats" / "mosi_misa_dev.pkl"
TABLE = DATA / "mosi400" / "mosi_raw400_ownfeatures.npz"
needs_real = pytest.mark.skipif(not REAL.is_file(), reason="the real MISA file is not here")


@pytest.fixture
def run(run_script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return partial(convert_clips, run_script)


def about():
    return json.loads(Path("demo/dataset.json").read_text())


# What arrives


def test_clips_by_hand(run):
    gap = np.array([[0.0, 0], [1, 2], [0, 0], [3, 4]])
    first = clip(0, 4, label=np.array([[-1.5]]), vision=gap, words=np.ones((4, 3), np.float32))
    dev = clip(2, words=np.ones((3, 3)), vision=np.ones((3, 2)))
    splits, _, err = run({"train.pkl": [first], "dev.pkl": [dev]})
    data = splits["train"]
    assert data.modalities == ("language", "vision", "audio")
    assert (data.ids, data.texts, data.aligned) == (("video0[0]",), ("w0 w1 w2 w3",), True)
    assert data.labels.tolist() == [-1.5]
    batch = data.batch([0])
    assert batch.features["vision"][0].tolist() == gap.tolist()
    assert batch.masks["vision"][0].tolist() == [False, True, False, True]  # no face, no step
    np.testing.assert_array_equal(batch.features["audio"][0], first[0][2])
    assert list(splits) == ["train", "valid"]
    assert "left out" not in err
    assert about()["repaired"]["train"]["vision"]["gaps"] == 1


def test_rows_of_a_table_become_vectors(run):
    table = np.arange(30, dtype=np.float32).reshape(10, 3)
    np.save("table.npy", table)
    splits, _, err = run([clip(words=np.array([5, 2, 9]))], "--embeddings", "table.npy")
    assert splits, err
    language = splits["train"].batch([0]).features["language"][0]
    assert language.tolist() == table[[5, 2, 9]].tolist()
    assert set(about()["inputs"]) == {"train.pkl", "table.npy"}


@pytest.mark.parametrize(
    ("words", "said", "reason"),
    [
        (np.arange(3), ["w0", "w1", "w2"], "the words are rows of a table that is not in the file"),
        (["w0", "w1", "w2"], None, "the words are text, not vectors"),  # MAG-BERT
        ([], ["w0", "w1", "w2"], "there are no words"),  # MMIM
        ("w0 w1 w2", [], "there are no words"),
    ],
)
def test_words_that_are_no_vectors_are_the_transcript(run, words, said, reason):
    splits, _, err = run([clip(words=words, said=said)])
    assert splits["train"].modalities == ("vision", "audio")
    assert splits["train"].texts == ("w0 w1 w2",)
    assert f"language is left out: {reason}" in err
    assert "embed_text.py demo --model MODEL --level word makes features" in err


def test_words_with_blanks_stay_one_step(run):
    splits, _, _ = run([clip(steps=2, words=np.arange(2), said=["New York", ""])])
    assert splits["train"].texts == ("New_York _",)


def test_unaligned_clips_keep_every_step(run):
    more = ([], np.ones((7, 4)), np.ones((9, 5)), ["a", "b"], np.int64(7), np.int64(9))
    splits, _, err = run([(more, np.array([[2.0]]), "v_1"), clip(1, 2, words=[], said=["a", "b"])])
    data = splits["train"]
    assert data.lengths("vision").tolist() == [7, 2]
    assert data.lengths("audio").tolist() == [9, 2]
    assert data.aligned is False
    assert "not used: what 1 clips hold besides" in err  # MMIM's lengths
    assert not any(c for m in ("vision", "audio") for c in about()["repaired"]["train"][m].values())


def test_one_odd_clip_makes_the_data_unaligned_and_is_named(run):
    clips = [clip(i) for i in range(4)] + [clip(9, vision=np.ones((2, 4)))]
    splits, _, err = run(clips)
    assert splits["train"].aligned is False
    assert "taken as unaligned: 1 of 5 clips" in err
    assert "clip 4 (video9[9]): [2, 3]" in err


@pytest.mark.parametrize("nothing", [None, [], np.zeros((0, 4)), np.zeros(0)])
def test_a_clip_without_steps_is_a_missing_modality(run, nothing):
    empty = clip(1, 0, words=nothing, vision=nothing, audio=nothing, said=[])
    clips = [clip(0), clip(2, vision=nothing), empty]
    splits, _, err = run(clips)
    data = splits["train"]
    assert data.present.tolist() == [[True, True], [False, True], [False, False]]
    assert (len(data), data.aligned) == (3, True), err
    assert data.batch([1]).masks["vision"].shape == (1, 1)


def test_what_is_not_finite_doubled_or_unnamed_is_counted(run):
    vision = np.ones((3, 4))
    vision[1] = np.nan, np.inf, 1, 1
    clips = [clip(0, vision=vision), clip(0), clip(0, name=None), clip(1, said=["a", "b"])]
    splits, out, err = run(clips)
    assert splits["train"].ids == ("video0[0]", "video0[0]#2", "demo_train_00002", "video1[1]")
    assert "2 NaN or inf values set to 0" in out
    assert "1 that occurred before, numbered" in out
    assert "1 made up, the source has none" in out
    assert "1 clips have more or fewer words than steps" in err
    assert "(video1[1]): 2 for 3" in err
    assert about()["word_counts_differ"] == 1


@pytest.mark.parametrize(
    "label", [np.array([[1.5]]), np.array([1.5]), np.array(1.5), 1.5, [1.5], np.float32(1.5)]
)
def test_shapes_of_labels(run, label):
    assert run([clip(label=label)])[0]["train"].labels.tolist() == [1.5]


def test_labels_of_several_numbers(run):
    seven, three = np.array([[-1.0, 0, 0, 3, 0, 0, 0]]), np.array([0.0, 2.0, 0.0])
    splits, _, err = run([clip(label=seven)])  # MOSEI: sentiment, then emotions
    assert splits["train"].labels.tolist() == [-1]
    assert "number 0 from 0 of the 7 of each label is sentiment" in err
    assert "a label of 3 numbers; use --label-column" in run([clip(label=three)])[2]
    assert run([clip(label=three)], "--label-column", "1")[0]["train"].labels.tolist() == [2]
    assert "has 3, counted from 0" in run([clip(label=three)], "--label-column", "3")[2]


@pytest.mark.parametrize("label", [None, [], np.zeros((0, 1))])
def test_clips_without_any_label_can_be_predicted(run, label):
    splits, out, _ = run({"train.pkl": [clip(0)], "test.pkl": [clip(1, label=label)]})
    assert splits["test"].labels.isnan().all()
    assert splits["train"].labelled.all()
    assert "test: 1 samples, no labels: to predict only" in out
    splits, _, _ = run([(clip(0)[0], "video0[0]")])  # only a name behind the features
    assert splits["train"].ids == ("video0[0]",)
    assert splits["train"].labels.isnan().all()


@settings(max_examples=15)
@given(
    steps=st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=6),
    aligned=st.booleans(),
    protocol=st.integers(0, 5),
    seed=st.integers(0, 99),
)
def test_round_trip(tmp_path_factory, steps, aligned, protocol, seed):
    """Every non-zero step of every clip arrives as it was, whatever the lengths."""
    rng = np.random.default_rng(seed)
    steps = [(5, 5, 5), *((t,) * 3 if aligned else ts for ts in steps for t in ts[:1])]
    widths = {"language": 3, "vision": 4, "audio": 5}
    arrays = [
        [rng.normal(size=(t, d)) for t, d in zip(ts, widths.values(), strict=True)] for ts in steps
    ]
    clips = [((*x, None), [[1.0]], f"v[{i}]") for i, x in enumerate(arrays)]
    folder = tmp_path_factory.mktemp("round")
    (folder / "x.pkl").write_bytes(pickle.dumps({"train": clips}, protocol))
    from_misa.from_misa("x", [folder / "x.pkl"], out=folder / "x")
    data = dmdlite.load_dataset(folder / "x")["train"]
    for k, m in enumerate(widths):
        assert data.lengths(m).tolist() == [ts[k] for ts in steps]
        source = np.concatenate([x[k] for x in arrays]).astype(np.float32)
        np.testing.assert_array_equal(data.values[m].numpy(), source)


@needs_real
@pytest.mark.skipif(not TABLE.is_file(), reason="the table of word vectors is not here")
def test_the_real_validation_clips_of_mosi(run):
    splits, _, err = run({}, "--embeddings", f"{TABLE}:glove", names=[REAL])
    assert splits, err
    data = splits["valid"]
    assert (len(data), data.widths, data.aligned) == (229, (300, 47, 74), True)
    with gzip.open(DATA / "mosi400" / "mosi_labels.csv.gz", "rt") as file:
        told = {(r["video_id"], int(r["clip_id"])): r for r in csv.DictReader(file)}
    found = [re.fullmatch(r"(.+)\[(\d+)\]", name).groups() for name in data.ids]
    rows = [told[video, int(number) + 1] for video, number in found]
    assert {row["mode"] for row in rows} == {"valid"}
    np.testing.assert_allclose(data.labels, [float(row["label"]) for row in rows], atol=1e-6)
    with np.load(TABLE) as arrays:
        place = {word: i for i, word in enumerate(arrays["glove_words"])}
        words = [word for text in data.texts for word in text.split()]
        expected = arrays["glove"][[place[word] for word in words]]  # so each row is its word's
    np.testing.assert_array_equal(data.values["language"].numpy(), expected.astype(np.float32))
    assert run({}, names=[REAL])[0]["valid"].modalities == ("vision", "audio")
