"""Commands on what has no score or no label, and on a folder that has no checkpoint."""

import csv
import json
from dataclasses import replace

import pytest
import torch

import dmdlite
from tests.conftest import SMALL
from tests.test_cli import SETTINGS


def test_resume_without_a_checkpoint_starts_and_says_so(run_cli, toy_folder, tmp_path):
    """On machines that may be taken away the same command is given every time."""
    args = ("train", "--data", toy_folder, "--epochs", 1, *SETTINGS, "--resume", "--out")
    code, _, err = run_cli(*args, tmp_path / "run")
    assert code == 0
    assert "no checkpoint to resume from; the run starts" in err
    code, _, err = run_cli(*args, tmp_path / "run")
    assert code == 0
    assert "no checkpoint" not in err
    (tmp_path / "run" / "checkpoint.pt").unlink()
    before = (tmp_path / "run" / "model.safetensors").read_bytes()
    code, _, err = run_cli(*args, tmp_path / "run")  # a trained model is not thrown away
    assert code == 2
    assert "no checkpoint to resume from, but a trained model is there" in err
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == before


@pytest.fixture
def undefined(toy, tmp_path):
    """A data set whose test labels are all 0: nothing is positive or negative."""
    labels = torch.zeros(len(toy["test"]))
    splits = toy | {"test": replace(toy["test"], labels=labels)}
    dmdlite.save_dataset(tmp_path / "zero", splits, source="test")
    return tmp_path / "zero"


def test_undefined_scores_are_a_dash_with_a_reason(run_cli, undefined, tmp_path):
    args = ("train", "--data", undefined, "--epochs", 1, *SETTINGS, "--out", tmp_path / "run")
    for arguments in (args, ("evaluate", tmp_path / "run", "--data", undefined)):
        code, out, _ = run_cli(*arguments)
        assert code == 0
        assert "acc2                  -       -" in out
        assert "-: acc2, f1 undefined, every label of test is 0" in out
    scores = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    assert scores["acc2"] is None
    assert scores["floors"]["f1"] is None


def test_undefined_scores_in_tables(run_cli, undefined, tmp_path):
    model = [f"--set={k}={v}" for k, v in SMALL.items()]
    sweep = ("reproduce", "fig1a", "--data", undefined, "--seeds", 1, "--epochs", 1, *model)
    code, out, _ = run_cli(*sweep, "--out", tmp_path / "r", "--jobs", 1)
    assert code == 0
    assert "ACC2, F1: undefined, every test label is 0." in out
    assert "nan" not in out


def unlabelled(data):
    return replace(data, labels=torch.full((len(data),), torch.nan))


def test_clips_without_labels_are_predicted_and_nothing_else(run_cli, trained, toy, tmp_path):
    dmdlite.save_dataset(tmp_path / "new", {"test": unlabelled(toy["test"])}, source="test")
    out = tmp_path / "p.csv"
    assert run_cli("predict", trained, "--data", tmp_path / "new", "--out", out)[0] == 0
    with out.open() as file:
        rows = list(csv.DictReader(file))
    expected = dmdlite.predict(dmdlite.load_model(trained), toy["test"])
    assert [float(row["prediction"]) for row in rows] == pytest.approx(expected.tolist(), abs=1e-5)
    assert {row["label"] for row in rows} == {""}
    code, _, err = run_cli("evaluate", trained, "--data", tmp_path / "new")
    assert (code, "32 of 32 samples lack a label; predict them" in err) == (2, True)
    code, out, _ = run_cli("data", "info", tmp_path / "new")
    assert (code, "test: 32 samples; labels none" in out) == (0, True)


@pytest.mark.parametrize("split", ["train", "valid"])
def test_where_a_label_is_needed_and_lacks_the_command_says_so(run_cli, toy, tmp_path, split):
    """Everywhere but in a train split of its own, which folds would test on."""
    labels = toy[split].labels.clone()
    labels[3] = torch.nan
    splits = toy | {split: replace(toy[split], labels=labels)}
    dmdlite.save_dataset(tmp_path / "d", splits, source="test")
    quick = ("--data", tmp_path / "d", "--epochs", 1, *SETTINGS)
    commands = {
        ("crossval", "--data", tmp_path / "d", "--folds", 2): "1 samples of",
        ("train", *quick, "--out", tmp_path / "run"): "1 of 32 samples lack a label",
        ("reproduce", "fig1a", *quick, "--seeds", 1, "--out", tmp_path / "r"): "1 samples of",
    }
    for command, said in commands.items():
        code, _, err = run_cli(*command)
        if split == "valid" or command[0] == "crossval":
            assert (code, said in err.splitlines()[-1]) == (2, True), err
        else:
            assert code == 0, err
    assert (tmp_path / "run").exists() == (split == "train")


def test_an_unlabelled_test_split_is_no_obstacle_to_training(run_cli, toy, tmp_path):
    splits = toy | {"test": unlabelled(toy["test"])}
    dmdlite.save_dataset(tmp_path / "d", splits, source="test")
    args = ("train", "--data", tmp_path / "d", "--epochs", 1, *SETTINGS)
    code, out, _ = run_cli(*args, "--out", tmp_path / "run")
    assert code == 0
    assert "acc2" not in out
    assert "test" not in json.loads((tmp_path / "run" / "metrics.json").read_text())


def test_training_on_what_verify_calls_unfit_gets_a_warning(run_cli, toy, tmp_path):
    says = "voice: the same sequence in every clip: it tells them not apart"
    dmdlite.save_dataset(tmp_path / "d", toy, source="test", unfit=[says])
    args = ("train", "--data", tmp_path / "d", "--epochs", 1, *SETTINGS)
    code, _, err = run_cli(*args, "--out", tmp_path / "run")
    assert code == 0
    assert f"is unfit for use: {says}" in err
