"""`dmdlite crossval`: any model beside ridge and controls, on the folds of reproduce."""

import json

import pandas as pd
import pytest

from dmdlite import cli
from tests.test_training import SETTINGS


@pytest.mark.parametrize("model", ["dmd", "lmf"])
def test_crossval_beside_ridge_and_controls(run_script, toy_folder, tmp_path, model):
    small = SETTINGS if model == "dmd" else ("--set", "dim=8")
    command = ("crossval", "--data", toy_folder, "--folds", 2, "--repeats", 2, "--model", model)
    command += ("--jobs", 1)
    more = ("--incomplete", "--out", tmp_path / "cv.json", "--set", "epochs=2")
    code, out, err = run_script(cli.app, *command, *more, *small)
    assert code == 0, err
    rows = json.loads((tmp_path / "cv.json").read_text())["rows"]
    name = model.upper()
    systems = [name, "ridge", f"{name}, shuffled labels", "ridge, shuffled labels"]
    systems += [f"{name} + incomplete", "ridge + incomplete"]
    assert {row["system"] for row in rows} == set(systems)
    assert len(rows) == 2 * len(systems)
    assert all(f"\n| {system} " in out for system in (*systems, "floor"))


def test_crossval_is_the_cross_validation_of_reproduce(run_script, toy_folder, tmp_path):
    """The same folds, seeds and training: the same numbers."""
    shared = ("--data", toy_folder, "--folds", 2, "--jobs", 1, *SETTINGS)
    one = ("--repeats", 2, "--set", "epochs=1", "--out", tmp_path / "cv.json")
    assert run_script(cli.app, "crossval", *shared, *one)[0] == 0
    other = ("--seeds", 2, "--epochs", 1, "--out", tmp_path / "out")
    assert run_script(cli.app, "reproduce", "fig5", *shared, *other)[0] == 0
    rows = json.loads((tmp_path / "cv.json").read_text())["rows"]
    found = {row["seed"]: row["mae"] for row in rows if row["system"] == "DMD"}
    (table,) = (tmp_path / "out").glob("*/fig5.csv")
    expected = pd.read_csv(table).set_index("seed")["mae"].to_dict()
    assert found == pytest.approx(expected, rel=1e-5)
