"""A folder of notebooks -> one line of marks each."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import DataError
from ..files import ours, replacing
from . import sandbox
from .feedback import feedback_files, in_words, notes
from .sandbox import Limits
from .submission import Outcome, run_cells, run_submission
from .tests import Case, cases, sources


def submissions(folder: Path) -> list[Path]:
    """All notebooks under a folder, by name. Raises DataError when there is none."""
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() == ".ipynb"
        and path.is_file()
        and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    ]
    if not found:
        raise DataError(f"{folder}: no notebook (.ipynb) in this folder or below it")
    return found


def grade_course(
    folder: Path,
    assignment: str,
    out: Path,
    jobs: int,
    limits: Limits | None = None,
    feedback: Path | None = None,
    done: Callable[[str], None] = lambda name: None,
) -> list[dict[str, Any]]:
    """Grade every notebook under `folder`; write `out` (CSV), and beside it leaderboard.csv when
    the assignment keeps one.

    assignment  name or folder of a built assignment (see `tests.sources`)
    jobs        submissions at a time
    feedback    folder for a text file a submission (see `feedback_files`): every test, its points,
                and why it failed
    done        called with each submission's name when it is marked

    Returns the rows of `out`. Raises DataError for a folder without notebooks or an assignment
    without tests.
    """
    limits, texts = limits or Limits(), sources(assignment)
    tests, paths = cases(texts), submissions(folder)
    inside = [path.relative_to(folder) for path in paths]
    names = [str(path.with_suffix("")) for path in inside]

    def marked(path: Path, name: str) -> Outcome:
        try:
            outcome = run_submission(path, texts, limits)
        except Exception as error:  # one submission must not cost the class its marks
            outcome = Outcome(cells={"the grader": f"{type(error).__name__}: {error}"})
        done(name)
        return outcome

    _try_sandbox(limits)
    with ThreadPoolExecutor(jobs) as pool:
        marking: list[Future] = []
        try:
            marking += map(partial(pool.submit, marked), paths, names)
            outcomes = [future.result() for future in marking]
        except BaseException:  # stopped from the keyboard, say
            pool.shutdown(wait=False, cancel_futures=True)
            _stop(marking)
            raise
    if feedback:
        for file, outcome in zip(feedback_files(inside), outcomes, strict=True):
            _hand_out(feedback / file, outcome, tests)
    rows = [row(name, outcome, tests) for name, outcome in zip(names, outcomes, strict=True)]
    _write(out, rows)
    entries = [o.entry | {"submission": n} for n, o in zip(names, outcomes, strict=True) if o.entry]
    if entries:
        _write(ours(out.with_name("leaderboard.csv"), "submission,"), sorted(entries, key=_place))
    return rows


def _stop(marking: list[Future]) -> None:
    """End what runs until nobody is left to start more: who loses a process tries once again."""
    while not all(future.done() for future in marking):
        sandbox.stop_all()
        time.sleep(0.01)


def _try_sandbox(limits: Limits) -> None:
    """Raises DataError where not even an empty notebook gets through."""
    empty = run_cells([], {}, limits)
    if empty.cells:
        raise DataError(f"the sandbox does not start on this machine: {empty.cells}")


def _place(entry: dict[str, Any]) -> tuple[float, str]:
    error = entry.get("mae")
    return (error if isinstance(error, float) else float("inf")), entry["submission"]


def row(name: str, outcome: Outcome, tests: list[Case]) -> dict[str, Any]:
    """One line of grades.csv: points a question, their sum, and what the teacher should know."""
    line: dict[str, Any] = {"submission": name}
    for case in tests:
        passed = outcome.problems.get(case.key) == ""
        line[case.question] = line.get(case.question, 0) + case.points * passed
    total = sum(value for key, value in line.items() if key != "submission")
    line |= {"points": total, "of": sum(case.points for case in tests)}
    return line | {"notes": "; ".join(notes(outcome))}


def _hand_out(path: Path, outcome: Outcome, tests: list[Case]) -> None:
    """Write a student's feedback; what keeps it from being written, too long a name say, is a note
    of the outcome."""
    try:
        _write_text(ours(path, " of "), in_words(outcome, tests))
    except Exception as error:  # one submission must not cost the class its marks
        outcome.cells["feedback"] = f"not written: {getattr(error, 'strerror', None) or error}"


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(rows).map(_as_text).set_index("submission")
    _write_text(path, frame.to_csv())


def _write_text(path: Path, text: str) -> None:
    """UTF-8, whatever a submission put into its messages or its name."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8", errors="backslashreplace"))


def _as_text(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple("=+-@")) else value
