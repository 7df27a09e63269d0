"""What was stopped is not done: no row of it, and the same command completes it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

import dmdlite
from dmdlite.errors import Stopped
from dmdlite.experiments.runs import RESULT, Run, carry_out
from dmdlite.experiments.study import Study
from dmdlite.experiments.sweep import sweep
from dmdlite.experiments.systems import EXPERIMENTS
from tests.conftest import SMALL, hears_ctrl_c

QUICK = {"model": tuple(SMALL.items()), "training": (("epochs", 3),)}


@pytest.fixture
def runs(toy_folder):
    study = Study(str(toy_folder), device="cpu", **QUICK)
    return [Run(study, system, 0) for system in EXPERIMENTS["fig1a"].systems[:2]]


def numbers(run, folder):
    row = run.result(folder)
    return {k: v for k, v in row.items() if k not in ("seconds", "date")}


def test_ctrl_c_in_a_sweep_leaves_no_row_and_the_rest_is_done_later(runs, tmp_path, monkeypatch):
    original, epochs = dmdlite.training._run_epoch, []

    def stopped_in_the_fifth(*arguments):
        epochs.append(1)
        if len(epochs) == 5:  # the second epoch of the second run
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr("dmdlite.training._run_epoch", stopped_in_the_fifth)
    with pytest.raises(KeyboardInterrupt):
        sweep(runs, tmp_path / "stopped", jobs=1, progress=False)
    assert len(epochs) == 5  # nothing was begun after it
    assert runs[0].result(tmp_path / "stopped") is not None
    assert runs[1].result(tmp_path / "stopped") is None
    assert not (runs[1].folder(tmp_path / "stopped") / RESULT).exists()
    monkeypatch.undo()
    sweep(runs, tmp_path / "stopped", jobs=1, progress=False)
    sweep(runs, tmp_path / "whole", jobs=1, progress=False)
    for run in runs:
        assert numbers(run, tmp_path / "stopped") == numbers(run, tmp_path / "whole")


def test_a_stop_before_the_first_epoch_writes_nothing(toy, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("dmdlite.training._run_epoch", stop)
    model = dmdlite.DMD.for_dataset(toy["train"], **SMALL)
    config = dmdlite.TrainConfig(out=str(tmp_path / "run"), progress=False, device="cpu")
    with pytest.raises(Stopped) as stopped:
        dmdlite.fit(model, toy, config)
    assert stopped.value.history == []
    assert not (tmp_path / "run").exists()


def begun(folder, process):
    """Until some run has two epochs, or nobody is left to run."""
    while process.poll() is None:
        for path in folder.glob("runs/*/fold0/history.csv"):
            if len(path.read_text().splitlines()) > 2:
                return
        time.sleep(0.02)
    raise AssertionError(process.communicate())


@pytest.mark.parametrize(
    ("sent", "jobs", "code"),
    [(signal.SIGINT, 1, 130), (signal.SIGTERM, 1, 143), (signal.SIGTERM, 2, 143)],
)
def test_signals_end_a_sweep(toy_folder, tmp_path, sent, jobs, code):
    out = tmp_path / "r"
    command = ["reproduce", "fig1a", "--data", toy_folder, "--seeds", 1, "--epochs", 500]
    command += ["--set", "stop_patience=500", *(f"--set={k}={v}" for k, v in SMALL.items())]
    command += ["--jobs", jobs, "--out", out]
    process = subprocess.Popen(
        [sys.executable, "-m", "dmdlite", *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hears_ctrl_c,
    )
    try:
        begun(out, process)
        while process.poll() is None:  # Python drops one that arrives while it frees an object
            os.killpg(process.pid, sent) if sent == signal.SIGINT else process.send_signal(sent)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=60)
        err = process.stderr.read()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == code, err
    assert not list(out.glob("runs/*/result.json"))
    assert not list(out.glob("small/*"))


def test_a_run_that_another_process_finished_is_not_done_again(runs, tmp_path, monkeypatch):
    carry_out(runs[0], tmp_path)
    before = numbers(runs[0], tmp_path)
    monkeypatch.setattr("dmdlite.training._run_epoch", lambda *_: 1 / 0)
    carry_out(runs[0], tmp_path)
    assert numbers(runs[0], tmp_path) == before
