"""Computational sequences: word alignment against a loop, folds, and files that do not fit."""

import json
import re
from pathlib import Path

import from_csd
import h5py
import numpy as np
import pytest
from dmdlite_data.computational_sequence import average
from hypothesis import example, given
from hypothesis import strategies as st

import dmdlite
from tests.published_files import write_csd

REAL = Path(__file__).parents[2] / "shared" / "data" / "CMU_MOSI_ModifiedTimestampedWords.csd"
ENDS = [0.5, 1.0, 1.5, 2.5, 3.0, 4.0]  # of six words


def by_hand(folder, **changes):
    """Two videos of six words (the fourth a pause) in two segments of three words."""
    words = np.array([[b"a"], [b"b"], [b"c"], [b"sp"], [b"d"], [b"e"]])
    spans = np.column_stack([[0, *ENDS[:-1]], ENDS])
    frames = np.column_stack([np.arange(0, 4, 0.25), np.arange(0.25, 4.25, 0.25)])  # 16 of them
    count = np.arange(16.0)
    files = {
        "words": (words, spans),
        "glove": (np.arange(12.0).reshape(6, 2) + 1, spans),
        "vision": (np.column_stack([count + 1, -count - 1]), frames),
        "audio": (count[:, None] + 1, frames),
        "labels": (np.array([[1.0, 9.0], [-2.0, 9.0]]), np.array([[0.0, 1.5], [1.5, 4.0]])),
    } | changes
    for name, (features, intervals) in files.items():
        videos = {f"v{i}": (features, intervals) for i in range(2)}
        write_csd(folder / f"{name}.csd", videos, root=f"root of {name}")
    (folder / "folds.json").write_text(json.dumps({"train": ["v0"], "test": ["v1", "v9"]}))


@pytest.fixture
def run(run_script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*names, folds="folds.json", options=()):
        files = [f"{name}.csd" for name in names]
        return run_script(from_csd.app, *files, "--folds", folds, "--name", "demo", *options)

    return run


def test_aligned_by_hand(run, tmp_path):
    by_hand(tmp_path)
    code, _, err = run("glove", "vision", "audio", "labels", options=["--words", "words.csd"])
    assert code == 0, err
    splits = dmdlite.load_dataset("demo")
    assert splits["train"].ids == ("v0[0]", "v0[1]")
    assert splits["test"].ids == ("v1[0]", "v1[1]")
    data = splits["train"]
    assert data.texts == ("a b c", "d e")
    assert data.labels.tolist() == [1.0, -2.0]
    batch = data.batch([0, 1])
    audio = [[1.5, 3.5, 5.5], [11.5, 14.5, 0]]  # means of the frames under a, b, c; d, e
    assert batch.features["audio"][..., 0].tolist() == audio
    assert batch.features["language"][1, 0].tolist() == [9, 10]
    about = json.loads((tmp_path / "demo" / "dataset.json").read_text())
    assert about["not_in_labels"] == ["v9"]
    assert "1 videos of the folds have no labels, left out: ['v9']" in err


def test_unaligned_keeps_every_frame_of_the_segment(run, tmp_path):
    by_hand(tmp_path)
    assert run("glove", "vision", "audio", "labels", options=["--unaligned"])[0] == 0
    data = dmdlite.load_dataset("demo")["train"]
    assert data.lengths("vision").tolist() == [6, 10]
    assert data.lengths("language").tolist() == [3, 3]
    assert data.batch([0]).features["audio"][0, :, 0].tolist() == [1, 2, 3, 4, 5, 6]


def test_words_instead_of_vectors_become_transcripts(run, tmp_path):
    by_hand(tmp_path)
    assert run("words", "vision", "audio", "labels")[0] == 0
    data = dmdlite.load_dataset("demo")["train"]
    assert data.modalities == ("vision", "audio")
    assert data.texts == ("a b c", "d e")


def test_audio_holding_minus_inf_is_left_out_of_the_average(run, tmp_path):
    by_hand(tmp_path)
    with h5py.File(tmp_path / "audio.csd", "r+") as file:
        file["root of audio/data/v0/features"][0] = -np.inf
        file["root of audio/data/v0/features"][2:4] = np.nan
    _, out, _ = run("glove", "vision", "audio", "labels", options=["--words", "words.csd"])
    data = dmdlite.load_dataset("demo")["train"]
    assert data.batch([0]).features["audio"][0, :, 0].tolist() == [2.0, 0.0, 5.5]
    assert "3 NaN or inf left out of an average" in out


def test_videos_without_a_labelled_segment_are_named(run, tmp_path):
    by_hand(tmp_path)
    with h5py.File(tmp_path / "labels.csd", "r+") as file:
        data = file["root of labels/data/v1"]
        del data["features"], data["intervals"]
        data["features"], data["intervals"] = np.ones((0, 2)), np.ones((0, 2))
    code, _, err = run("glove", "vision", "audio", "labels")
    assert code == 0
    assert list(dmdlite.load_dataset("demo")) == ["train"]
    assert "2 videos of the folds have no labels, left out: ['v1', 'v9']" in err


def test_a_video_one_file_lacks_is_a_missing_modality(run, tmp_path):
    by_hand(tmp_path)
    with h5py.File(tmp_path / "vision.csd", "r+") as file:
        del file["root of vision/data/v1"]
    for options in ([], ["--unaligned"]):
        code, out, err = run("glove", "vision", "audio", "labels", options=options)
        assert code == 0, err
        assert dmdlite.load_dataset("demo")["test"].present.tolist() == [[True, False, True]] * 2
        assert "missing in 2 samples" in out


def test_entries_by_segment_are_put_together_in_order(run, tmp_path):
    by_hand(tmp_path)
    with h5py.File(tmp_path / "audio.csd", "r+") as file:
        data = file["root of audio/data"]
        features, intervals = data["v0/features"][:], data["v0/intervals"][:]
        del data["v0"]
        for i, part in enumerate([slice(0, 2), *(slice(j, j + 1) for j in range(2, 16))]):
            data[f"v0[{i}]/features"] = features[part]
            data[f"v0[{i}]/intervals"] = intervals[part]
    assert run("glove", "vision", "audio", "labels", options=["--unaligned"])[0] == 0
    data = dmdlite.load_dataset("demo")
    assert (data["train"].values["audio"] == data["test"].values["audio"]).all()


def test_segments_without_length_are_left_out_and_counted(run, tmp_path):
    """As the SDK does; the others keep their numbers."""
    times = np.array([[0.0, 1.5], [1.5, 1.5], [2.0, 1.0], [1.5, 4.0]])
    by_hand(tmp_path, labels=(np.array([[1.0], [np.nan], [9.0], [-2.0]]), times))
    code, _, err = run("glove", "vision", "audio", "labels")
    assert code == 0, err
    data = dmdlite.load_dataset("demo")["train"]
    assert data.ids == ("v0[0]", "v0[3]")
    assert data.labels.tolist() == [1.0, -2.0]
    assert "4 labelled segments have no length, left out: ['v0[1]', 'v0[2]', 'v1[1]'" in err
    about = json.loads((tmp_path / "demo" / "dataset.json").read_text())
    assert about["without_time"] == ["v0[1]", "v0[2]", "v1[1]", "v1[2]"]
    assert {s: r["labels"]["no_time"] for s, r in about["repaired"].items()} == {
        "train": 2,
        "test": 2,
    }


@given(
    frames=st.lists(st.tuples(st.floats(0, 9), st.floats(0.1, 2)), max_size=12),
    words=st.lists(st.tuples(st.floats(0, 9), st.floats(0.1, 2)), min_size=1, max_size=5),
)
@example(frames=[(0, 9), (1, 0.5), (2, 0.5), (3, 0.5)], words=[(4, 1)])  # one frame holds all
@example(frames=[(0, 0.5), (0, 9), (1, 0.5), (2, 0.5)], words=[(5, 1), (1.2, 0.1)])
def test_average_equals_a_loop(frames, words):
    frames = np.array(sorted((a, a + b) for a, b in frames)).reshape(-1, 2)
    words = [(a, a + b) for a, b in words]
    x = np.random.default_rng(0).normal(size=(len(frames), 2))
    if len(x):
        x[0, 0] = -np.inf
    for row, (start, end) in zip(average(x, frames, np.array(words)), words, strict=True):
        inside = [
            f for f, (a, b) in zip(x, frames, strict=True) if min(b, end) - max(a, start) > 1e-5
        ]
        for column in range(2):
            values = [f[column] for f in inside if np.isfinite(f[column])]
            expected = np.mean(values) if values else 0
            borderline = any(abs(min(b, end) - max(a, start) - 1e-5) < 1e-9 for a, b in frames)
            assert borderline or row[column] == pytest.approx(expected)


def test_halves_are_averaged_to_full_precision():
    x = np.full((4000, 1), 1.001, np.float16)
    frames, word = np.column_stack([np.arange(4000), np.arange(1, 4001)]), np.array([[0.0, 4000]])
    assert average(x, frames, word)[0, 0] == pytest.approx(float(x[0, 0]), rel=1e-9)


@pytest.mark.skipif(not REAL.is_file(), reason="the real .csd is not here")
def test_the_real_words_of_mosi(run_script, tmp_path, monkeypatch):
    """Real word times, synthetic frames and segments: every word under a frame, in order."""
    monkeypatch.chdir(tmp_path)
    with h5py.File(REAL) as file:
        data = file["CMU_MOSI_ModifiedTimestampedWords/data"]
        ends = {video: float(data[video]["intervals"][-1, 1]) for video in data}
        first = [w.decode() for w in data["03bSnISJMiM/features"][:, 0] if w != b"sp"]
    frames = {}
    for video, end in ends.items():
        t = np.arange(0, end, 0.2)
        frames[video] = (np.column_stack([t + 1, -t - 1]), np.column_stack([t, t + 0.2]))
    labels = {v: (np.array([[0.6]]), np.array([[0.0, end]])) for v, end in ends.items()}
    for name, videos in (("vision", frames), ("audio", frames), ("labels", labels)):
        write_csd(tmp_path / f"{name}.csd", videos)
    code, _, err = run_script(
        from_csd.app, str(REAL), "vision.csd", "audio.csd", "labels.csd", "--folds", "mosi"
    )
    assert code == 0, err
    splits = dmdlite.load_dataset("mosi_sdk_aligned")
    assert {s: len(d) for s, d in splits.items()} == {"train": 52, "valid": 10, "test": 31}
    train = splits["train"]
    i = train.ids.index("03bSnISJMiM[0]")
    assert train.texts[i].split() == first
    times = train.batch([i]).features["vision"][0, :, 0]
    assert len(times) == len(first)
    assert (times.diff() >= 0).all()


@pytest.mark.parametrize(
    ("changes", "files", "message"),
    [
        ({}, ("glove", "words", "audio", "labels"), "words.csd: holds text, expected numbers"),
        ({}, ("glove", "vision", "audio", "nosuch"), "nosuch.csd: not a readable HDF5 file"),
        (
            {"audio": (np.ones((3, 1)), np.ones((2, 2)))},
            ("glove", "vision", "audio", "labels"),
            r"audio.csd: v0: features \(3, 1\) do not go with intervals \(2, 2\)",
        ),
        (
            {"audio": (np.ones((1, 1)), np.array([[2.0, 1.0]]))},
            ("glove", "vision", "audio", "labels"),
            "audio.csd: v0: an interval ends before it begins",
        ),
        (
            {"labels": (np.full((1, 2), np.nan), np.array([[0.0, 4.0]]))},
            ("glove", "vision", "audio", "labels"),
            r"labels.csd: 1 of 1 labels are NaN, inf or missing.* first v0\[0\]",
        ),
    ],
)
def test_files_that_do_not_fit(run, tmp_path, changes, files, message):
    by_hand(tmp_path, **changes)
    code, _, err = run(*files)
    assert code == 2
    assert "Traceback" not in err
    assert re.search(message, err)
    assert not (tmp_path / "demo").exists()


def test_words_must_be_words(run, tmp_path):
    by_hand(tmp_path)
    args = ("glove", "vision", "audio", "labels")
    assert "expected words" in run(*args, options=["--words", "vision.csd"])[2]
    assert "2 columns, no 5" in run(*args, options=["--label-column", "5"])[2]
