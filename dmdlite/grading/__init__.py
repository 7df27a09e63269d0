"""Grading a class's notebooks: `dmdlite grade FOLDER --assignment a1 --out grades.csv`.

handed_in.py   every file of the class: notebooks, zips, and what is neither
submission.py  a notebook's cells, and what to look at in them
tests.py       the assignment's tests, as otter-grader wrote them
judge.py       one notebook from start to marks: its cells run elsewhere, its tests here
process.py     the process in which they run, as the judge talks to it
remote.py      a function or unit of that process, as a test calls it
exchange.py    data between the two, as JSON and safetensors
worker.py, served.py  what runs in that process
sandbox.py     limits, and no network
course.py      a folder -> the rows of grades.csv
tables.py, roster.py, written.py, feedback.py  what teacher and students read of it
"""

from __future__ import annotations

from typing import Any

__all__ = ["grade_course"]


def __getattr__(name: str) -> Any:
    """`grade_course`, once asked for: it needs more packages than the rest of dmdlite."""
    if name not in __all__:
        raise AttributeError(name)
    from .course import grade_course

    return grade_course
