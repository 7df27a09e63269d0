"""The command line: what it writes, and one line with exit code 2 for every mistake."""

import csv
import json
import subprocess
import sys

import pytest
import torch

import dmdlite
from tests.conftest import SMALL

SETTINGS = [f"--set={k}={v}" for k, v in (SMALL | {"batch_size": 16}).items()]


def test_train_writes_a_run(run_cli, toy_folder, tmp_path):
    args = ("train", "--data", toy_folder, "--epochs", 2, "--seed", 0, *SETTINGS)
    code, out, err = run_cli(*args, "--out", tmp_path / "a")
    assert code == 0
    assert "training on" in err
    assert "acc2" in out
    assert "floor" in out
    names = {p.name for p in (tmp_path / "a").iterdir()}
    assert names == {
        "config.json",
        "model.safetensors",
        "history.csv",
        "metrics.json",
        "checkpoint.pt",
    }
    run_cli(*args, "--out", tmp_path / "b")
    first, second = ((tmp_path / x / "history.csv").read_bytes() for x in "ab")
    assert first == second


def test_evaluate_prints_what_evaluate_returns(run_cli, trained, toy_folder, toy):
    code, out, _ = run_cli("evaluate", trained, "--data", toy_folder, "--split", "valid")
    assert code == 0
    printed = {line.split()[0]: line.split()[1:] for line in out.splitlines()[1:]}
    model = dmdlite.DMD.from_pretrained(trained)
    scores = dmdlite.evaluate(model, toy["valid"], toy["train"])
    for name, floor in scores["floors"].items():
        assert printed[name] == [f"{scores[name]:.3f}", f"{floor:.3f}"]


def test_predict_writes_one_line_a_sample(run_cli, trained, toy_folder, toy, tmp_path):
    path = tmp_path / "deep" / "p.csv"
    assert run_cli("predict", trained, "--data", toy_folder, "--out", path)[0] == 0
    rows = list(csv.DictReader(path.open()))
    assert [row["id"] for row in rows] == list(toy["test"].ids)
    prediction = torch.tensor([float(row["prediction"]) for row in rows])
    expected = dmdlite.predict(dmdlite.DMD.from_pretrained(trained), toy["test"])
    torch.testing.assert_close(prediction, expected, atol=1e-5, rtol=0)
    assert {"label", "homo_language", "hetero_audio"} <= set(rows[0])


def test_data_info(run_cli, toy_folder):
    code, out, _ = run_cli("data", "info", toy_folder)
    assert code == 0
    assert "train: 64 samples" in out
    assert "missing in" in out
    assert "floors: acc7" in out


@pytest.mark.parametrize("command", [(), ("train",), ("evaluate",), ("predict",), ("crossval",)])
def test_help_teaches(run_cli, command):
    code, out, _ = run_cli(*command, "--help")
    assert code == 0
    assert "Usage:" in out
    assert "dmdlite" in out.split("Usage:")[1]


def broken_config(trained, tmp_path, **changes):
    folder = tmp_path / "broken"
    folder.mkdir()
    config = json.loads((trained / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes((trained / "model.safetensors").read_bytes())
    return folder


MISTAKES = {
    "no command": (["frain"], "No such command 'frain'"),
    "no data": (["train", "--out", "OUT"], "Missing option '--data'"),
    "no out": (["train", "--data", "toy"], "Missing option '--out'"),
    "unknown option": (["train", "--data", "toy", "--out", "OUT", "--lr", "1"], "No such option"),
    "unknown data": (["train", "--data", "mosl", "--out", "OUT"], "mosl: no such data set"),
    "bad toy seed": (["train", "--data", "toy:x", "--out", "OUT"], "write toy:SEED"),
    "zero epochs": (["train", "--data", "toy", "--out", "OUT", "--epochs", "0"], "epochs"),
    "words for epochs": (["train", "--data", "toy", "--out", "OUT", "--epochs", "ten"], "epochs"),
    "negative seed": (["train", "--data", "toy", "--out", "OUT", "--seed", "-1"], "seed"),
    "bad device": (
        ["train", "--data", "toy", "--out", "OUT", "--device", "tpu9"],
        "device: 'tpu9'",
    ),
    "set without value": (["train", "--data", "toy", "--out", "OUT", "--set", "dim"], "NAME=VALUE"),
    "set unknown": (["train", "--data", "toy", "--out", "OUT", "--set", "d=1"], "no such field"),
    "set widths": (["train", "--data", "toy", "--out", "OUT", "--set", "widths=[1]"], "the data"),
    "set bad value": (
        ["train", "--data", "toy", "--out", "OUT", "--set", "dim=big"],
        "dim: should be",
    ),
    "set bad heads": (["train", "--data", "toy", "--out", "OUT", "--set", "heads=7"], "divide"),
    "set bad prior": (
        ["train", "--data", "toy", "--out", "OUT", "--set", "gd_prior=[[0,1],[1,0]]"],
        "prior: expected shape [3, 3], got [2, 2]",
    ),
    "set ragged prior": (
        ["train", "--data", "toy", "--out", "OUT", "--set", "gd_prior=[[0,1],[1]]"],
        "prior: not a matrix of numbers",
    ),
    "out is a file": (["train", "--data", "SMALL", "--out", "FILE"], "FILE"),
    "no valid split": (["train", "--data", "TEST_ONLY", "--out", "OUT"], "has no train split"),
    "run missing": (["evaluate", "NOWHERE", "--data", "toy"], "config.json: no such file"),
    "run is a data set": (["evaluate", "SMALL", "--data", "toy"], "config.json: no such file"),
    "unknown split": (["evaluate", "RUN", "--data", "SMALL", "--split", "dev"], "no dev split"),
    "other modalities": (["evaluate", "RUN", "--data", "PAIR"], "the model takes widths"),
    "config not JSON": (["evaluate", "NOT_JSON", "--data", "SMALL"], "not readable as JSON"),
    "config of another shape": (["evaluate", "OTHER_DIM", "--data", "SMALL"], "has shape"),
    "config unknown field": (["evaluate", "EXTRA_FIELD", "--data", "SMALL"], "unknown field"),
    "config lacks widths": (["evaluate", "NO_WIDTHS", "--data", "SMALL"], "widths"),
    "predict without out": (["predict", "RUN", "--data", "SMALL"], "Missing option '--out'"),
    "predict onto folder": (
        ["predict", "RUN", "--data", "SMALL", "--out", "FOLDER"],
        "not a place for a file",
    ),
    "predict onto nothing": (["predict", "RUN", "--data", "SMALL", "--out", "."], "not a place"),
    "crossval onto folder": (["crossval", "--data", "SMALL", "--out", "FOLDER"], "not a place"),
    "crossval seed": (["crossval", "--data", "SMALL", "--seed", "-1"], "seed: should be"),
    "set device": (["crossval", "--data", "SMALL", "--set", "device=cpu"], "--set device: not"),
    "set out": (["train", "--data", "SMALL", "--out", "OUT", "--set", "out=x"], "--set out: not"),
    "crossval set seed": (["crossval", "--data", "SMALL", "--set", "seed=3"], "--set seed: not"),
    "huge seed": (["train", "--data", "SMALL", "--out", "OUT", "--seed", "4294967296"], "seed"),
    "odd digit": (["train", "--data", "toy:²", "--out", "OUT"], "write toy:SEED"),
    "no real device": (["evaluate", "RUN", "--data", "SMALL", "--device", "meta"], "no numbers"),
    "progress is a word": (
        ["train", "--data", "SMALL", "--out", "OUT", "--set", "progress=maybe"],
        "progress: should be a valid boolean, got 'maybe'",
    ),
    "one fold": (["crossval", "--data", "SMALL", "--folds", "1"], "folds: from 2 to"),
    "too many folds": (["crossval", "--data", "SMALL", "--folds", "999"], "folds: from 2 to"),
    "no repeats": (["crossval", "--data", "SMALL", "--repeats", "0"], "repeats: 1 or more, got 0"),
    "no jobs": (["crossval", "--data", "SMALL", "--jobs", "0"], "jobs: a number of processes"),
    "nothing incomplete": (["crossval", "--data", "COMPLETE", "--incomplete"], "no sample lacks"),
    "info unknown": (["data", "info", "nope"], "nope: no such data set"),
    "data without command": (["data"], "Missing command"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_one_line_and_exit_code_2(
    mistake, run_cli, toy, toy_folder, trained, tmp_path
):
    args, message = MISTAKES[mistake]
    (tmp_path / "file").write_text("")
    complete = toy["test"].present.all(1).nonzero().squeeze(1)
    for name, splits in {
        "test_only": {"test": toy["test"]},
        "pair": {"test": toy["test"].select("vision", "audio")},
        "complete": {"test": toy["test"].subset(complete)},
    }.items():
        if name.upper() in args:
            dmdlite.save_dataset(tmp_path / name, splits, source="toy")
    places = {
        "OUT": tmp_path / "out",
        "FILE": tmp_path / "file",
        "FOLDER": tmp_path,
        "NOWHERE": tmp_path / "nowhere",
        "SMALL": toy_folder,
        "RUN": trained,
        "TEST_ONLY": tmp_path / "test_only",
        "PAIR": tmp_path / "pair",
        "COMPLETE": tmp_path / "complete",
    }
    spoilt = {"OTHER_DIM": {"dim": 16}, "EXTRA_FIELD": {"hue": 1}, "NO_WIDTHS": {"widths": None}}
    for name, changes in spoilt.items():
        if name in args:
            places[name] = broken_config(trained, tmp_path, **changes)
    if "NOT_JSON" in args:
        places["NOT_JSON"] = broken_config(trained, tmp_path)
        (places["NOT_JSON"] / "config.json").write_text("{")
    code, _, err = run_cli(*[places.get(a, a) for a in args])
    assert code == 2
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert str(places.get(message, message)) in err
    assert not (tmp_path / "out" / "model.safetensors").exists()
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_out_of_memory_is_one_line_and_other_bugs_are_not_hidden(
    run_cli, toy_folder, tmp_path, monkeypatch
):
    def fail(message):
        def fit(*args):
            raise RuntimeError(message)

        return fit

    command = ["train", "--data", toy_folder, "--out", tmp_path / "run"]
    monkeypatch.setattr("dmdlite.cli.fit", fail("DefaultCPUAllocator: can't allocate memory: 4 TB"))
    code, _, errors = run_cli(*command)
    assert code == 2
    assert errors.startswith("error: out of memory; try a smaller batch_size or model")
    monkeypatch.setattr("dmdlite.cli.fit", fail("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        run_cli(*command)


HEAVY = {
    "IPython",
    "matplotlib",
    "nbformat",
    "otter",
    "pandas",
    "scipy",
    "sklearn",
    "torch._dynamo",
}


def test_a_command_starts_without_the_libraries_of_others():
    code = "import sys, dmdlite.cli; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not HEAVY & set(run.stdout.split())
