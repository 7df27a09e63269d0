"""Models by name: settings that cannot work, commands, saved folders."""

import csv
import json

import pytest

import dmdlite
from dmdlite import ConfigError, ModelError, cli
from dmdlite.registry import MODELS, find_model, load_model
from tests.test_baselines import made, several


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("tfn", {"dim": 101}, r"102\^3 = 1,061,208 cells, more than 1,048,576"),
        ("tfn", {"post": 0}, "post: should be greater than or equal to 1, got 0"),
        ("lmf", {"rank": 1.5}, "rank: should be a valid integer"),
        ("pmr", {"heads": 3}, "heads: must divide dim 8, got 3"),
        ("mica", {"lambda_pairs": -1}, "lambda_pairs: should be greater than or equal to 0"),
        ("raven", {"dropout": 1.0}, "dropout: should be less than 1"),
        ("misa", {"is_aligned": 1}, "is_aligned: should be a valid boolean"),
        ("mult", {"cross_attention": False}, "unknown field cross_attention"),
        ("mult", {"margin": 0.3}, "unknown field margin"),
    ],
)
def test_settings_that_cannot_work(toy, name, settings, says):
    with pytest.raises(ConfigError, match=says):
        made(toy["train"], name, **settings)


def test_unknown_models(toy, tmp_path):
    with pytest.raises(ConfigError, match="model: one of linear, ef-lstm"):
        find_model("bert")
    assert find_model("TFN") is MODELS["TFN"]
    made(toy["train"], "lmf").save_pretrained(tmp_path)
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace('"LMF"', '"Perceiver"'))
    with pytest.raises(ModelError, match="holds a 'Perceiver'; known are Linear, EFLSTM"):
        load_model(tmp_path)


def test_every_system_says_where_it_is_from():
    for cls in MODELS.values():
        assert cls.paper
        assert 2017 <= cls.year <= 2023
    unsure = {"MFM", "RAVEN", "MCTN", "MISA", "PMR", "MICA", "FDMER"}
    assert {name for name, cls in MODELS.items() if cls.interpretation} == unsure


def test_another_model_is_trained_evaluated_and_asked(run_script, toy_folder, tmp_path):
    run, table = tmp_path / "run", tmp_path / "p.csv"
    args = ("--data", toy_folder, "--epochs", 1, "--set", "dim=8", "--set", "rank=2")
    code, out, err = run_script(cli.app, "train", "--model", "lmf", "--out", run, *args)
    assert code == 0, err
    assert json.loads((run / "config.json").read_text())["model"] == "LMF"
    code, printed, _ = run_script(cli.app, "evaluate", run, "--data", toy_folder)
    assert code == 0
    assert printed == out
    assert run_script(cli.app, "predict", run, "--data", toy_folder, "--out", table)[0] == 0
    lines = list(csv.reader(table.open()))
    assert lines[0] == ["id", "label", "prediction"]
    assert len(lines) == 33
    assert type(dmdlite.load_model(run)).__name__ == "LMF"


def test_models_are_listed(run_script, tmp_path):
    code, out, _ = run_script(cli.app, "models", "--data", "toy")
    assert code == 0
    for name in MODELS:
        assert f"\n{name.lower()} " in out
    dmdlite.save_dataset(tmp_path / "five", {"test": several(5)}, "made up")
    code, out, err = run_script(cli.app, "models", "--data", tmp_path / "five")
    assert code == 0, err
    assert "translates a" in out  # MCTN does not take five


def test_another_models_settings_and_runs_are_refused(run_script, toy_folder, tmp_path):
    shared = ("--data", toy_folder, "--out", tmp_path / "run", "--epochs", 1)
    assert run_script(cli.app, "train", "--model", "ef-lstm", *shared)[0] == 0
    for args, message in (
        (("--model", "bert"), "model: one of linear, ef-lstm"),
        (("--model", "tfn", "--set", "gamma=1"), "--set gamma: no such field of TFNConfig"),
        (("--model", "lf-lstm", "--resume"), "model was 'EFLSTM', is now 'LFLSTM'"),
    ):
        code, _, err = run_script(cli.app, "train", *shared, *args)
        assert code == 2
        assert message in err
        assert err.count("\n") == 1
