"""One process with limits on memory, time and file sizes, and without a network.

Linux has the means: `unshare` starts the process in namespaces of its own, where it sees no
network and no other process, and where everything it started dies with it, as it does when the
grader dies (`setpriv`). Elsewhere, or where namespaces are not allowed, Python's sockets are
blocked instead, which stops mistakes and not malice. Neither hides the file system.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import site
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

ISOLATED = [
    "setpriv",
    "--pdeathsig",
    "KILL",
    "unshare",
    "--user",
    "--map-current-user",
    "--net",
    "--ipc",
    "--pid",
    "--mount",
    "--mount-proc",
    "--fork",
    "--kill-child",
]
KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR", "DMDLITE_DATA")  # of the environment
RUNNING: set[subprocess.Popen] = set()
FILE_BYTES = 64 << 20


@dataclass(frozen=True)
class Limits:
    """What one submission may use."""

    step_seconds: float = 60.0  # one cell, or all tests of one question
    total_seconds: float = 600.0  # the whole submission
    memory_gib: float = 4.0  # each of its processes


@functools.cache
def isolation() -> list[str]:
    """The command that starts another in namespaces of its own; [] where that cannot be done."""
    if not (shutil.which("unshare") and shutil.which("setpriv")):
        return []
    tried = subprocess.run([*ISOLATED, "true"], capture_output=True)
    return ISOLATED if tried.returncode == 0 else []


def start(command: list[str], folder: Path, results: int, limits: Limits) -> subprocess.Popen:
    """Start `command` in `folder`, its standard input a pipe of bytes, `results` a file descriptor
    that it inherits. What it prints is dropped."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"PYTHONUSERBASE": site.getuserbase()}  # HOME changes, what is installed not
    environment |= {"HOME": str(folder), "IPYTHONDIR": str(folder / ".ipython")}
    environment |= {"MPLBACKEND": "Agg", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
    environment |= {"DMDLITE_MEMORY_GIB": str(limits.memory_gib)}
    environment |= {"CUDA_VISIBLE_DEVICES": "", "DMDLITE_NO_SOCKETS": "" if isolation() else "1"}
    process = subprocess.Popen(
        isolation() + command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[results],
        start_new_session=True,
        bufsize=0,
    )
    RUNNING.add(process)
    return process


def stop(process: subprocess.Popen) -> None:
    """End a process and all of its group."""
    if process.returncode is None:  # not waited for: even where it has died, its group is its own
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left in it
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    RUNNING.discard(process)


def stop_all() -> None:
    """End every process that runs."""
    for process in list(RUNNING):
        stop(process)


def limit_memory(gib: float) -> None:
    """Cap this process's memory."""
    import resource

    _cap({resource.RLIMIT_DATA: int(gib * 2**30)})


def limit_self(limits: Limits) -> None:
    """Called inside: cap memory and file sizes, and block sockets where nothing else does."""
    import resource

    limit_memory(limits.memory_gib)
    _cap({resource.RLIMIT_FSIZE: FILE_BYTES, resource.RLIMIT_CORE: 0})
    if os.environ.get("DMDLITE_NO_SOCKETS"):
        socket.socket.connect = socket.socket.connect_ex = _no_network


def _cap(most: dict[int, int]) -> None:
    import resource

    for kind, size in most.items():
        hard = resource.getrlimit(kind)[1]  # it cannot be raised
        size = size if hard == resource.RLIM_INFINITY else min(size, hard)
        resource.setrlimit(kind, (size, size))


def _no_network(*_: object) -> None:
    raise OSError("no network while grading")
