"""Runs of a sweep as independent jobs of a cluster, through submitit.

submitit and not Ray: a run shares nothing with the others but a folder, so all it needs is a job
array of the scheduler that the cluster has. Ray would bring servers of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .runs import Run, carry_out


def submit(runs_to_do: list[Run], runs: Path, cluster: str, parameters: dict[str, Any]) -> list:
    """Submit one job a run, as an array; returns submitit's jobs.

    `parameters` go to submitit's `update_parameters`: timeout_min, gpus_per_node,
    slurm_partition and so on. A job that was killed goes on from its checkpoint when it is
    submitted again. Raises ConfigError when submitit is not installed, the cluster is not there,
    or a parameter is unknown.
    """
    try:
        import submitit
    except ImportError:
        raise ConfigError("--cluster needs submitit: pip install 'dmdlite[cluster]'") from None
    try:
        executor = submitit.AutoExecutor(folder=runs / "logs", cluster=cluster)
        executor.update_parameters(name="dmdlite", **parameters)
    except (RuntimeError, ValueError, NameError, TypeError) as error:
        raise ConfigError(f"--cluster {cluster}: {error}") from None
    return executor.map_array(carry_out, runs_to_do, [runs] * len(runs_to_do))
