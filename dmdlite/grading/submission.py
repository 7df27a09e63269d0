"""One notebook from start to marks, over as many processes as it takes."""

from __future__ import annotations

import json
import os
import secrets
import select
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from . import sandbox
from .sandbox import Limits

IGNORED = "otter_ignore"  # the tag of cells that need not run for the tests
NOTEBOOK_BYTES = 20 << 20
RESTARTS = 6  # cells and questions that may kill the process before we stop trying
LINE_BYTES = 1 << 16  # of one message
GRACE = 5.0  # seconds on top of a step's limit before the process is stopped from outside


@dataclass
class Outcome:
    """What running a submission brought."""

    problems: dict[str, str] = field(default_factory=dict)  # test -> "" (passed), or why not
    cells: dict[str, str] = field(default_factory=dict)  # cell -> what it raised, why left out
    changed: list[str] = field(default_factory=list)  # library names that the notebook replaced
    unreadable: str = ""
    entry: dict[str, Any] = field(default_factory=dict)  # what a test left for the leaderboard


def cells_of(path: Path) -> list[tuple[int, str]]:
    """(number, source) of a notebook's code cells, but for those tagged as not needed.

    Raises ValueError when the file is not a notebook.
    """
    try:
        if path.stat().st_size > NOTEBOOK_BYTES:
            raise ValueError(f"larger than {NOTEBOOK_BYTES >> 20} MB")
        notebook = nbformat.reads(path.read_bytes().decode("utf-8-sig"), as_version=4)
        return [
            (number, cell.source)
            for number, cell in enumerate(notebook.cells, start=1)
            if cell.cell_type == "code" and IGNORED not in (cell.metadata.get("tags") or [])
        ]
    except Exception as error:  # nbformat raises what its parsers raise
        raise ValueError(" ".join(str(error).split())[:200] or type(error).__name__) from None


def run_submission(path: Path, tests: dict[str, str], limits: Limits) -> Outcome:
    """Run a notebook and its tests (question -> the text of its test file)."""
    try:
        cells = cells_of(path)
    except ValueError as error:
        return Outcome(unreadable=str(error))
    return run_cells(cells, tests, limits)


def run_cells(cells: list[tuple[int, str]], tests: dict[str, str], limits: Limits) -> Outcome:
    """Run cells and tests. A cell or a question that kills its process, or hangs beyond reach, is
    left out, and the rest is run again; tests passed before count."""
    outcome = Outcome()
    skip: dict[str, str] = {}
    end = time.monotonic() + limits.total_seconds
    for _ in range(RESTARTS + 1):
        with tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True) as folder:
            attempt, stopped_at, why = _attempt(cells, tests, list(skip), limits, end, Path(folder))
            outcome.problems |= attempt.problems
            outcome.cells |= attempt.cells
            outcome.changed = sorted({*outcome.changed, *attempt.changed})
            outcome.entry = attempt.entry or outcome.entry
        if not stopped_at:
            break
        skip[stopped_at] = why
        if time.monotonic() > end:
            break
    outcome.cells |= skip
    return outcome


def _attempt(
    cells: list, tests: dict, skip: list, limits: Limits, end: float, folder: Path
) -> tuple[Outcome, str, str]:
    """One process: what it brought, the step that it did not survive ("" if it did), and why."""
    token, outcome, step = secrets.token_hex(8), Outcome(), "start"
    job = {"cells": cells, "tests": tests, "skip": skip, "token": token}
    job |= {"step_seconds": limits.step_seconds, "memory_gib": limits.memory_gib}
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "dmdlite.grading.worker", str(writing)]
    process = sandbox.start(command, folder, writing, limits)
    os.close(writing)
    why = "ended the process"
    try:
        process.stdin.write(json.dumps(job))
        process.stdin.close()
        buffer, deadline = b"", end  # starting takes the machine's time, not the submission's
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([reading], [], [], left)[0]:
                why = "took too long and could not be interrupted"
                if time.monotonic() >= end:
                    why = f"the submission took longer than {limits.total_seconds:g} s"
                break
            chunk = os.read(reading, 1 << 16)
            if not chunk:
                break
            *lines, buffer = (buffer + chunk).split(b"\n")
            if len(buffer) > LINE_BYTES:
                why = "wrote into the grader's pipe"
                break
            for line in lines:
                message = _message(line, token)
                if "step" in message:
                    step = message["step"]
                    deadline = min(end, time.monotonic() + limits.step_seconds + GRACE)
                _note(outcome, message)
    except BrokenPipeError:
        pass
    finally:
        sandbox.stop(process)
        os.close(reading)
    return outcome, "" if step == "end" else step, why


def _message(line: bytes, token: str) -> dict[str, Any]:
    """A line of the worker's; {} for what somebody else wrote into the pipe."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) and message.get("token") == token else {}


def _note(outcome: Outcome, message: dict[str, Any]) -> None:
    if "case" in message:
        outcome.problems[message["case"]] = message["problem"]
    elif "cell" in message:
        outcome.cells[message["cell"]] = message["problem"]
    elif "changed" in message:
        outcome.changed += message["changed"]
    elif "entry" in message:
        outcome.entry = _entry(message["entry"])


def _entry(text: str) -> dict[str, Any]:
    """The line for the leaderboard that a test left; {} for anything but plain fields."""
    try:
        entry = json.loads(text)
    except ValueError:
        return {}
    plain = isinstance(entry, dict) and all(
        isinstance(v, str | int | float) for v in entry.values()
    )
    return entry if plain else {}
