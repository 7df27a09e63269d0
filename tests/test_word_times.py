"""Words beside another word's time: found by transcripts, moved back, and said where they stay."""

import gzip
import json
from pathlib import Path

import from_csd
import numpy as np
import pytest
from dmdlite_data.computational_sequence import Sequence
from dmdlite_data.safe_hdf5 import open_hdf5
from dmdlite_data.word_times import KNOWN, Moved, matches, moved, read_transcripts
from hypothesis import given
from hypothesis import strategies as st

import dmdlite
from dmdlite import DataError
from tests.published_files import write_csd

REAL = Path(__file__).parents[2] / "shared" / "data"
MOSI = REAL / "CMU_MOSI_ModifiedTimestampedWords.csd"
needs_mosi = pytest.mark.skipif(not MOSI.is_file(), reason="the real .csd is not here")
SAID = ["a good film", "not for me", "so it goes"]


def files(folder, late=0, videos=3):
    """Videos of nine words, a second each, three a segment; every word `late` intervals late."""
    words = [word for text in SAID for word in text.split()]
    spans = np.column_stack([np.arange(9.0), np.arange(9.0) + 1])
    shown = ["sp"] * late + words if late >= 0 else words[-late:] + ["sp"] * -late
    shown = np.array([[w.encode()] for w in shown[:9]])
    frames = np.arange(9.0)[:, None] + 1
    segments = np.array([[0.0, 3.0], [3.0, 6.0], [6.0, 9.0]])
    content = {
        "words": (shown, spans),
        "glove": (frames, spans),
        "vision": (frames, spans),
        "audio": (frames, spans),
        "labels": (np.array([[1.0], [-1.0], [0.0]]), segments),
    }
    for name, part in content.items():
        write_csd(folder / f"{name}.csd", {f"v{i}": part for i in range(videos)})
    (folder / "folds.json").write_text(json.dumps({"train": [f"v{i}" for i in range(videos)]}))
    rows = [f"v{i},{j + 1},{text.upper()}!" for i in range(videos) for j, text in enumerate(SAID)]
    (folder / "said.csv").write_text("\n".join(["video_id,clip_id,text", *rows]) + "\n")


@pytest.fixture
def run(run_script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*options, language="words"):
        names = [f"{name}.csd" for name in (language, "vision", "audio", "labels")]
        return run_script(from_csd.app, *names, "--folds", "folds.json", "--name", "demo", *options)

    return run


@pytest.mark.parametrize(
    ("by", "words", "starts"),
    [
        (0, [0, 1, 2, 3], [0, 1, 2, 3]),
        (-1, [1, 2, 3], [0, 1, 2]),
        (2, [0, 1], [2, 3]),
        (-5, [], []),
    ],
)
def test_word_j_goes_to_interval_j_plus_shift(by, words, starts):
    spans = np.column_stack([np.arange(4.0), np.arange(4.0) + 1])
    found, times = moved(np.arange(4), spans, by)
    assert found.tolist() == words
    assert times[:, 0].tolist() == starts


@given(n=st.integers(0, 9), by=st.integers(-3, 3))
def test_moved_there_and_back_only_the_ends_are_lost(n, by):
    spans = np.column_stack([np.arange(n), np.arange(n) + 1])
    words, times = moved(*moved(np.arange(n), spans, by), -by)
    assert words.tolist() == times[:, 0].tolist()
    assert len(words) == max(n - 2 * abs(by), 0)


@pytest.mark.parametrize("late", [-1, 1, 2])
def test_words_beside_another_words_time_are_refused_and_moved(run, tmp_path, late):
    files(tmp_path, late)
    code, _, err = run("--transcripts", "said.csv")
    assert code == 2
    last = err.strip().splitlines()[-1]
    assert last.startswith("error: words.csd: word j with interval j matches 0 of 9 transcripts")
    assert f"with interval j{-late:+d} 6; --repair-shift {-late} moves every word there" in last
    assert not (tmp_path / "demo").exists()

    options = ["--transcripts", "said.csv", "--repair-shift", str(-late)]
    code, _, err = run(*options)
    assert code == 0, err
    assert "the words of 6 of 9 segments are the transcript's" in err
    data = dmdlite.load_dataset("demo")["train"]
    assert data.texts[1] == "not for me"
    assert data.batch([1]).features["vision"][0, :, 0].tolist() == [4, 5, 6]
    about = json.loads((tmp_path / "demo" / "dataset.json").read_text())
    assert about["word_shift"] == -late
    assert about["transcripts"] == {"compared": 9, "matched": 6}
    assert about["repaired"]["train"]["words"]["moved"] == 3 * (9 - abs(late))
    assert "said.csv" in about["inputs"]


def test_words_in_place_stay_and_a_shift_that_spoils_them_is_refused(run, tmp_path):
    files(tmp_path)
    code, _, err = run("--transcripts", "said.csv")
    assert code == 0, err
    assert "the words of 9 of 9 segments are the transcript's" in err
    assert dmdlite.load_dataset("demo")["train"].texts[:3] == tuple(SAID)
    about = json.loads((tmp_path / "demo" / "dataset.json").read_text())
    assert "word_shift" not in about
    assert "words" not in about["repaired"]["train"]
    _, _, err = run("--transcripts", "said.csv", "--repair-shift", "1")
    assert "--repair-shift 0 moves every word there" in err


def test_where_no_shift_helps_the_share_is_said(run, tmp_path):
    files(tmp_path)
    text = (tmp_path / "said.csv").read_text()
    (tmp_path / "said.csv").write_text(text.replace("FILM", "MOVIE").replace("ME!", "US!"))
    code, _, err = run("--transcripts", "said.csv")
    assert code == 0
    assert "warning: words.csd: the words of 3 of 9 segments are the transcript's" in err
    assert "no shift from -2 to 2 makes it most" in err


def test_vectors_are_not_moved_and_it_is_said(run, tmp_path):
    files(tmp_path, late=1)
    options = ["--words", "words.csd", "--repair-shift", "-1"]
    code, _, err = run(*options, language="glove")
    assert code == 0
    assert "glove.csd: its vectors stay where they are" in err
    batch = dmdlite.load_dataset("demo")["train"].batch([1])
    assert batch.features["language"][0, :, 0].tolist() == [4, 5, 6]
    for option in (["--transcripts", "said.csv"], ["--repair-shift", "-1"]):
        assert "need words: give --words FILE.csd" in run(*option, language="glove")[2]


def test_a_published_file_known_to_be_off_is_named(run, tmp_path, monkeypatch):
    files(tmp_path, late=1)
    warning = "as published, word j belongs to interval j-1; --repair-shift -1 moves it there"
    assert "as published" not in run()[2]
    monkeypatch.setattr(
        "dmdlite_data.word_times.describe", lambda path: {"sha256": next(iter(KNOWN))}
    )
    assert warning in run()[2]
    assert "as published" not in run("--repair-shift", "-1")[2]


@needs_mosi
def test_the_real_words_of_mosi_stand_one_entry_late(capsys):
    told = read_transcripts(REAL / "mosi400" / "mosi_labels.csv.gz")
    with open_hdf5(MOSI) as words, open_hdf5(REAL / "CMU_MOSI_Labels.csd") as labels:
        words, labels = Sequence(words), Sequence(labels)
        labels.in_time = False
        assert matches(words, labels, told) == ({0: 3, -1: 1949, 1: 0, -2: 836, 2: 0}, 2199)
        assert matches(Moved(words, -1), labels, told)[0][0] == 1949


@needs_mosi
def test_the_real_words_of_mosi_are_refused_and_repaired_by_the_command(
    run_script, tmp_path, monkeypatch
):
    """With frames of one video, made up: the labels and words of all 2,199 segments are real."""
    monkeypatch.chdir(tmp_path)
    spans = np.column_stack([np.arange(60.0), np.arange(60.0) + 1])
    write_csd("v.csd", {"03bSnISJMiM": (np.ones((60, 2)), spans)})
    args = [MOSI, "v.csd", "v.csd", REAL / "CMU_MOSI_Labels.csd", "--folds", "mosi", "--unaligned"]
    args += ["--transcripts", REAL / "mosi400" / "mosi_labels.csv.gz"]
    code, _, err = run_script(from_csd.app, *args)
    assert code == 2
    assert "matches 3 of 2199 transcripts, with interval j-1 1949; --repair-shift -1" in err
    code, _, err = run_script(from_csd.app, *args, "--repair-shift", "-1", "--name", "demo")
    assert code == 0, err
    splits = dmdlite.load_dataset("demo")
    assert [len(splits[s]) for s in ("train", "valid", "test")] == [1283, 229, 686]
    texts = dict(zip(splits["train"].ids, splits["train"].texts, strict=True))
    assert texts["03bSnISJMiM[0]"] == "anyhow it was really good"
    about = json.loads((tmp_path / "demo" / "dataset.json").read_text())
    assert about["transcripts"] == {"compared": 2199, "matched": 1949}
    assert about["without_time"] == ["2WGyTLYerpo[43]"]  # from 127.21 s to 127.21 s


# Transcripts


@pytest.mark.parametrize(
    "rows",
    [
        ["video_id,clip_id,text,label", "v,1,hello,0.5", "v,2,you,0"],
        ["id,text", "v[0],hello", "v[1],you"],
        ["id,text", "v$_$1,hello", "v$_$2,you"],
        ["text,id", "hello,v_1", "you,v_2"],
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_forms_of_transcripts(tmp_path, rows, packed):
    path = tmp_path / ("said.csv.gz" if packed else "said.csv")
    text = "\n".join(rows).encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    assert read_transcripts(path) == {("v", 0): "hello", ("v", 1): "you"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,words\nv[0],a\n", "needs a header with video_id, clip_id and text, or id and text"),
        ("", "needs a header"),
        ("id,text\nv,a\n", "'v' is no clip"),
        ("video_id,clip_id,text\nv,one,a\n", "'v\\[one\\]' is no clip"),
        ("id,text\nv[1],a\nv_1,b\n", "1 clips occur twice"),
        ("id,text\n\xff", "cannot be read"),
    ],
)
def test_transcripts_that_do_not_fit(tmp_path, text, message):
    (tmp_path / "said.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=message):
        read_transcripts(tmp_path / "said.csv")


def test_transcripts_of_other_videos_are_an_error(run, tmp_path):
    files(tmp_path)
    (tmp_path / "said.csv").write_text("id,text\nother_1,hello\n")
    code, _, err = run("--transcripts", "said.csv")
    assert code == 2
    assert "none of its labelled segments has a transcript" in err
    assert "cannot be read" in run("--transcripts", "nosuch.csv")[2]


def test_a_packed_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("dmdlite_data.word_times.LARGEST_CSV", 1 << 20)
    path = tmp_path / "said.csv.gz"
    path.write_bytes(gzip.compress(b"x" * (1 << 21)))
    with pytest.raises(DataError, match="larger than 1 MiB"):
        read_transcripts(path)
