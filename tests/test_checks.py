"""The single checks of verify.py, and the figure it draws."""

from dataclasses import replace

import pytest
import torch
import verify
from dmdlite_data import checks
from dmdlite_data.scan import _parts, scan

import dmdlite
from dmdlite.plots import data_overview
from tests.planted import NOTHING_ON_RECORD, clips, splits


def test_published_hashes_and_sizes(verified):
    code, found = verified(splits())
    assert code == 1  # the hash is MOSI's, the sizes are not
    assert found["splits"][0][1].endswith("published are (1284, 229, 686)")
    assert found["source"] == [("ok", "1 of 1 files are as published")]
    other = {"inputs": {"y.pkl": {"sha256": "0" * 64, "bytes": 1}}}
    assert verified(splits(), **other)[1]["source"] == [
        ("note", "not among the published hashes: y.pkl")
    ]


def test_groups_of_the_manifest_count_as_videos(verified):
    groups = {s: ["anna"] * 6 if s != "valid" else ["ben"] * 6 for s in splits()}
    code, found = verified(splits(), groups=groups, **NOTHING_ON_RECORD)
    assert code == 1
    assert found["same video"][0][1] == "shared: 1 in test and train, for example anna"


@pytest.mark.parametrize(("cut", "status"), [(1, "note"), (60, "FAIL")])
def test_labels_that_were_cut(verified, cut, status):
    train = clips("train", n=100)
    repaired = {"train": {"labels": {"clipped": cut}}}
    code, found = verified(splits(train=train), repaired=repaired, **NOTHING_ON_RECORD)
    assert code == (status == "FAIL")
    told = (status, f"train: {cut} of 100 were cut to [-3, 3]; is the scale right?")
    assert told in found["labels"]


def test_groups_that_do_not_fit_the_clips(run_script, tmp_path):
    dmdlite.save_dataset(tmp_path / "planted", splits(), "test", groups={"train": ["anna"]})
    code, _, err = run_script(verify.app, "planted", "--figure", tmp_path / "x.png")
    assert code == 2
    assert "1 groups for 6 labels" in err


def test_a_manifest_that_is_none(run_script, tmp_path):
    dmdlite.save_dataset(tmp_path / "planted", splits(), "test", inputs={"x": ["y"]})
    code, _, err = run_script(verify.app, "planted", "--figure", tmp_path / "x.png")
    assert code == 2
    assert "planted: dataset.json: cannot be read" in err
    dmdlite.save_dataset(tmp_path / "planted", splits(), "test", repaired=[1])
    assert "field 'repaired' is not a dict" in run_script(verify.app, "planted")[2]


def test_bfloat16_and_an_empty_split(verified):
    half = {m: v.bfloat16() for m, v in clips("train").values.items()}
    assert verified(splits(train=replace(clips("train"), values=half)), **NOTHING_ON_RECORD)[0] == 0
    empty = clips("train").subset([])
    code, found = verified(splits(train=empty), **NOTHING_ON_RECORD)
    assert code == 1
    assert found["splits"] == [("FAIL", "train 0, valid 6, test 6: an empty split")]


def test_repairs_are_told(verified):
    repaired = {"train": {"a": {"not_finite": 3, "left": 0}}, "test": {"a": {"not_finite": 2}}}
    _, found = verified(splits(), repaired=repaired, **NOTHING_ON_RECORD)
    assert found["repaired"] == [("ok", "a: 5 NaN or inf values set to 0")]


def test_large_sets_with_nan_are_caught(monkeypatch):
    """Loading checks small data sets; verify reads all of a large one."""
    monkeypatch.setattr("dmdlite.data.validation.CHECKED_BYTES", 0)
    data = clips("train")
    data.values["a"][1, 1] = torch.nan
    given = splits(train=data)
    bar = type("Bar", (), {"update": lambda self, n: None})()
    findings = checks.check(given, {s: scan(d, bar) for s, d in given.items()}, {})
    assert checks.Finding("a", checks.Status.FAIL, "1 values are NaN or inf") in findings


def test_a_scan_in_small_parts_finds_the_same(monkeypatch):
    data, bar = clips("train"), type("Bar", (), {"update": lambda self, n: None})()
    whole = scan(data, bar)
    monkeypatch.setattr("dmdlite_data.scan.CHUNK", 30)
    parts = scan(data, bar)
    assert parts.digests == whole.digests
    assert len(set(whole.digests)) == len(data)
    for m in "ab":
        assert (parts.columns[m].low == whole.columns[m].low).all()
        assert (parts.columns[m].high == data.values[m].max(0).values.numpy()).all()


def test_parts_cover_every_sample_once(monkeypatch):
    monkeypatch.setattr("dmdlite_data.scan.CHUNK", 100)
    offsets = torch.tensor([0, 0, 3, 40, 40, 41, 90])
    assert _parts(offsets, 8) == [(0, 3), (3, 6)]  # a clip is never cut, however long
    assert _parts(offsets[:1], 8) == [(0, 0)]


def test_unknown_and_damaged_data_sets_exit_with_2(run_script, tmp_path, toy_folder):
    assert run_script(verify.app, "nosuch")[0] == 2
    dmdlite.save_dataset(tmp_path / "planted", splits(), "test")
    (tmp_path / "planted" / "train.safetensors").write_bytes(b"x")
    code, _, err = run_script(verify.app, "planted")
    assert code == 2
    assert "train.safetensors: not a readable safetensors file" in err


def test_the_overview_shows_labels_missing_lengths_and_spreads(toy):
    labels, missing, lengths, spreads = data_overview(toy).axes
    assert sum(labels.lines[0].get_ydata()) == pytest.approx(1)
    widths = [bar.get_width() for bar in missing.patches[:3]]
    absent = 100 * (1 - toy["train"].present.float().mean(0))
    assert widths == pytest.approx(absent.tolist())
    assert len(lengths.lines) == len(spreads.lines) == 3
    std = toy["train"].values["audio"].std(0, correction=0).max()
    assert max(spreads.lines[2].get_ydata()) == pytest.approx(float(std))
