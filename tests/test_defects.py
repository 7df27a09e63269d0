"""The defects that data files of the field are known for, one test each, named after it."""

import json
import pickle
from functools import partial

import from_csd
import from_mfn
import from_mmsa
import from_mult
import h5py
import numpy as np
import pytest
import verify

import dmdlite
from tests.published_files import mmsa, mult, write_csd, write_pickle

SMALL = {"text_dim": 6, "steps": 60}


@pytest.fixture
def from_mmsa_pickle(convert_pickle):
    return partial(convert_pickle, from_mmsa.app)


@pytest.mark.parametrize("value", [-np.inf, np.inf, np.nan])
def test_audio_holds_inf_or_nan(from_mmsa_pickle, tmp_path, value):
    content = mmsa(**SMALL)
    content["train"]["audio"][2, 1, :3] = value
    splits, out, _ = from_mmsa_pickle(content)
    assert splits["train"].batch([2]).features["audio"][0, 1, :3].tolist() == [0, 0, 0]
    assert "3 NaN or inf values set to 0" in out
    about = json.loads((tmp_path / "demo" / "dataset.json").read_text())
    assert about["repaired"]["train"]["audio"]["not_finite"] == 3


def test_mosi_columns_are_a_selection_of_covarep(run_script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frames = np.column_stack([np.arange(4.0), np.arange(1.0, 5.0)])
    covarep = np.arange(4 * 74.0).reshape(4, 74)
    for name, x in (
        ("glove", covarep[:, :3] + 1),
        ("facet", covarep[:, :47]),
        ("covarep", covarep),
    ):
        write_csd(tmp_path / f"{name}.csd", {"v": (x, frames)})
    write_csd(tmp_path / "labels.csd", {"v": (np.array([[1.0]]), np.array([[0.0, 4.0]]))})
    (tmp_path / "folds.json").write_text('{"train": ["v"]}')
    files = ["glove.csd", "facet.csd", "covarep.csd", "labels.csd", "--folds", "folds.json"]
    options = ["--name", "demo", "--audio-columns", "1,3,6,25,60"]
    assert run_script(from_csd.app, *files, *options)[0] == 0
    train = dmdlite.load_dataset("demo")["train"]
    assert train.widths == (3, 47, 5)
    assert train.values["audio"][1].tolist() == [74 + c for c in (1, 3, 6, 25, 60)]
    for wrong in ("74", "-1", "x", ""):
        _, _, err = run_script(from_csd.app, *files, "--name", "demo", "--audio-columns", wrong)
        assert "has columns 0 to 73" in err


def test_padding_on_the_left_in_mult(convert_pickle):
    splits, _, _ = convert_pickle(from_mult.app, mult())
    assert all(splits["train"].batch([0]).masks[m][0, 0] for m in dmdlite.MODALITIES)


def test_padding_on_the_right_in_mmsa(from_mmsa_pickle):
    content = mmsa(**SMALL)
    splits, _, _ = from_mmsa_pickle(content)
    lengths = splits["train"].lengths("audio").tolist()
    assert lengths == content["train"]["audio_lengths"]


def test_padding_mixed_in_mfn(tmp_path):
    x = np.zeros((2, 20, 325))
    x[0, 3:15, :300] = x[0, 5:15, 300:] = 1  # language starts two steps before the rest
    x[1, 10:] = 2
    for name, array in (("X_valid", x), ("y_valid", np.zeros(2))):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["data"] = array
    [(_, data, repairs)] = from_mfn.read_split("mosi", "valid", tmp_path, {})
    assert data.lengths("audio").tolist() == [10, 10]
    assert data.steps["audio"][:2].tolist() == [2, 3]
    assert repairs["language"] == {"not_finite": 0, "left": 13, "right": 5, "gaps": 0, "padding": 0}


def test_padding_that_is_not_zero_behind_the_given_length(from_mmsa_pickle):
    content = mmsa(**SMALL)
    content["test"]["vision"] += 0.5  # as after standardising
    splits, out, _ = from_mmsa_pickle(content)
    assert splits["test"].lengths("vision").tolist() == content["test"]["vision_lengths"]
    assert "padded steps that were not zero, dropped" in out


def test_bert_features_of_padding_tokens(from_mmsa_pickle):
    """BERT has something to say about [PAD] too; text_bert's mask tells where the text ends."""
    content = mmsa(**SMALL)
    content["test"]["text"] += 0.5
    splits, out, _ = from_mmsa_pickle(content)
    words = content["test"]["text_bert"][:, 1].sum(axis=1)
    assert splits["test"].lengths("language").tolist() == words.tolist()
    assert f"{200 - words.sum()} padded steps that were not zero" in out


def test_one_modality_all_zero_is_a_missing_modality(from_mmsa_pickle):
    content = mmsa(**SMALL)
    content["train"]["vision"][3] = 0
    splits, out, _ = from_mmsa_pickle(content)
    assert splits["train"].present[3].tolist() == [True, False, True]
    assert "vision     width   35" in out
    assert "missing in 1 samples" in out


def test_old_mosei_labels_outside_the_range(from_mmsa_pickle):
    content = mmsa(**SMALL)
    content["valid"]["regression_labels"][:2] = [3.33, -7]
    splits, _, err = from_mmsa_pickle(content)
    assert splits is None  # 2 of 15: another scale
    assert "labels run from -7" in err
    content = mmsa(sizes=(38, 3, 4), **SMALL)
    content["valid"]["regression_labels"][:2] = [3.33, -7]
    splits, out, _ = from_mmsa_pickle(content)
    assert splits["valid"].labels[:2].tolist() == [3, -3]
    assert "2 outside [-3, 3], cut" in out


def test_mosei_sizes_differ_between_releases(run_script, tmp_path):
    pickled = write_pickle(tmp_path / "unaligned_50.pkl", mmsa(**SMALL))
    run_script(from_mmsa.app, pickled, "--name", "mosei_unaligned")
    _, out, _ = run_script(verify.app, "mosei_unaligned", "--figure", tmp_path / "x.png")
    assert "train 8, valid 3, test 4; MMSA's files have (16326, 1871, 4659)" in out


def test_pickles_execute_code_when_loaded(from_mmsa_pickle, tmp_path):
    class Runs:
        def __reduce__(self):
            return open, (str(tmp_path / "touched"), "w")

    splits, _, err = from_mmsa_pickle(pickle.dumps({"train": Runs()}))
    assert splits is None
    assert "refused: it asks for io.open" in err or "_io.open" in err
    assert not (tmp_path / "touched").exists()


def test_dtypes_vary_between_mirrors(from_mmsa_pickle):
    content = mmsa(**SMALL)
    for kind, part in zip((np.float64, np.float16, ">f4"), content.values(), strict=True):
        part["audio"] = part["audio"].astype(kind)
    splits, _, err = from_mmsa_pickle(content)
    assert splits, err
    assert {str(d.values["audio"].dtype) for d in splits.values()} == {"torch.float32"}


def test_the_same_clip_twice_keeps_both(from_mmsa_pickle):
    content = mmsa(**SMALL)
    content["train"]["id"][4] = content["train"]["id"][5] = content["train"]["id"][0]
    splits, out, _ = from_mmsa_pickle(content)
    assert splits["train"].ids[4:6] == ("trainvid0000$_$0#2", "trainvid0000$_$0#3")
    assert "2 that occurred before, numbered" in out
