"""Many runs of many systems: planned, done in parallel, each kept, none done twice."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from ..errors import ConfigError
from .runs import Run, carry_out
from .study import Study
from .systems import System


def plan(
    study: Study, systems_of: Callable[[Study], list[System]], seeds: int, draws: bool = False
) -> list[Run]:
    """Every system with seeds 0, 1, ...: all systems with the first seed first. With `draws` every
    seed has a draw of the data of its own, the same for all systems; what the systems are may
    depend on it."""
    if seeds < 1:
        raise ConfigError(f"{'draws' if draws else 'seeds'}: 1 or more, got {seeds}")
    studies = [replace(study, draw=seed if draws else 0) for seed in range(seeds)]
    return [Run(own, system, k) for k, own in enumerate(studies) for system in systems_of(own)]


def open_runs(planned: list[Run], runs: Path) -> list[Run]:
    """Those not done yet; of runs that are the same by another name, one."""
    todo = {run.folder(runs): run for run in planned if run.result(runs) is None}
    return list(todo.values())


def sweep(planned: list[Run], runs: Path, jobs: int = -1, progress: bool = True) -> list[dict]:
    """Do what is open in `jobs` processes (-1: one a core), and return the rows of all runs.

    With several GPUs the processes take turns on them (not yet run on several), unless the device
    is named by its number, or is none of them.
    """
    if jobs == 0:
        raise ConfigError("jobs: a number of processes, or -1 for one a core, got 0")
    todo = open_runs(planned, runs)
    devices = [_turn(i, run.study.device) for i, run in enumerate(todo)]
    done = Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(carry_out)(run, runs, device) for run, device in zip(todo, devices, strict=True)
    )
    bar = tqdm(
        done,
        total=len(planned),
        initial=len(planned) - len(todo),
        unit="run",
        desc="reproduce",
        file=sys.stderr,
        disable=not progress,
    )
    for _ in bar:
        pass
    return [run.result(runs) for run in planned]


def _turn(number: int, named: str | None) -> str | None:
    """The GPU of the run with this number, where several can be chosen from."""
    gpus = torch.cuda.device_count()
    open_choice = (named or os.environ.get("DMDLITE_DEVICE") or "cuda") == "cuda"
    return f"cuda:{number % gpus}" if gpus > 1 and open_choice else None
