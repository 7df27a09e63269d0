"""A folder of what a class handed in -> one line of marks each."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from ..errors import DataError
from . import sandbox
from .feedback import feedback_files, hand_out, notes
from .handed_in import Handed, handed_in
from .judge import Outcome, judge, judge_cells
from .sandbox import Limits
from .tables import Table
from .tests import Case, cases, sources
from .written import write_answers, written_parts

SOCKET_PATH = 60  # characters: a system allows about 100, of which the socket's name takes 32
SLACK = 120.0  # seconds on top of a submission's, for a judge that is busy with its answers
STOPPED = "not marked: the grader was stopped"


def grade_course(
    folder: Path,
    assignment: str,
    out: Path,
    jobs: int,
    limits: Limits | None = None,
    feedback: Path | None = None,
    done: Callable[[str], None] = lambda name: None,
    begin: Callable[[int], None] = lambda count: None,
    roster: Path | None = None,
    lms: str = "",
) -> list[dict[str, Any]]:
    """Mark everything under `folder`, a row a file; write `out` (CSV), and beside it what goes
    with it (see `tables`).

    assignment  name or folder of a built assignment (see `tests.sources`)
    jobs        submissions at a time
    feedback    folder for a text file a submission (see `feedback_files`): every test, its points,
                and why it failed
    done        called with each submission's name when it is marked
    begin       called with their number before
    roster      CSV of the class: rows say whose they are, and who handed in nothing
    lms         "moodle" or "canvas": also write what it imports, with the roster's columns

    Returns the rows of `out`. Stopped by KeyboardInterrupt, it writes what is marked so far. Raises
    DataError for a folder without files, an assignment without tests, or a roster that cannot be
    read.
    """
    limits, texts = limits or Limits(), sources(assignment)
    parts = written_parts(assignment)
    table = Table(out, Path(assignment).name, parts, roster, lms)
    tests = cases(texts)
    _try_sandbox(limits)
    with tempfile.TemporaryDirectory(prefix="unpacked-") as unpacked:
        files = handed_in(folder, Path(unpacked))
        begin(len(files))
        outcomes: dict[str, Outcome] = {}
        try:
            _mark(files, texts, limits, jobs, outcomes, done)
        finally:
            for handed in files:
                outcomes.setdefault(handed.name, Outcome(unreadable=STOPPED))
            if feedback:
                inside = [Path(handed.name) for handed in files]
                for file, handed in zip(feedback_files(inside), files, strict=True):
                    by_hand = sum(part.points for part in parts)
                    hand_out(feedback / file, outcomes[handed.name], tests, by_hand)
            rows = [row(handed.name, outcomes[handed.name], tests) for handed in files]
            rows = table.write(rows, [outcomes[handed.name].entry for handed in files])
            read = [(h.name, h.notebook) for h in files if h.notebook]
            write_answers(table.answers, table.title, parts, read)
    return rows


def _mark(
    files: list[Handed],
    texts: dict[str, str],
    limits: Limits,
    jobs: int,
    outcomes: dict[str, Outcome],
    done: Callable[[str], None],
) -> None:
    """Fill `outcomes`, `jobs` at a time."""
    marking: dict[Future, Handed] = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for handed in files:
                if handed.notebook:
                    marking[pool.submit(_judged, handed.notebook, texts, limits)] = handed
                else:
                    outcomes[handed.name] = Outcome(unreadable=handed.note)
                    done(handed.name)
            for future in as_completed(marking):
                handed = marking[future]
                outcomes[handed.name] = future.result()
                outcomes[handed.name].notes += [handed.note] if handed.note else []
                done(handed.name)
        except BaseException:  # stopped from the keyboard, say
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in marking):
                for process in multiprocessing.active_children():
                    process.terminate()
                time.sleep(0.01)
            raise


def _judged(path: Path, texts: dict[str, str], limits: Limits) -> Outcome:
    """The outcome of one submission, judged in a process of its own: whatever it answers, the next
    one finds all as it was, and the class does not wait for it."""
    start = _start()
    receiving, sending = start.Pipe(duplex=False)
    process = start.Process(target=_judge, args=(sending, path, texts, limits), daemon=True)
    process.start()
    sending.close()
    try:
        if receiving.poll(limits.total_seconds + SLACK):
            return receiving.recv()
        return Outcome(cells={"the grader": "stopped: what it answers takes too long to judge"})
    except EOFError:
        return Outcome(cells={"the grader": "its process ended; is the machine out of memory?"})
    finally:
        process.terminate()
        process.join()


def _start() -> BaseContext:
    """How a process starts: in an instant as the copy of one that has imported all; but that one
    listens on a socket in the temporary folder, whose path must not be long."""
    if len(tempfile.gettempdir()) > SOCKET_PATH:
        return multiprocessing.get_context("spawn")
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["dmdlite.grading.judge"])
    return server


def _judge(sending: Connection, path: Path, texts: dict[str, str], limits: Limits) -> None:
    """Ctrl-C is for the process that started us; when it stops us or dies, our submission stops
    too. What a submission answers must not fill the machine's memory."""

    def end(*_: object) -> None:
        sandbox.stop_all()
        os._exit(1)

    def follow() -> None:
        multiprocessing.parent_process().join()
        end()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=follow, daemon=True).start()
    sandbox.limit_memory(2 * limits.memory_gib)
    try:
        outcome = judge(path, texts, limits)
    except Exception as error:  # one submission must not cost the class its marks
        outcome = Outcome(cells={"the grader": f"{type(error).__name__}: {str(error)[:300]}"})
    sending.send(outcome)


def _try_sandbox(limits: Limits) -> None:
    """Raises DataError where not even an empty notebook gets through."""
    empty = judge_cells([], {}, limits)
    if empty.cells:
        raise DataError(f"the sandbox does not start on this machine: {empty.cells}")


def row(name: str, outcome: Outcome, tests: list[Case]) -> dict[str, Any]:
    """One line of grades.csv: points a question, their sum, and what the teacher should know."""
    line: dict[str, Any] = {"submission": name}
    for case in tests:
        passed = outcome.problems.get(case.key) == ""
        line[case.question] = line.get(case.question, 0) + case.points * passed
    total = sum(value for key, value in line.items() if key != "submission")
    line |= {"points": total, "of": sum(case.points for case in tests)}
    return line | {"notes": "; ".join(notes(outcome))}
