"""MOSI-400: clip after clip, words by their rows in a table; whole videos on either side."""

from pathlib import Path

import from_mosi400
import numpy as np
import pytest
from typer.testing import CliRunner

import dmdlite
from dmdlite.data.groups import groups_of
from dmdlite.experiments.study import Study

REAL = Path(__file__).parents[2] / "shared" / "data" / "mosi400" / "mosi_raw400_ownfeatures.npz"


def small():
    """Three clips of two videos, in the file's form: 2, 0 and 1 words."""
    return {
        "id": np.array(["8qrpnFRGt2A_1", "other_vid_7", "other_vid_8"]),
        "label": np.array([1.0, -2.0, 0.4], np.float32),
        "timed_words": np.array(["so good", "", "bad"]),
        "glove": np.array([[0, 0], [1, 2], [3, 4]], np.float16),
        "word_index": np.array([2, 1, 1]),
        "word_offsets": np.array([0, 2, 2, 3]),
        "audio25_20hz": np.arange(1, 7, dtype=np.float32)[:, None] * [1, 2],
        "audio_offsets": np.array([0, 1, 3, 6]),
        "vision35_10hz": np.arange(1, 6, dtype=np.float32)[:, None],
        "vision_offsets": np.array([0, 2, 3, 5]),
        "aligned_audio25": np.array([[5, 6], [7, 8], [9, 10]], np.float32),
        "aligned_vision35": np.array([[0], [1], [3]], np.float32),
    }


@pytest.fixture
def convert(tmp_path, monkeypatch):
    monkeypatch.setenv("DMDLITE_DATA", str(tmp_path))

    def run(source, *options):
        return CliRunner().invoke(from_mosi400.app, [str(source), *options])

    return run


def written(tmp_path, arrays):
    np.savez(tmp_path / "small.npz", **arrays)
    return tmp_path / "small.npz"


def test_each_clip_gets_its_own_steps(convert, tmp_path):
    result = convert(written(tmp_path, small()))
    assert result.exit_code == 0, result.exception
    splits = dmdlite.load_dataset("mosi400")
    assert {s: list(d.ids) for s, d in splits.items()} == {
        "train": ["other_vid_7", "other_vid_8"],
        "test": ["8qrpnFRGt2A_1"],
    }
    batch = splits["test"].batch([0])
    assert batch.features["language"][0].tolist() == [[3, 4], [1, 2]]
    assert batch.features["audio"][0].tolist() == [[1, 2]]
    assert batch.features["vision"][0].tolist() == [[1], [2]]
    batch = splits["train"].batch([0, 1])
    assert batch.present.tolist() == [[False, True, True], [True, True, True]]
    assert batch.features["audio"][1].tolist() == [[4, 8], [5, 10], [6, 12]]
    assert splits["train"].groups == ("other_vid", "other_vid")
    assert splits["test"].texts == ("so good",)


def test_aligned_a_word_keeps_its_place_where_nobody_was_seen(convert, tmp_path):
    assert convert(written(tmp_path, small()), "--aligned").exit_code == 0
    batch = dmdlite.load_dataset("mosi400_aligned")["test"].batch([0])
    assert batch.masks["vision"].tolist() == [[False, True]]
    assert batch.masks["audio"].tolist() == [[True, True]]


def test_unnamed_clips_name_no_video(convert, tmp_path):
    assert convert(written(tmp_path, small()), "--unnamed").exit_code == 0
    for data in dmdlite.load_dataset("mosi400_unnamed").values():
        assert not groups_of(data)


def test_another_file_is_refused(convert, tmp_path):
    arrays = small()
    del arrays["glove"], arrays["word_offsets"]
    result = convert(written(tmp_path, arrays))
    assert "lacks glove, word_offsets" in str(result.exception)


@pytest.mark.skipif(not REAL.exists(), reason="MOSI-400 is research data, not in the repository")
def test_no_video_of_the_real_clips_is_on_both_sides(convert):
    assert convert(REAL, "--aligned").exit_code == 0
    splits = dmdlite.load_dataset("mosi400_aligned")
    assert {s: len(d) for s, d in splits.items()} == {"train": 286, "valid": 40, "test": 74}
    videos = {s: set(d.groups) for s, d in splits.items()}
    assert sum(map(len, videos.values())) == 16
    tested = 0
    for seed in range(3):
        for parts, places in Study("mosi400_aligned", folds=5).parts(seed):
            held = [set(parts[s].groups) for s in ("train", "valid", "test")]
            assert not (held[0] & held[1] | held[0] & held[2] | held[1] & held[2])
            tested += len(places)
    assert tested == 3 * 399  # one clip has no timed word
