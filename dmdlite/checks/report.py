"""Checks that say what was expected, what came, and where to read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """One property of an answer. Calling it raises AssertionError where the property fails, so
    that pytest can run it: `@pytest.mark.parametrize("check", GD_UNIT, ids=str)`."""

    name: str
    read: str  # the part of the book that explains it
    test: Callable[[Any], None]

    def __call__(self, answer: Any) -> None:
        self.test(answer)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Result:
    """How one check went: `problem` is empty when it passed."""

    check: Check
    problem: str = ""

    @property
    def line(self) -> str:
        """One line to print."""
        if not self.problem:
            return f"ok    {self.check}"
        return f"NOT   {self.check}: {self.problem}. Read again: {self.check.read}"


class Report(list[Result]):
    """The results of several checks, in order."""

    @property
    def failed(self) -> list[str]:
        """Names of the checks that failed."""
        return [result.check.name for result in self if result.problem]

    @property
    def passed(self) -> bool:
        """True when every check passed."""
        return not self.failed

    def __str__(self) -> str:
        return "\n".join(result.line for result in self)

    def __repr__(self) -> str:
        return f"{len(self) - len(self.failed)} of {len(self)} properties hold"


def run(checks: Sequence[Check], answer: Any, skip: Iterable[str] = ()) -> Report:
    """Try every check on `answer`, but for the names in `skip`.

    When the first one fails there is nothing to try the others on, and they are left out.
    Raises ValueError for a name in `skip` that no check has.
    """
    skip = known(skip, checks)
    report = Report()
    for check in checks:
        if check.name in skip:
            continue
        report.append(Result(check, _problem(check, answer)))
        if len(report) == 1 and not report.passed:
            break
    return report


def known(names: Iterable[str], checks: Sequence[Check]) -> set[str]:
    """The names as a set. Raises ValueError for one that no check has."""
    found, there = set(names), [check.name for check in checks]
    if unknown := found - set(there):
        raise ValueError(f"no check named {sorted(unknown)}; there are {there}")
    return found


def _problem(check: Check, answer: Any) -> str:
    try:
        check(answer)
    except NotImplementedError:
        return "not written yet"
    except AssertionError as error:
        return str(error) or "an assertion without a message"
    except Exception as error:  # an answer may raise anything, and the next check goes on
        return f"raised {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return ""
