"""Sweeps: nothing done twice, killed runs go on, folds cover every sample once."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

import dmdlite
from dmdlite import ConfigError, DataError
from dmdlite.baselines.simple import SIMPLE
from dmdlite.experiments import sweep
from dmdlite.experiments.runs import OUTPUTS, RESULT, Run, carry_out
from dmdlite.experiments.study import Study
from dmdlite.experiments.sweep import plan
from dmdlite.experiments.systems import EXPERIMENTS, KINDS, SYSTEMS, System, recipe, systems_of
from dmdlite.registry import MODELS
from tests.conftest import SMALL

MODEL = tuple(SMALL.items())
QUICK = (("epochs", 1), ("batch_size", 16))


@pytest.fixture
def study(toy_folder):
    """study(...) -> a Study of the small toy with a small model."""

    def made(**changes):
        settings = {"model": MODEL, "training": QUICK, "device": "cpu"} | changes
        return Study(str(toy_folder), **settings)

    return made


def test_every_experiment_names_known_systems():
    for experiment in EXPERIMENTS.values():
        assert [system.name for system in experiment.systems] == list(experiment.names)
    needed = systems_of(list(EXPERIMENTS))
    assert {s.name for s in needed if s.name in SYSTEMS} == set(SYSTEMS)
    alone = [s.name for s in needed if s.searched]
    assert alone == ["linear", *MODELS, "MISA, absolute error"]
    assert all(s.kind in KINDS or s.kind in SIMPLE for s in needed)


def test_every_system_trains(study, tmp_path):
    rows = sweep.sweep(
        plan(study(), lambda _: list(SYSTEMS.values()), 1), tmp_path, 1, progress=False
    )
    assert [row["system"] for row in rows] == list(SYSTEMS)
    for row in rows:
        assert row["mae"] > 0
        assert row["floor_mae"] > 0
        assert row["samples"] == 32
    by_name = {row["system"]: row for row in rows}
    assert by_name["none"]["parameters"] < by_name["FD"]["parameters"]
    assert by_name["prior"]["homo_edge_language_vision"] > 0.25  # half of it is the prior's
    assert by_name["noise"]["config_hash"] != by_name["DMD"]["config_hash"]


def test_done_runs_are_not_repeated(study, tmp_path, monkeypatch):
    planned = plan(study(), lambda _: [SYSTEMS["FD"], SYSTEMS["ridge"]], 2)
    first = sweep.sweep(planned, tmp_path, 1, progress=False)
    monkeypatch.setattr(sweep, "carry_out", lambda *_: pytest.fail("trained again"))
    assert sweep.sweep(planned, tmp_path, 1, progress=False) == first


@pytest.mark.parametrize(
    ("named", "elsewhere", "taken"),
    [
        (None, "", ["cuda:0", "cuda:1", "cuda:0"]),
        ("cuda", "cpu", ["cuda:0", "cuda:1", "cuda:0"]),
        ("cpu", "", [None] * 3),
        ("cuda:1", "", [None] * 3),
        (None, "cpu", [None] * 3),
    ],
)
def test_runs_take_turns_on_gpus_unless_a_device_is_named(
    study, tmp_path, monkeypatch, named, elsewhere, taken
):
    given = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(sweep, "carry_out", lambda run, runs, device: given.append(device))
    monkeypatch.setenv("DMDLITE_DEVICE", elsewhere)
    planned = plan(study(device=named), lambda _: [SYSTEMS["FD"]], 3)
    sweep.sweep(planned, tmp_path, 1, progress=False)
    assert given == taken


def test_a_row_without_its_validation_error_is_done_again(study, tmp_path):
    planned = plan(study(), lambda _: [SYSTEMS["FD"], SYSTEMS["ridge"]], 1)
    first = sweep.sweep(planned, tmp_path, 1, progress=False)
    path = planned[0].folder(tmp_path) / RESULT
    old = dmdlite.files.read_json(path)
    del old["valid_mae"]
    dmdlite.files.write_json(path, old)
    assert sweep.open_runs(planned, tmp_path) == planned[:1]
    again = sweep.sweep(planned, tmp_path, 1, progress=False)
    assert again[0]["valid_mae"] == first[0]["valid_mae"]
    assert again[0]["mae"] == first[0]["mae"]


def test_same_system_by_another_name_is_one_run(study, tmp_path):
    twin = System("FD again", SYSTEMS["FD"].settings)
    planned = plan(study(), lambda _: [SYSTEMS["FD"], twin], 1)
    assert len(sweep.open_runs(planned, tmp_path)) == 1
    rows = sweep.sweep(planned, tmp_path, 1, progress=False)
    assert [row["system"] for row in rows] == ["FD", "FD again"]
    assert rows[0]["mae"] == rows[1]["mae"]


def test_hash_names_all_that_decides(study, toy, tmp_path):
    base = Run(study(), SYSTEMS["DMD"], 0)
    assert Run(study(), SYSTEMS["DMD"], 1).config_hash == base.config_hash
    assert Run(study(device=None), SYSTEMS["DMD"], 0).config_hash == base.config_hash
    others = [
        study(training=(("epochs", 2), ("batch_size", 16))),
        study(model=(*MODEL, ("gamma", 0.2))),
        study(setting="aligned"),
        study(folds=2),
        study(standardized=True),
    ]
    scaled = {k: replace(d, values={m: v / 2 for m, v in d.values.items()}) for k, d in toy.items()}
    dmdlite.save_dataset(tmp_path / "scaled", scaled, "toy")
    others.append(Study(str(tmp_path / "scaled"), model=MODEL, training=QUICK))
    hashes = {Run(other, SYSTEMS["DMD"], 0).config_hash for other in others}
    assert len(hashes | {base.config_hash}) == len(others) + 1


def test_own_settings_win_over_the_study_and_that_over_the_recipe(study):
    model, training = Run(study(), SYSTEMS["future mask"], 0).configs
    assert (model.dim, model.causal) == (SMALL["dim"], True)
    assert training.epochs == 1
    changed = study(model=(*MODEL, ("causal", False), ("margin", 0.4)))
    assert Run(changed, SYSTEMS["future mask"], 0).configs[0].causal
    assert Run(changed, SYSTEMS["margin by label distance"], 0).configs[0].margin == 0.15
    released = SYSTEMS["released choices and training"]
    assert Run(study(training=()), released, 0).configs[1].epochs == 1000  # stops by itself
    assert Run(study(), released, 0).configs[1].epochs == 1  # or where it is told to
    assert recipe("toy:3", 0)[0] == {}
    assert recipe("mosi", 0)[0]["dim"] == 50


def test_folds_test_every_complete_sample_once(study, toy, tmp_path):
    run = Run(study(folds=3), SYSTEMS["FD"], 0)
    carry_out(run, tmp_path)
    pool = run.study.splits["all"]
    assert len(pool) == sum(int(d.present.all(1).sum()) for d in toy.values())
    outputs = load_file(run.folder(tmp_path) / OUTPUTS)
    assert torch.equal(outputs["labels"], pool.labels)  # in stored order
    assert outputs["fold"].unique().tolist() == [0, 1, 2]
    for splits, places in run.study.parts(0):
        assert set(splits["test"].ids) == {pool.ids[i] for i in places.tolist()}
        inside = set(splits["train"].ids) | set(splits["valid"].ids)
        assert not inside & set(splits["test"].ids)
    row = run.result(tmp_path)
    scores = dmdlite.metrics.sentiment_metrics(outputs["prediction"], outputs["labels"])
    assert row["mae"] == pytest.approx(scores["mae"])
    assert row["samples"] == len(pool)


def test_outputs_are_the_model_s(study, toy, tmp_path):
    run = Run(study(), SYSTEMS["DMD"], 0)
    carry_out(run, tmp_path)
    model = dmdlite.DMD.from_pretrained(run.folder(tmp_path) / "fold0")
    outputs = load_file(run.folder(tmp_path) / OUTPUTS)
    torch.testing.assert_close(outputs["prediction"], dmdlite.predict(model, toy["test"]))
    row, has = run.result(tmp_path), toy["test"].present[:, 1]
    error = (outputs["homo_logits"][has, 1] - toy["test"].labels[has]).abs().mean()
    assert row["homo_vision_mae"] == pytest.approx(float(error), abs=1e-6)
    complete = toy["test"].present.all(1)
    weight = outputs["hetero_weights"][complete, 2, 0].mean()
    assert row["hetero_edge_audio_language"] == pytest.approx(float(weight), abs=1e-6)


CODE = f"""
import sys
from pathlib import Path
from dmdlite.experiments.systems import SYSTEMS
from dmdlite.experiments.study import Study
from dmdlite.experiments.sweep import plan, sweep
data, runs, jobs = sys.argv[1:]
study = Study(data, model={MODEL!r}, training=(("epochs", 10), ("stop_patience", 10)), device="cpu")
planned = plan(study, lambda _: [SYSTEMS["FD"], SYSTEMS["DMD"]], 2)
sweep(planned, Path(runs), int(jobs), progress=False)
"""


def start(folder, runs, jobs):
    command = [sys.executable, "-c", CODE, str(folder), str(runs), str(jobs)]
    return subprocess.Popen(command, start_new_session=True)


def rows_of(runs):
    return {
        p.parent.name: {k: v for k, v in dmdlite.files.read_json(p).items() if k != "seconds"}
        for p in runs.glob(f"*/{RESULT}")
    }


@pytest.fixture(scope="module")
def whole(toy_folder, tmp_path_factory):
    """The rows of a sweep that nobody killed; how many jobs it had makes no difference."""
    runs = tmp_path_factory.mktemp("whole")
    assert start(toy_folder, runs, 2).wait(300) == 0
    assert len(rows_of(runs)) == 4
    return rows_of(runs)


@pytest.mark.long
@pytest.mark.parametrize(("jobs", "most"), [(1, 2), (2, 1)])
def test_a_killed_sweep_goes_on(toy_folder, whole, tmp_path, jobs, most):
    parts, kills = tmp_path / "parts", 0
    for _ in range(20):
        process = start(toy_folder, parts, jobs)
        done, end = len(rows_of(parts)), time.monotonic() + 200
        while process.poll() is None and time.monotonic() < end:
            running = list(parts.glob("*/fold0/checkpoint.pt"))
            if kills < most and running and len(rows_of(parts)) > done:
                os.killpg(process.pid, signal.SIGKILL)
                kills += 1
            time.sleep(0.02)
        if process.wait(10) == 0:
            break
    assert kills
    assert rows_of(parts) == whole
    assert not list(parts.glob("*/fold0/checkpoint.pt"))


def test_what_cannot_be_run(study, toy, tmp_path):
    with pytest.raises(ConfigError, match="seeds: 1 or more"):
        plan(study(), lambda _: [SYSTEMS["DMD"]], 0)
    with pytest.raises(ConfigError, match="jobs"):
        sweep.sweep(plan(study(), lambda _: [SYSTEMS["DMD"]], 1), tmp_path, 0)
    with pytest.raises(ConfigError, match="folds: from 2 to"):
        _ = study(folds=1000).splits
    dmdlite.save_dataset(tmp_path / "two", {k: toy[k] for k in ("train", "test")}, "toy")
    with pytest.raises(DataError, match=r"has no valid split; --folds 5"):
        _ = Study(str(tmp_path / "two")).splits
    mute = toy["train"].subset(~toy["train"].present[:, 0])
    dmdlite.save_dataset(tmp_path / "mute", toy | {"train": mute}, "toy")
    with pytest.raises(DataError, match="all of train lacks language"):
        _ = Study(str(tmp_path / "mute")).splits
