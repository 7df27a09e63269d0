"""Inside the sandbox: run a notebook cell by cell, and each question's tests after its cells.

Started as `python -m dmdlite.grading.worker FD`. One JSON object on standard input says what to
do; every step is announced and its result written to the file descriptor FD, one JSON line each,
so that the parent knows how far a process came that hangs or dies.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

CHECK = re.compile(r"""^\s*grader\.check\(["'](\w+)["']\)\s*;?\s*$""")
SHOWN = 300  # characters of an error


class StepTimeout(Exception):
    """A cell or a test took longer than it may."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise StepTimeout in the block after `seconds`, and again every second: code may catch it."""

    def ring(*_: Any) -> None:
        raise StepTimeout(f"took longer than {seconds:.0f} s")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def seed() -> None:
    """The same random numbers in every run of every cell and test."""
    import numpy as np
    import torch

    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def brief(error: BaseException) -> str:
    """One line for people."""
    if isinstance(error, NotImplementedError):
        return "not written yet"
    text = " ".join(str(error).split())
    if not isinstance(error, AssertionError):
        text = f"{type(error).__name__}: {text}"
    return text[:SHOWN]


def run(job: dict[str, Any], write: Callable[..., None]) -> None:
    """Run job["cells"] (number, source) and the tests of job["tests"], without job["skip"]."""
    from IPython.core.history import HistoryManager
    from IPython.core.interactiveshell import InteractiveShell

    from .pristine import Snapshot
    from .tests import cases

    HistoryManager.enabled = False
    shell = InteractiveShell.instance()
    skip, tests = set(job["skip"]), {}
    for case in cases(job["tests"]):
        tests.setdefault(case.question, []).append(case)
    # What tests import must be loaded to be watched, and torch's compiler, which exchanges some of
    # torch's functions as it loads, must have done so.
    import torch._dynamo  # noqa: F401

    import dmdlite.checks
    import dmdlite.testbed  # noqa: F401

    snapshot = Snapshot()

    def test(question: str) -> None:
        """Try a question's tests once; all of them together may take one step's time."""
        left, end = tests.pop(question, []), time.monotonic() + job["step_seconds"]
        for case in left if question not in skip else []:
            write(step=question)
            if changed := snapshot.restore():
                write(changed=changed[:20])
            seed()
            problem = ""
            try:
                with at_most(max(end - time.monotonic(), 0.01)):
                    case.test.call_func(shell.user_ns)
            except BaseException as error:  # SystemExit, too: it is the submission's
                problem = brief(error) or "failed"
            write(case=case.key, problem=problem)

    for number, source in job["cells"]:
        key = f"cell {number}"
        if check := CHECK.match(source):
            test(check[1])
        elif key not in skip:
            write(step=key)
            seed()
            result = None
            try:
                with at_most(job["step_seconds"]):
                    result = shell.run_cell(source, silent=True)
            except BaseException as error:
                write(cell=key, problem=brief(error))
            error = result and (result.error_before_exec or result.error_in_exec)
            if error:
                write(cell=key, problem=brief(error))
    for question in list(tests):  # whose check cell is gone
        test(question)
    write(step="end")


def main() -> None:
    from .sandbox import Limits, limit_self

    job = json.load(sys.stdin)
    pipe = os.fdopen(int(sys.argv[1]), "w")
    limit_self(Limits(memory_gib=job["memory_gib"]))

    def write(**message: Any) -> None:
        pipe.write(json.dumps(message | {"token": job["token"]}) + "\n")
        pipe.flush()

    write(step="start")
    run(job, write)
    os._exit(0)  # threads and exit handlers of the submission have no say


if __name__ == "__main__":
    main()
