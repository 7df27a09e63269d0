"""A folder of notebooks -> one line of marks each."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import DataError
from ..files import replacing
from . import sandbox
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
    feedback    folder for a text file a submission: every test, its points, and why it failed
    done        called with each submission's name when it is marked

    Returns the rows of `out`. Raises DataError for a folder without notebooks or an assignment
    without tests.
    """
    limits, texts = limits or Limits(), sources(assignment)
    tests, paths = cases(texts), submissions(folder)

    def marked(path: Path) -> tuple[dict[str, Any], Outcome]:
        try:
            outcome = run_submission(path, texts, limits)
        except Exception as error:  # one submission must not cost the class its marks
            outcome = Outcome(cells={"the grader": f"{type(error).__name__}: {error}"})
        name = str(path.relative_to(folder).with_suffix(""))
        if feedback:
            try:
                _write_text(feedback / f"{name}.txt", in_words(outcome, tests))
            except OSError as error:  # a name that is too long, or also a folder's
                outcome.cells["feedback"] = f"not written: {error.strerror}"
        done(name)
        return row(name, outcome, tests), outcome

    _try_sandbox(limits)
    pool = ThreadPoolExecutor(jobs)
    try:
        results = list(pool.map(marked, paths))
    except BaseException:  # stopped from the keyboard, say
        pool.shutdown(wait=False, cancel_futures=True)
        sandbox.stop_all()
        raise
    pool.shutdown()
    _write(out, [line for line, _ in results])
    entries = [o.entry | {"submission": line["submission"]} for line, o in results if o.entry]
    if entries:
        _write(out.with_name("leaderboard.csv"), sorted(entries, key=_place))
    return [line for line, _ in results]


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


def notes(outcome: Outcome) -> list[str]:
    """What happened besides passing and failing."""
    if outcome.unreadable:
        return [f"not a notebook: {outcome.unreadable}"]
    found = [f"{key}: {why}" for key, why in outcome.cells.items()]
    if outcome.changed:
        found.append("replaced, and put back before testing: " + ", ".join(outcome.changed))
    return found


def in_words(outcome: Outcome, tests: list[Case]) -> str:
    """Feedback for a student: a line a test."""
    lines = []
    for case in tests:
        problem = outcome.problems.get(case.key, "not reached")
        got = 0 if problem else case.points
        lines.append(
            f"{case.question}  {case.name}: {got:g} of {case.points:g}  {problem}".rstrip()
        )
    return "\n".join([*lines, *notes(outcome)]) + "\n"


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
