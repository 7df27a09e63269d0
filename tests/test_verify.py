"""verify.py finds each planted fault, and says so by its exit code."""

from dataclasses import replace

import checks
import numpy as np
import pytest
import torch
import verify
from published import SHA256
from scan import _parts, scan

import dmdlite
from dmdlite import MultimodalDataset
from dmdlite.plots import data_overview


def clips(split, n=6, seed=0, **changes):
    """`n` clips of two videos, of two steps each in two modalities."""
    rng = np.random.default_rng([seed, *split.encode()])
    parts = {
        "values": {m: torch.tensor(rng.normal(size=(2 * n, 3))).float() for m in "ab"},
        "offsets": {m: torch.arange(0, 2 * n + 1, 2) for m in "ab"},
        "labels": torch.tensor(rng.uniform(-3, 3, size=n)).float(),
        "ids": tuple(f"{split}{i // 3}$_${i}" for i in range(n)),
        "name": "planted",
    }
    return MultimodalDataset(**parts | changes)


def splits(**changed):
    return {s: changed.get(s, clips(s)) for s in ("train", "valid", "test")}


@pytest.fixture
def verified(run_script, tmp_path):
    """verified(splits, *options, **manifest) -> exit code, {check: [(status, what it says)]}"""

    def run(data, *options, **manifest):
        manifest = {"inputs": {"x": {"sha256": next(iter(SHA256)), "bytes": 1}}, **manifest}
        dmdlite.save_dataset(tmp_path / "planted", data, "test", **manifest)
        code, out, err = run_script(verify.app, "planted", "--figure", tmp_path / "x.png", *options)
        assert "Traceback" not in err
        found = {}
        for line in out.splitlines():
            for status in ("ok", "note", "FAIL"):
                head, found_status, says = line.partition(f"  {status:4}  ")
                if found_status:
                    found.setdefault(head.strip(), []).append((status, says))
        return code, found

    return run


PUBLISHED = {"inputs": {}}  # nothing on record: sizes are not compared


def test_nothing_planted(verified, tmp_path):
    code, found = verified(splits(), **PUBLISHED)
    assert code == 0
    assert [s for rows in found.values() for s, _ in rows if s != "ok"] == ["note"]  # no source
    assert found["splits"] == [("ok", "train 6, valid 6, test 6")]
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def constant(split, column):
    data = clips(split)
    data.values["b"][:, column] = 4.0
    return data


def half_missing():
    offsets = torch.tensor([0, 0, 0, 0, 4, 8, 12])
    data = clips("train")
    return replace(data, offsets={"a": data.offsets["a"], "b": offsets})


def padded(side):
    data = clips("valid")
    data.values["a"][0 if side == "left" else 1] = 0
    return data


def large():
    data = clips("train")
    data.values["a"][3, 1] = 1e6
    return data


def twice():
    data = clips("train")
    data.values["a"][2:4], data.values["b"][2:4] = data.values["a"][:2], data.values["b"][:2]
    return data


def leaking():
    data = clips("test")
    train = clips("train")
    for m in "ab":
        data.values[m][:2] = train.values[m][:2]
    return data


NO_VIDEO = tuple("uvwxyz")
PLANTED = [
    ({"test": clips("test", ids=clips("train").ids)}, "ids", "FAIL", "shared: 6 in test and train"),
    ({"test": leaking()}, "same clip", "FAIL", "shared: 1 in test and train"),
    ({"train": twice()}, "duplicates", "note", "1 in train"),
    (
        {"test": clips("test", ids=("train0$_$9", *clips("test").ids[1:]))},
        "same video", "FAIL", "shared: 1 in test and train, for example train0",
    ),
    ({"test": clips("test", ids=NO_VIDEO)}, "same video", "note", "ids name no video"),
    ({"valid": constant("valid", 1)}, "b", "note", "1 of 3 columns constant in valid: 1"),
    ({"train": constant("train", slice(0, 3))}, "b", "FAIL", "every column is constant in train"),
    ({"train": half_missing()}, "b", "note", "missing in 3 of 18 clips"),
    ({"valid": padded("left")}, "a", "FAIL", "1 all-zero steps on the left, 0 on the right"),
    ({"valid": padded("right")}, "a", "FAIL", "0 all-zero steps on the left, 1 on the right"),
    ({"train": large()}, "a", "note", "values reach 1e+06: standardise"),
    ({"test": clips("test", labels=torch.full((6,), 4.0))}, "labels", "FAIL", "6 outside [-3, 3]"),
    ({"test": clips("test", labels=torch.ones(6))}, "labels", "FAIL", "all the same"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "check", "status", "says"), PLANTED)
def test_planted_faults(verified, changed, check, status, says):
    code, found = verified(splits(**changed), **PUBLISHED)
    assert code == (status == "FAIL")
    assert any(s == status and says in text for s, text in found[check]), found[check]


def test_notes_count_when_strict(verified):
    assert verified(splits(train=twice()), **PUBLISHED)[0] == 0
    assert verified(splits(train=twice()), "--strict", **PUBLISHED)[0] == 1


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
    code, found = verified(splits(), groups=groups, **PUBLISHED)
    assert code == 1
    assert found["same video"][0][1] == "shared: 1 in test and train, for example anna"


def test_repairs_are_told(verified):
    repaired = {"train": {"a": {"not_finite": 3, "left": 0}}, "test": {"a": {"not_finite": 2}}}
    _, found = verified(splits(), repaired=repaired, **PUBLISHED)
    assert found["repaired"] == [("ok", "a: 5 NaN or inf values set to 0")]


def test_large_sets_with_nan_are_caught(monkeypatch):
    """Loading checks small data sets; verify reads all of a large one."""
    monkeypatch.setattr("dmdlite.validate.CHECKED_BYTES", 0)
    data = clips("train")
    data.values["a"][1, 1] = torch.nan
    given = splits(train=data)
    bar = type("Bar", (), {"update": lambda self, n: None})()
    findings = checks.check(given, {s: scan(d, bar) for s, d in given.items()}, {})
    assert checks.Finding("a", checks.Status.FAIL, "1 values are NaN or inf") in findings


def test_a_scan_in_small_parts_finds_the_same(monkeypatch):
    data, bar = clips("train"), type("Bar", (), {"update": lambda self, n: None})()
    whole = scan(data, bar)
    monkeypatch.setattr("scan.CHUNK", 30)
    parts = scan(data, bar)
    assert parts.digests == whole.digests
    assert len(set(whole.digests)) == len(data)
    for m in "ab":
        assert (parts.columns[m].low == whole.columns[m].low).all()
        assert (parts.columns[m].high == data.values[m].max(0).values.numpy()).all()


def test_parts_cover_every_sample_once(monkeypatch):
    monkeypatch.setattr("scan.CHUNK", 100)
    offsets = torch.tensor([0, 0, 3, 40, 40, 41, 90])
    assert _parts(offsets, 8) == [(0, 3), (3, 6)]  # a clip is never cut, however long
    assert _parts(offsets[:1], 8) == [(0, 0)]


@pytest.mark.parametrize(
    ("clip", "video"),
    [("abc$_$3", "abc"), ("a_b[12]", "a_b"), ("abc$_$0.5_1.5#2", "abc"), ("toy_train_0001", None)],
)
def test_the_video_of_a_clip(clip, video):
    assert checks.video_of(clip) == video


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
