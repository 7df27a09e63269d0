"""A folder of what a class handed in -> one line of marks each."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
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
            write_answers(out.with_name("answers.html"), table.title, parts, read)
    return rows


def _mark(
    files: list[Handed],
    texts: dict[str, str],
    limits: Limits,
    jobs: int,
    outcomes: dict[str, Outcome],
    done: Callable[[str], None],
) -> None:
    """Fill `outcomes`, each in one of `jobs` processes of ours, which starts one of theirs."""
    spawned = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, spawned, _as_judge, (limits,))
    marking: dict[Future, str] = {}
    try:
        for handed in files:
            if handed.notebook:
                marking[pool.submit(judge, handed.notebook, texts, limits)] = handed.name
            else:
                outcomes[handed.name] = Outcome(unreadable=handed.note)
                done(handed.name)
        waiting = set(marking)
        while waiting:
            ready, waiting = wait(waiting, return_when="FIRST_COMPLETED")
            for future in ready:
                outcomes[marking[future]] = _outcome(future)
                done(marking[future])
        pool.shutdown()
    except BaseException:  # stopped from the keyboard, say
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    for handed in files:
        if handed.notebook and handed.note:
            outcomes[handed.name].notes.append(handed.note)


def _as_judge(limits: Limits) -> None:
    """Ctrl-C is for the process that started us; when it stops us or dies, our submission stops
    too. What a submission answers must not fill the machine's memory."""

    def end(*_: object) -> None:
        sandbox.stop_all()
        raise SystemExit(143)

    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        multiprocessing.parent_process().join()
        sandbox.stop_all()
        os._exit(1)

    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=follow, daemon=True).start()
    sandbox.limit_memory(2 * limits.memory_gib)


def _outcome(future: Future) -> Outcome:
    """What the judge found; one submission must not cost the class its marks."""
    try:
        return future.result()
    except Exception as error:
        return Outcome(cells={"the grader": f"{type(error).__name__}: {error}"})


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
