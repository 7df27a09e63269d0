"""MMSA's pickles and the variants of its mirrors: every real step arrives as it was."""

import json
from functools import partial

import from_mmsa
import numpy as np
import pytest

from tests.published_files import assert_same_steps, mmsa

SMALL = {"text_dim": 6, "steps": 60}


@pytest.fixture
def run(convert_pickle):
    return partial(convert_pickle, from_mmsa.app)


@pytest.mark.parametrize("data", ["mosi", "mosei"])
@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_mmsa(run, data, aligned, protocol):
    content = mmsa(data=data, aligned=aligned, **SMALL)
    splits, _, _ = run(content, protocol=protocol)
    assert_same_steps(splits, content)
    for split, found in splits.items():
        source = content[split]
        assert found.ids == tuple(source["id"])
        assert found.texts == tuple(source["raw_text"])
        np.testing.assert_allclose(found.labels, source["regression_labels"])
        assert "x.pkl: SHA-256" in run(content)[1]


def test_float16_is_close(run):
    content = mmsa(**SMALL)
    half, _, _ = run(content, "--dtype", "float16")
    x = content["test"]["text"]
    np.testing.assert_allclose(
        half["test"].values["language"].float(), x[(x != 0).any(2)], rtol=1e-3, atol=1e-6
    )


def test_float16_refuses_what_it_cannot_hold(run, tmp_path):
    content = mmsa(**SMALL)
    content["test"]["audio"][0, 0, 0] = 1e5
    _, _, err = run(content, "--dtype", "float16")
    assert "audio reaches 1e+05, the largest torch.float16 is 6.55e+04" in err
    assert not (tmp_path / "demo").exists()


# Variants of mirrors


def edit(content, change):
    for part in content.values():
        change(part)
    return content


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.update(regression_labels=p["regression_labels"].reshape(-1, 1, 1)),
        lambda p: p.update(regression_labels=p["regression_labels"][:, None].astype(np.float64)),
        lambda p: p.update(labels=p.pop("regression_labels")),
        lambda p: p.update(id=p["id"].astype(str)),
        lambda p: p.update(id=p["id"].tolist()),
        lambda p: p.update(id=np.array([i.encode() for i in p["id"]])),
        lambda p: p.update(id=np.array([i.split("$_$") for i in p["id"]])),
        lambda p: p.update(audio=p["audio"].astype(np.float64), text=p["text"].astype(np.float16)),
        lambda p: p.update(vision=np.asfortranarray(p["vision"])),
        lambda p: p.update(audio=list(p["audio"])),
        lambda p: p.update(text_bert=p["text_bert"].astype(np.float32)),
        lambda p: p.update(text_bert=p["text_bert"].transpose(0, 2, 1)),
        lambda p: p.update(audio_lengths=np.array(p["audio_lengths"])),
        lambda p: [p.pop(key) for key in ("text_bert", "annotations", "audio_lengths")],
        lambda p: p.pop("raw_text"),
        lambda p: p.update(raw_text=np.array(["ça va"] * len(p["id"]))),
    ],
)
def test_mmsa_variants(run, change):
    content = edit(mmsa(**SMALL), change)
    splits, _, err = run(content)
    assert splits, err
    assert_same_steps(splits, content)
    assert len(splits["train"].ids[0].replace("$_$", "_")) == len("trainvid0000_0")


def test_splits_by_other_names_and_keys_as_bytes(run):
    content = mmsa(**SMALL)
    renamed = {b"train": content["train"], "dev": content["valid"], "test": content["test"]}
    renamed[b"train"] = {key.encode(): value for key, value in content["train"].items()}
    splits, _, err = run(renamed)
    assert list(splits) == ["train", "valid", "test"], err


def test_sims_labels_are_scaled_and_those_of_each_modality_kept(run, tmp_path):
    content = mmsa(data="sims", **SMALL)
    for part in content.values():
        part["regression_labels"] = part["regression_labels"] / 3
        for letter, value in zip("TVA", (0.2, 0.4, -1.0), strict=True):
            part[f"regression_labels_{letter}"] = np.full(len(part["id"]), value)
    splits, _, _ = run(content)
    train = splits["train"]
    np.testing.assert_allclose(train.labels, content["train"]["regression_labels"] * 3, rtol=1e-6)
    assert train.factors["label_language"][0] == pytest.approx(0.6)
    assert train.factors["label_audio"][0] == -3
    about = json.loads((tmp_path / "demo" / "dataset.json").read_text())
    assert about["label_map"] == "label * 3"


# Token ids are not features


def test_token_ids_are_not_features_and_the_way_out_is_named(run):
    content = edit(mmsa(**SMALL), lambda p: p.pop("text"))
    splits, _, err = run(content)
    assert splits is None
    assert "text_bert holds token ids" in err
    assert "--without-language" in err
    assert "embed_text.py" in err
    content = edit(mmsa(**SMALL), lambda p: p.update(text=p["text_bert"].astype(np.float32)))
    assert "text is (N, 3, T) like text_bert" in run(content)[2]
    splits, _, _ = run(content, "--without-language")
    assert splits["train"].modalities == ("vision", "audio")
    assert splits["train"].texts == tuple(content["train"]["raw_text"])


# Files that do not fit


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "expected a dict of splits, found list"),
        ({"a": 1}, "no train, valid, test; it holds ['a']"),
        ({"train": [1]}, "x.pkl, train: expected a dict of arrays, found list"),
        ({"train": {"text": 1}}, "no field 'vision'; it holds ['text']"),
        (
            edit(mmsa(**SMALL), lambda p: p.update(vision=p["vision"][0])),
            "vision is float64 of shape (60, 35), expected numbers (N, T, D)",
        ),
        (edit(mmsa(**SMALL), lambda p: p.update(vision="x")), "vision is str, expected an array"),
        (
            edit(mmsa(**SMALL), lambda p: p.update(audio=p["audio"][1:])),
            "audio has 7 clips, labels 8",
        ),
        (
            edit(mmsa(**SMALL), lambda p: p.update(id=p["id"][1:])),
            "id has shape (7,), expected 8 rows",
        ),
        (
            edit(mmsa(**SMALL), lambda p: p.update(regression_labels=np.zeros((8, 4, 2)))),
            "has shape (8, 4, 2), expected (8,)",
        ),
        (
            edit(mmsa(**SMALL), lambda p: p["regression_labels"].fill(np.nan)),
            "8 of 8 labels are NaN",
        ),
        (
            edit(mmsa(**SMALL), lambda p: p.update(regression_labels=p["annotations"])),
            "expected numbers",
        ),
        (
            edit(mmsa(**SMALL), lambda p: p.update(audio=[np.ones((2, 3)), np.ones((3, 3))])),
            "audio is a ragged list",
        ),
    ],
)
def test_pickles_that_do_not_fit(run, tmp_path, content, message):
    _, _, err = run(content)
    assert message in err.strip().splitlines()[-1]
    assert "Traceback" not in err
    assert not (tmp_path / "demo").exists()
