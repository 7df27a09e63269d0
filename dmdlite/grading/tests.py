"""An assignment's tests, in the files that otter-grader makes of its source notebook."""

from __future__ import annotations

import inspect
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otter.test_files import test_case

from ..errors import DataError
from .process import SubmissionProcess

NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Case:
    """One test: it takes names from the notebook and raises where they fail."""

    question: str
    name: str
    points: float
    test: Any  # otter's test case; call_func(namespace) runs it

    @property
    def key(self) -> str:
        return f"{self.question} {self.name}"

    def names(self, process: SubmissionProcess) -> dict[str, Any]:
        """What the test asks for, as a submission has it. Raises NameError."""
        found = {}
        for name in inspect.signature(self.test.test_func).parameters:
            value = process.ask("look", name=name)
            if not value:
                raise NameError(
                    f"{name} does not exist when graded; cells tagged otter_ignore are not run"
                )
            found[name] = value[0]
        return found


def built(assignment: str) -> Path:
    """The folder of a built assignment, or of that name under $DMDLITE_ASSIGNMENTS (by default
    _assignments in the current folder)."""
    root = os.environ.get("DMDLITE_ASSIGNMENTS", "_assignments")
    return Path(root) / assignment if NAME.fullmatch(assignment) else Path(assignment)


def sources(assignment: str) -> dict[str, str]:
    """Question -> the text of its test file, hidden tests included.

    assignment  a folder that `make assignments` built, or its name (see `built`); or the folder
                of a student, with the tests that were handed out

    Raises DataError when there is none.
    """
    folder = built(assignment)
    hidden, shown = (
        sorted(f.glob("*.py")) for f in (folder / "autograder/tests", folder / "tests")
    )
    files = hidden or shown
    if not files:
        raise DataError(
            f"{assignment}: no tests in {folder}/autograder; build them with `make assignments` or "
            "name the built folder"
        )
    return {path.stem: path.read_text(encoding="utf-8") for path in files}


def cases(texts: dict[str, str]) -> list[Case]:
    """The test cases of these files, in order."""
    found = []
    for question, text in texts.items():
        scope: dict[str, Any] = {}
        exec(compile(text, f"<tests of {question}>", "exec"), scope)
        for name, value in scope.items():
            if isinstance(value, test_case):
                found.append(Case(question, name, float(value.points or 0), value))
    return found
