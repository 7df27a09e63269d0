"""Inside the sandbox: run a notebook cell by cell, and each question's tests after its cells.

Started as `python -m dmdlite.grading.worker FD`. One JSON object on standard input says what to
do; every step is announced and its result written to the file descriptor FD, one JSON line each,
so that the parent knows how far a process came that hangs or dies.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

# What tests import must be loaded to be watched, and torch's compiler, which exchanges some of
# torch's functions as it loads, must have done so.
import torch._dynamo
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell

from .. import checks  # noqa: F401
from ..checks import testbed  # noqa: F401
from .pristine import Snapshot
from .sandbox import Limits, limit_self
from .tests import Case, cases

CHECK = re.compile(r"""^\s*grader\.check\(["'](\w+)["']\)\s*;?\s*$""")
SHOWN = 300  # characters of an error
ENTRY = Path("leaderboard.json")  # what a test may leave for the leaderboard


class StepTimeout(Exception):
    """A cell or a test took longer than it may."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise StepTimeout in the block after `seconds`, and again every second: code may catch it."""

    def ring(*_: Any) -> None:
        raise StepTimeout(f"took longer than {seconds:.0f} s")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.01), 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def seed() -> None:
    """The same random numbers and number format for every cell and test."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float32)


def brief(error: BaseException) -> str:
    """One line for people."""
    if isinstance(error, NotImplementedError):
        return "not written yet"
    text = " ".join(str(error).split())
    if not isinstance(error, AssertionError):
        text = f"{type(error).__name__}: {text}"
    return text[:SHOWN]


def statements(shell: InteractiveShell, source: str) -> list[str]:
    """A cell's top-level statements, those that share a line together; the whole cell where it
    cannot be parsed. An error in one does not keep the next from running."""
    try:
        code = shell.transform_cell(source)
        tree = compile(code, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        return [source]
    lines, parts, end = code.splitlines(keepends=True), [], 0
    for node in tree.body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        if first > end:
            parts.append("")
            start = first
        end = max(end, node.end_lineno)
        parts[-1] = "".join(lines[start - 1 : end])
    return parts


def run_cell(shell: InteractiveShell, source: str, seconds: float) -> str:
    """Run a cell, statement by statement; returns the first error in a line, or ""."""
    problem, end = "", time.monotonic() + seconds
    for part in statements(shell, source):
        error: BaseException | None = None
        try:
            with at_most(end - time.monotonic()):
                result = shell.run_cell(part, silent=True)
            error = result.error_before_exec or result.error_in_exec
        except BaseException as raised:
            error = raised
        if error:
            problem = problem or brief(error)
        if isinstance(error, StepTimeout):
            return problem
    return problem


class Marker:
    """Tries a question's tests on the notebook's names, as they are at the moment."""

    def __init__(self, job: dict[str, Any], write: Callable[..., None], names: dict[str, Any]):
        self.cases = cases(job["tests"])
        self.skip = set(job["skip"])
        self.seconds = job["step_seconds"]
        self.write = write
        self.names = names
        self.snapshot = Snapshot()
        self.tried: dict[str, list[Any]] = {}  # test -> the objects it was tried on
        self.passed: set[str] = set()

    def __call__(self, question: str) -> None:
        """Try the tests of a question; all of them together may take one step's time.

        A test that failed is tried again when one of its arguments is another object by now.
        """
        end = time.monotonic() + self.seconds
        for case in self.cases:
            if case.question != question or question in self.skip or case.key in self.passed:
                continue
            values = [self.names.get(p) for p in inspect.signature(case.test.test_func).parameters]
            before = self.tried.get(case.key)
            if before is not None and all(a is b for a, b in zip(before, values, strict=True)):
                continue
            self.tried[case.key] = values
            self._try(case, end)

    def _try(self, case: Case, end: float) -> None:
        self.write(step=case.question)
        self._restore()
        if not ENTRY.is_dir():
            ENTRY.unlink(missing_ok=True)
        seed()
        problem = ""
        try:
            with at_most(end - time.monotonic()):
                case.test.call_func(self.names)
        except BaseException as error:  # SystemExit, too: it is the submission's
            problem = brief(error) or "failed"
        self._restore()
        if not problem:
            self.passed.add(case.key)
        self.write(case=case.key, problem=problem)
        if ENTRY.is_file() and not ENTRY.is_symlink() and ENTRY.stat().st_size < 2000:
            self.write(entry=ENTRY.read_text(encoding="utf-8", errors="replace"))

    def _restore(self) -> None:
        if changed := self.snapshot.restore():
            self.write(changed=changed[:20])


class Shell(InteractiveShell):
    """IPython without a window to draw in: `%matplotlib` and its like do nothing."""

    def enable_gui(self, gui: str | None = None) -> None:
        """Nothing to enable."""

    def enable_matplotlib(self, gui: str | None = None) -> tuple[str, str]:
        return "agg", "agg"


def run(job: dict[str, Any], write: Callable[..., None]) -> None:
    """Run job["cells"] (number, source) and the tests of job["tests"], without job["skip"]."""
    HistoryManager.enabled = False
    shell = Shell.instance()
    mark = Marker(job, write, shell.user_ns)
    for number, source in job["cells"]:
        key = f"cell {number}"
        if check := CHECK.match(source):
            mark(check[1])
        elif key not in mark.skip:
            write(step=key)
            seed()
            if problem := run_cell(shell, source, job["step_seconds"]):
                write(cell=key, problem=problem)
    for question in job["tests"]:
        mark(question)
    write(step="end")


def main() -> None:
    job = json.load(sys.stdin)
    pipe, token, put = int(sys.argv[1]), job.pop("token"), os.write
    encode = json.JSONEncoder().encode  # bound now: a submission may exchange json.dumps
    limit_self(Limits(memory_gib=job["memory_gib"]))

    def write(**message: Any) -> None:
        line = (encode(message | {"token": token}) + "\n").encode()
        while line:
            line = line[put(pipe, line) :]

    run(job, write)
    os._exit(0)  # threads and exit handlers of the submission have no say


if __name__ == "__main__":
    main()
