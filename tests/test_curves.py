"""The map: a dose turns one dial, validation chooses, planted slopes are found."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from dmdlite import ConfigError
from dmdlite.baselines.simple import SIMPLE
from dmdlite.data.worlds import spelled, turn
from dmdlite.experiments.curves import ARMS, CURVES, Curve, planned
from dmdlite.experiments.formatting import paired_p
from dmdlite.experiments.runs import OUTPUTS, Run
from dmdlite.experiments.slopes import (
    EDGES,
    chosen,
    differences,
    of_all,
    rows_of,
    slopes,
    summary,
    trust,
)
from dmdlite.experiments.study import Study
from dmdlite.plots.sweeps import dose_curves
from tests.conftest import SMALL

TINY = Study("toy", model=tuple(SMALL.items()), training=(("epochs", 1),))


def test_every_arm_tries_nothing_too_and_its_names_are_known():
    for arm, tried in ARMS.items():
        weights = [s.settings.get("lambda_ddl", 1.0) for s in tried]
        assert 0.0 in weights or len(set(weights)) == 1, arm
        assert len({(s.kind, str(dict(s.settings)), s.prior) for s in tried}) == len(tried)
    for curve in CURVES.values():
        assert {*curve.arms} <= {*ARMS}
        assert {*curve.contrast, *curve.control[:2]} <= {*curve.arms}
        assert curve.control[2] in curve.doses
        assert curve.control[:2] != curve.contrast
        assert len(curve.doses) >= 4
        assert {"ridge", "linear"} <= {*curve.arms}


def first_dose(name, shared):
    curve = CURVES[name]
    return planned(replace(curve, doses=curve.doses[:1]), 1, shared)


def test_nobody_is_cut_off_and_with_few_labels_the_linear_model_waits():
    for name, waits in {"labels": 40, "graph": 40, "binding": 6}.items():
        for run in first_dose(name, Study("toy")):
            if run.system.kind not in SIMPLE:
                training = run.configs[1]
                assert training.epochs >= 1000
                assert training.stop_patience == (waits if run.system.kind == "linear" else 6)
    asked = [run for run in first_dose("clips", TINY) if run.system.kind not in SIMPLE]
    assert {run.configs[1].epochs for run in asked} == {1}  # who asks for less gets it


@pytest.mark.parametrize("name", CURVES)
def test_a_dose_turns_one_dial(name):
    curve = CURVES[name]
    for dose in curve.doses:
        study = curve.study(dose, 3, TINY)
        seed, sizes, world = spelled(turn(study.data, study.tested))
        assert study.draw == 3
        assert study.model == TINY.model
        if curve.tested:
            assert spelled(study.data) == spelled("toy")
        if curve.dial == "labelled":
            assert study.labelled == dose
        elif curve.dial == "train":
            assert (seed, sizes[0]) == (0, dose)
        else:
            assert np.ravel(getattr(world, curve.dial))[0] == dose
            usual = spelled("toy")[2]
            assert replace(world, **{curve.dial: getattr(usual, curve.dial)}) == usual


def planted(change, noise=0.0, draws=10, name="graph", control=0.1):
    """Rows of a curve whose contrast goes from 0 to `change`."""
    curve, rng, rows = CURVES[name], np.random.default_rng(0), []
    arm = curve.contrast[0]
    for draw in range(draws):
        level = rng.normal()  # of the draw, shared by its arms
        for k, dose in enumerate(curve.doses):
            at = k / (len(curve.doses) - 1)
            found = dict.fromkeys(curve.arms, level)
            found[arm] = level + change * at + noise * rng.normal()
            found[curve.control[0]] = level + control
            rows += [
                {"arm": a, "dose": dose, "draw": draw, curve.measure: x, "floor_mae": 1.3}
                for a, x in found.items()
            ]
    return pd.DataFrame(rows)


def test_slopes_are_those_that_were_planted():
    rows = planted(0.3, noise=0.01)
    found = slopes(differences(rows, *CURVES["graph"].contrast, CURVES["graph"].measure))
    assert len(found) == 10
    assert found.mean() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(
    ("change", "noise", "said"),
    [(0.3, 0.02, "changes"), (0.0, 0.02, "does not change"), (0.03, 0.3, "not known")],
)
def test_a_verdict_is_that_of_its_interval(change, noise, said):
    table = summary({"graph": planted(change, noise)})
    (line,) = table.cells
    assert line[table.columns.index("verdict")] == said
    assert line[table.columns.index("control")].startswith("+0.100")
    assert line[-1] == CURVES["graph"].predicted
    assert line[1] == "10"


@pytest.mark.parametrize(("name", "lost"), [("graph", -0.1), ("binding", 0.1), ("graph", 0.0)])
def test_where_the_control_does_not_win_nothing_is_said(name, lost):
    table = summary({name: planted(0.3, 0.02, name=name, control=lost)})
    assert table.cells[0][table.columns.index("verdict")] == "no room"
    won = summary({name: planted(0.3, 0.02, name=name, control=-lost or 0.1)})
    assert won.cells[0][table.columns.index("verdict")] == "changes"


def test_tests_are_counted_over_all_curves_of_the_map_run_or_not():
    rows = planted(0.05, 0.06)
    alone = paired_p(
        found := slopes(differences(rows, *CURVES["graph"].contrast, "weak_corr")), 0 * found
    )
    (line,) = summary({"graph": rows}).cells
    column = summary({"graph": rows}).columns.index("p (Holm)")
    assert float(line[column]) == pytest.approx(min(1, len(CURVES) * alone), abs=6e-4)
    assert of_all([0.01, 0.02]).tolist() == pytest.approx([0.07, 0.12])


def test_validation_chooses_among_what_an_arm_tries(monkeypatch, tmp_path):
    curve = Curve("?", "noise", (1.0, 2.0), ("learned graph",), ("a", "b"), ("a", "b", 1.0), "?")

    def result(run, runs):
        weight = run.system.settings["lambda_ddl"]
        best = 2.0 if run.seed else 0.0
        edges = dict.fromkeys(EDGES, 1 / 6)
        return {"valid_mae": abs(weight - best), "mae": weight, "draw": run.seed, **edges}

    monkeypatch.setattr(Run, "result", result)
    rows = rows_of(curve, 2, TINY, tmp_path)
    assert len(rows) == 2 * 2 * 3  # what was tried is kept
    assert (
        rows[EDGES].isna().all(axis=1).eq(rows["weight"] == 0).all()
    )  # g is trained by its weight
    best = chosen(rows, "mae")
    assert best.groupby("draw")["weight"].unique().map(list).tolist() == [[0.0], [2.0]]
    assert chosen(rows, "weak_corr").equals(best)  # without logits by the error
    rows["valid_weak_corr"] = rows["weight"].map({0.0: 0.1, 0.5: 0.3, 2.0: 0.2})
    assert set(chosen(rows, "weak_corr")["weight"]) == {0.5}
    assert chosen(rows, "mae").equals(rows.loc[best.index])
    monkeypatch.setattr(Run, "result", lambda run, runs: None)
    with pytest.raises(ConfigError, match="learned graph at noise = 1, draw 0: not run yet"):
        rows_of(curve, 2, TINY, tmp_path)


def test_trust_is_whether_weight_follows_reliability(tmp_path):
    study = Study("toy:reliability=1,train=9,valid=9,test=60")
    test = study.splits["test"]
    noisier = test.factors["private_language"][:, 2]
    run = Run(study, ARMS["learned graph"][1], 0)
    weights = torch.zeros(60, 3, 3)
    weights[:, 0, 1] = torch.sigmoid(-noisier)  # the less noisy, the more it teaches
    weights[:, 1, 0] = 1 - weights[:, 0, 1]
    for found, expected in ((weights, 1), (weights.transpose(1, 2), -1)):
        outputs = {"homo_weights": found.contiguous(), "present": test.present}
        run.folder(tmp_path).mkdir(exist_ok=True)
        save_file(outputs, run.folder(tmp_path) / OUTPUTS)
        assert trust(run, tmp_path) == pytest.approx(expected)
    save_file({"present": test.present}, run.folder(tmp_path) / OUTPUTS)
    assert np.isnan(trust(run, tmp_path))


def test_a_figure_shows_every_arm_the_floor_and_the_ceiling():
    rows = planted(0.2, 0.02, name="binding")
    top = rows[rows["arm"] == "linear"].assign(arm="ceiling", mae=0.1)
    figure = dose_curves(pd.concat([rows, top]), "binding", "mae", "linear")
    shown = {text.get_text() for text in figure.legends[0].get_texts()}
    assert shown == {*CURVES["binding"].arms, "ceiling", "floor"}


def test_the_command_runs_a_curve_and_goes_on(run_cli, tmp_path, monkeypatch):
    fixed = "train=40,valid=20,test=20"
    must = ("bare", "linear", 1.0)
    small = Curve("?", "label_noise", (0.0, 1.0), must[:2], must[:2], must, "?", fixed=fixed)
    monkeypatch.setitem(CURVES, "label noise", small)
    monkeypatch.setattr("dmdlite.experiments.mapping.READ", 4)
    monkeypatch.setattr("dmdlite.experiments.mapping.SWEEPS", 2)
    common = ["--draws", 2, "--epochs", 1, "--jobs", 1, "--out", tmp_path / "m"]
    common += [f"--set={k}={v}" for k, v in SMALL.items()]
    assert "label noise            ?" in run_cli("reproduce", "map", "--list", *common)[1]
    code, _, err = run_cli("reproduce", "label noise", *common)
    assert code == 0, err
    rows = pd.read_csv(tmp_path / "m" / "map" / "label_noise.csv")
    assert rows.groupby(["arm", "dose"])["draw"].nunique().eq(2).all()
    assert set(rows["arm"]) == {"linear", "bare", "ceiling"}
    worlds = [p.name for p in (tmp_path / "m" / "runs").glob("ceiling-*.json")]
    assert len(worlds) == 2  # a draw each: label noise is training's alone
    assert (tmp_path / "m" / "map" / "label_noise.png").stat().st_size > 5000
    assert "| label noise" in (tmp_path / "m" / "map" / "slopes.md").read_text()
    assert "label noise      done  ?" in run_cli("reproduce", "map", "--list", *common)[1]
    for wrong, said in (
        (["--data", "toy:3"], "the map is of the toy's worlds"),
        (["--folds", 3], "the map is of the toy's worlds"),
        (["--labelled", 9], "the map is of the toy's worlds"),
        (["--draws", 1], "draws: 2 or more"),
    ):
        code, _, err = run_cli("reproduce", "label noise", *common, *wrong)
        assert (code, said in err) == (2, True), err
