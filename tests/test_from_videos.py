"""The command: a folder of clips, good and odd ones, becomes a data set, and is predicted."""

import json
import re
import sys

import from_videos
import numpy as np
import pytest
from dmdlite_data.video import face
from typer.testing import CliRunner

import dmdlite
from dmdlite import cli
from tests.own_videos import black, clips, hum, write
from tests.own_videos import face as portrait
from tests.test_embed_text import tiny_bert  # noqa: F401  (a fixture)

HAS_MESH = sys.version_info < (3, 13)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DMDLITE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    if not HAS_MESH:  # a face as wide as the picture is bright, for Pythons without a mesh
        rows = lambda seen: [np.full(len(face.COLUMNS), x.mean()) for x in seen]  # noqa: E731
        monkeypatch.setattr(face, "face", lambda seen: np.array(rows(seen), np.float32))
    return tmp_path


def convert(*args):
    return CliRunner().invoke(from_videos.app, [str(a) for a in args])


def said(result):
    return result.stdout + result.stderr + str(result.exception or "")


def test_clips_become_a_data_set_and_new_ones_are_predicted_by_two_commands(home, tiny_bert):  # noqa: F811
    names = [f"{s}_{k}" for s in "abcdef" for k in range(2)]
    known = clips(home / "known", names)
    result = convert(known, "--name", "mine", "--encoder", tiny_bert, "--shares", "60,20,20")
    assert result.exit_code == 0, said(result)
    assert "fit for use" in result.stdout
    splits = dmdlite.load_dataset("mine")
    train = splits["train"]
    assert train.modalities == ("language", "vision", "audio")
    assert train.widths == (12, len(face.COLUMNS), 22)
    held = {s: {name[0] for name in data.ids} for s, data in splits.items()}
    assert not held["train"] & held["test"] | held["train"] & held["valid"]
    assert all(7 <= n <= 12 for n in train.lengths("audio").tolist())  # 20 a second
    about = json.loads((home / "data/mine/dataset.json").read_text())
    assert about["extracted"]["vision"]["columns"][3:6] == ["yaw", "pitch", "roll"]
    assert about["extracted"]["audio"]["steps_per_second"] == 20

    size = ["--set", "dim=8", "--set", "heads=2", "--set", "layers=1", "--epochs", "1"]
    run = [str(home / "run")]
    assert (
        CliRunner().invoke(cli.app, ["train", "--data", "mine", "--out", *run, *size]).exit_code
        == 0
    )
    new = clips(home / "new", [f"new{k}" for k in range(10)], rows=False)
    (new / "new0.txt").write_text("good good")
    assert convert(new, "--name", "new", "--encoder", tiny_bert).exit_code == 0
    shown = ["--out", "p.csv", "--picture", "p.png"]
    result = CliRunner().invoke(cli.app, ["predict", *run, "--data", "new", *shown])
    assert result.exit_code == 0, said(result)
    lines = (home / "p.csv").read_text().splitlines()
    assert lines[0].startswith("id,label,prediction,homo_language,homo_vision,homo_audio")
    assert len(lines) == 11
    first, second = (line.split(",") for line in lines[1:3])
    assert first[0] == "new0"
    assert first[3]  # what the words say
    assert not second[3]  # this clip has no words, so language has no opinion
    same = ["predict", *run, "--data", "new", "--out", "q.png", "--picture", "q.png"]
    assert "is --out, too" in said(CliRunner().invoke(cli.app, same))
    assert convert(new, "--name", "other", "--encoder", tiny_bert, "--aligned").exit_code == 0
    result = CliRunner().invoke(cli.app, ["predict", *run, "--data", "other", "--out", "o.csv"])
    assert "other: its aligned is not made like what" in said(result)
    assert not (home / "o.csv").exists()
    (home / "p.png").write_bytes(b"my own picture")
    result = CliRunner().invoke(cli.app, ["predict", *run, "--data", "new", *shown])
    assert result.exit_code != 0
    assert (home / "p.png").read_bytes() == b"my own picture"


@pytest.fixture
def odd(home):
    folder = home / "odd"
    folder.mkdir()
    fine, mute, silent, others = ([portrait(t, left=20 + k) for k in range(12)] for t in range(4))
    write(folder / "fine.mp4", fine, hum(0.5))
    (folder / "fine.txt").write_text("well yes")
    write(folder / "mute.mov", mute)
    write(folder / "silent.mkv", silent, np.zeros(8000, np.float32))
    write(folder / "black.webm", [black()] * 12, hum(0.5))
    write(folder / "voice.wav", sound=hum(0.5))
    write(folder / "long.wav", sound=hum(3.0))
    write(folder / "nothing.mp4", [black()] * 12)
    write(folder / "others.mp4", others, hum(0.5, 200))
    (folder / "others.srt").write_text("1\n00:01:00,000 --> 00:01:01,000\nbad\n")
    (folder / "noise.mp4").write_bytes(b"no video at all" * 100)
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "cut.mp4").write_bytes((folder / "fine.mp4").read_bytes()[:3000])
    (folder / "notes.md").write_text("not a clip")
    return folder


@pytest.mark.skipif(not HAS_MESH, reason="no face mesh for this Python")
def test_each_odd_clip_gets_a_clear_word_and_the_rest_goes_on(odd):
    result = convert(odd, "--name", "odd", "--longest", "2")
    assert result.exit_code == 0, said(result)
    lines = dict(re.findall(r"^\s*(\w+\.\w+): (.+)$", result.stderr.replace("\r", "\n"), re.M))
    assert lines["mute.mov"].startswith("no sound; no transcript")
    assert lines["silent.mkv"].startswith("silent: audio missing")
    assert lines["black.webm"].startswith("no face found: vision missing")
    assert lines["voice.wav"].startswith("no pictures; no transcript")
    assert lines["long.wav"].startswith("goes on beyond 2 s")
    assert "words go on to 61.0 s" in lines["others.mp4"]
    assert "language left out" in lines["others.mp4"]
    assert "no face found" in lines["nothing.mp4"]
    for name in ("noise.mp4", "empty.mp4", "cut.mp4"):
        assert "cannot be read" in lines[name]
    for name in ("long.wav", "nothing.mp4", "noise.mp4", "empty.mp4", "cut.mp4"):
        assert lines[name].endswith("LEFT OUT")
    assert "6 of 11 clips used, 5 left out" in result.stdout
    test = dmdlite.load_dataset("odd")["test"]
    assert test.ids == ("black", "fine", "mute", "others", "silent", "voice")
    assert test.present.tolist() == [
        [False, True], [True, True], [True, False], [True, True], [True, False], [False, True]
    ]  # fmt: skip
    assert test.texts[1] == "well yes"


def test_a_library_that_fails_on_one_clip_costs_that_clip(home, monkeypatch):
    folder, real = clips(home / "clips", ["a", "b", "c"], rows=False), from_videos.look
    fails = lambda path, *rest: 1 / 0 if path.stem == "b" else real(path, *rest)  # noqa: E731
    monkeypatch.setattr(from_videos, "look", fails)
    result = convert(folder, "--name", "x")
    assert "b.mp4: it: cannot be read (ZeroDivisionError" in result.stderr
    assert dmdlite.load_dataset("x")["test"].ids == ("a", "c")


def test_what_was_looked_at_is_not_looked_at_again(home, monkeypatch):
    folder = clips(home / "clips", ["a", "b"], rows=False)
    assert convert(folder, "--name", "one").exit_code == 0
    before = dmdlite.load_dataset("one")["test"]
    kept = sorted((home / "data/videos").iterdir())
    kept[0].write_bytes(b"")  # what a full disk leaves is made anew

    looked, real = [], face.face
    monkeypatch.setattr(face, "face", lambda x: looked.append(1) or real(x))
    assert convert(folder, "--name", "two").exit_code == 0
    assert len(looked) == 1
    after = dmdlite.load_dataset("two")["test"]
    assert (after.values["vision"] == before.values["vision"]).all()


@pytest.mark.parametrize(
    ("names", "tables", "says"),
    [
        ("", {}, "no clip in it"),
        ("a.wav a.flac", {}, "share one"),
        ("a.wav", {"labels": "id,label\nb,1\n"}, "without a clip"),
        ("a.wav", {"labels": "id,label\n"}, "a header with id"),
        ("a.wav", {"labels": "id,label\na,x\n"}, "is no number"),
        ("a.wav", {"labels": "id,label\na,9\n"}, "scale"),
        ("a.wav", {"labels": "id,label\na,1\n"}, "--shares"),
        ("a.wav b.wav", {"labels": "id,label\na,1\n"}, "no row for 1 clips: b"),
        ("a.wav", {"words": "id,word,start,end\nb,yes,0,1\n"}, "no clip is called 'b'"),
    ],
)
def test_a_folder_that_cannot_be_meant_is_refused_before_any_clip_is_looked_at(
    home, monkeypatch, names, tables, says
):
    monkeypatch.setattr(from_videos, "look", lambda *_: pytest.fail("looked"))
    (home / "f").mkdir()
    for name in names.split():
        write(home / "f" / name, sound=hum(0.2))
    for name, text in tables.items():
        table(home / "f", text, f"{name}.csv")
    result = convert(home / "f", "--name", "x")
    assert result.exit_code != 0
    assert says in said(result)
    assert not (home / "data" / "x").exists()


@pytest.mark.parametrize("name", ["a/b", "toy:1", "taken", "mine"])
def test_a_name_that_cannot_be_is_refused_before_any_clip_is_looked_at(home, monkeypatch, name):
    folder = clips(home / "clips", ["a"], rows=False)
    (home / "data" / "taken").mkdir(parents=True)
    (home / "data" / "taken" / "thesis.txt").write_text("mine")
    if name == "mine":  # a training set; a tired person types the same name for new clips
        assert convert(clips(home / "known", ["b"], rows=False), "--name", "mine").exit_code == 0
    before = sorted((home / "data").rglob("*.safetensors"))
    monkeypatch.setattr(from_videos, "look", lambda *_: pytest.fail("looked"))
    result = convert(folder, "--name", name)
    assert result.exit_code != 0
    words = {"taken": "something else than a data set", "mine": "a data set of clips in known"}
    assert words.get(name, "not a name for a data set") in said(result)
    assert sorted((home / "data").rglob("*.safetensors")) == before


def test_a_silent_start_keeps_its_place(home):
    folder = home / "clips"
    folder.mkdir()
    for name, left in (("a", 20), ("b", 60)):
        sound = np.concatenate([np.zeros(8000, np.float32), hum(0.5, 100 + left)])
        write(folder / f"{name}.mkv", [portrait(left=left)] * 25, sound)
    assert convert(folder, "--name", "x").exit_code == 0
    test = dmdlite.load_dataset("x")["test"]
    start = test.offsets["audio"][0]
    assert 8 <= int(test.steps["audio"][start]) <= 11  # half a second, in twentieths


def table(folder, text, name="labels.csv"):
    (folder / name).write_text(text)


def test_aligned_clips_have_a_step_a_word_and_say_how_words_were_placed(home, tiny_bert):  # noqa: F811
    folder = clips(home / "clips", ["a", "b", "c"], rows=False)
    (folder / "a.txt").write_text("well yes")
    table(folder, "id,word,start,end\nb,good,0,0.2\nb,bad,0.2,0.3\nb,no,0.3,0.4\n", "words.csv")
    result = convert(folder, "--name", "x", "--encoder", tiny_bert, "--aligned")
    assert result.exit_code == 0, said(result)
    assert "a.mp4: its words are spread evenly over the clip" in result.stderr
    assert "b.mp4" not in result.stderr
    assert "c.mp4: no transcript" in result.stderr
    test = dmdlite.load_dataset("x")["test"]
    assert test.ids == ("a", "b")
    for m in test.modalities:
        assert test.lengths(m).tolist() == [2, 3]
