"""Inside the sandbox: runs a notebook's cells, and answers with its names what the judge asks.

Started as `python -m dmdlite.grading.worker FD`. Requests come on standard input, answers go to
the file descriptor FD; see `exchange`. Marks are made elsewhere: nothing here knows a test.
"""

from __future__ import annotations

import ast
import os
import random
import re
import signal
import sys
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell

from .exchange import SHOWN, Line, Message, brief
from .sandbox import Limits, limit_self
from .served import Served


class StepTimeout(TimeoutError):
    """A cell or an answer took longer than it may."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise StepTimeout in the block after `seconds`, and again every second: code may catch it."""

    def ring(*_: Any) -> None:
        raise StepTimeout(f"took longer than {max(seconds, 1):.0f} s")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.01), 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def settle(numbers: torch.Tensor | None = None) -> None:
    """The same state for every cell and answer, whatever code before it has set: random numbers
    (torch's as `numbers` says), number format, device, gradients, threads, warnings."""
    of_all = 0 if numbers is None else zlib.crc32(numbers.numpy().tobytes())
    random.seed(of_all)
    np.random.seed(of_all)
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(False)
    torch.autograd.set_detect_anomaly(False)
    torch.manual_seed(0)
    if numbers is not None:
        torch.set_rng_state(numbers)
    warnings.simplefilter("ignore")


def statements(shell: InteractiveShell, source: str) -> list[str]:
    """A cell's top-level statements, those that share a line together; the whole cell where it
    cannot be parsed. An error in one does not keep the next from running."""
    try:
        code = shell.transform_cell(source)
        tree = compile(code, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        return [source]
    lines, parts, end = re.split("\r\n|\r|\n", code), [], 0  # as Python counts them
    for node in tree.body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        if first > end:
            parts.append("")
            start = first
        end = max(end, node.end_lineno)
        parts[-1] = "\n".join(lines[start - 1 : end]) + "\n"
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


class Shell(InteractiveShell):
    """IPython without a window to draw in: `%matplotlib` and its like do nothing."""

    def enable_gui(self, gui: str | None = None) -> None:
        """Nothing to enable."""

    def enable_matplotlib(self, gui: str | None = None) -> tuple[str, str]:
        return "agg", "agg"


def answer(served: Served, do: Callable[..., Any], request: dict[str, Any]) -> dict[str, Any]:
    """What `do(**request)` returns or raises, the latter by the names of its classes."""
    seconds, grad = request.pop("seconds"), request.pop("grad", True)
    settle(request.pop("numbers", None))
    try:
        with at_most(seconds), nullcontext() if grad else torch.no_grad():
            return {"found": do(**request)}
    except BaseException as error:  # SystemExit, too: it is the submission's
        text = " ".join(str(error).split())[:SHOWN]
        return {"raised": [cls.__name__ for cls in type(error).__mro__], "text": text}


def serve(line: Line, served: Served, shell: InteractiveShell) -> None:
    """Answer one request after the other, until nobody asks any more."""
    home = os.getcwd()
    while True:
        message = Message.from_bytes(line.receive())
        os.chdir(home)
        request, arguments = served.opened(message)
        what = request.pop("what")
        if what == "run":
            settle()
            said: Any = {"found": run_cell(shell, **request)}
            reply = Message.of(said, served.described)
        else:
            said = answer(served, getattr(served, what), request)
            try:
                reply = Message.of(said, served.described)
            except Exception as error:
                said = {"raised": ["TypeError"], "text": f"cannot be handed over: {brief(error)}"}
                reply = Message.of(said, served.described)
        if what == "call":
            served.remember(arguments, reply.live)
        line.send(reply.to_bytes())


def main() -> None:
    requests, replies = os.dup(0), int(sys.argv[1])
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)  # what asks for input finds none
    memory = float(os.environ.pop("DMDLITE_MEMORY_GIB"))
    limit_self(Limits(memory_gib=memory))
    HistoryManager.enabled = False
    shell = Shell.instance()
    serve(Line(requests, replies), Served(shell.user_ns), shell)


if __name__ == "__main__":
    main()
