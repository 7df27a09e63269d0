"""From a notebook to its marks: cells run in one process, tests in this one.

A test counts when it passes where its question's check cell stands, or at the end of the notebook.
Whatever it calls of the submission runs in the submission's process (`remote`), which knows no
test and writes no mark.
"""

from __future__ import annotations

import random
import re
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..checks import leaderboard
from .exchange import Broken, brief
from .process import SubmissionProcess
from .sandbox import Limits
from .submission import read_submission
from .tests import Case, cases

CHECK = re.compile(r"""^\s*grader\.check\(["'](\w+)["']\)\s*;?\s*$""")
RESTARTS = 6  # cells and questions that may kill the process before we stop trying


@dataclass
class Outcome:
    """What running a submission brought."""

    problems: dict[str, str] = field(default_factory=dict)  # test -> "" (passed), or why not
    cells: dict[str, str] = field(default_factory=dict)  # cell -> what it raised, why left out
    notes: list[str] = field(default_factory=list)  # what a person should look at
    unreadable: str = ""
    entry: dict[str, Any] = field(default_factory=dict)  # what a test left for the leaderboard


def judge(path: Path, tests: dict[str, str], limits: Limits) -> Outcome:
    """Run a notebook and its tests (question -> the text of its test file)."""
    try:
        submission = read_submission(path)
    except ValueError as error:
        return Outcome(unreadable=f"not a notebook: {error}")
    outcome = judge_cells(submission.cells, tests, limits)
    outcome.notes += submission.notes
    return outcome


def judge_cells(cells: list[tuple[int, str]], tests: dict[str, str], limits: Limits) -> Outcome:
    """Run cells and tests. A cell or a question that kills the process, or hangs beyond reach, is
    left out, and the rest is run again; tests passed before count."""
    torch.set_num_threads(1)  # as many at a time as there are cores
    played = Play(cells, cases(tests), limits)
    for _ in range(RESTARTS + 1):
        played.step = "start"
        try:
            with (
                tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True) as folder,
                SubmissionProcess(Path(folder), limits) as process,
            ):
                played.through(process)
            break
        except Broken as why:
            played.left_out[played.step] = str(why)
        if time.monotonic() > played.end:
            break
    played.outcome.cells |= played.left_out
    return played.outcome


class Play:
    """One notebook, as often as it takes."""

    def __init__(self, cells: list[tuple[int, str]], cases: list[Case], limits: Limits):
        self.cells, self.cases, self.limits = cells, cases, limits
        self.outcome = Outcome()
        self.left_out: dict[str, str] = {}  # a cell or a question -> why
        self.step = "start"
        self.end = time.monotonic() + limits.total_seconds

    def through(self, process: SubmissionProcess) -> None:
        """All cells and tests, but for what is left out. Raises Broken at a step that fails."""
        tests_from = (time.monotonic() + self.end) / 2  # cells leave time for the tests
        for number, source in self.cells:
            if check := CHECK.match(source):
                self.mark(check[1], process)
            elif f"cell {number}" not in self.left_out:
                self.step = f"cell {number}"
                self.run(source, process, tests_from)
        for question in dict.fromkeys(case.question for case in self.cases):
            self.mark(question, process)

    def run(self, source: str, process: SubmissionProcess, until: float) -> None:
        seconds = min(self.limits.step_seconds, until - time.monotonic())
        if seconds <= 0:
            self.outcome.cells[self.step] = "not run: the cells before it took too long"
        elif problem := process.run(source, seconds):
            self.outcome.cells[self.step] = problem

    def mark(self, question: str, process: SubmissionProcess) -> None:
        """Try the tests of a question that have not passed; all together may take a step's time."""
        end = min(time.monotonic() + self.limits.step_seconds, self.end)
        for case in self.cases:
            passed = self.outcome.problems.get(case.key) == ""
            if case.question == question and not passed and question not in self.left_out:
                self.step, process.until = question, end
                self.outcome.problems[case.key] = self.problem(case, process)

    def problem(self, case: Case, process: SubmissionProcess) -> str:
        """Why the test fails; "" when it passes."""
        if time.monotonic() > self.end:
            return f"the submission took longer than {self.limits.total_seconds:g} s"
        leaderboard.ENTRY.clear()
        random.seed(0)
        np.random.seed(0)
        torch.manual_seed(0)
        try:
            case.test.call_func(case.names(process))
        except Exception as error:
            return brief(error) or "failed, without a message"
        finally:
            self.outcome.entry = dict(leaderboard.ENTRY) or self.outcome.entry
        return ""
