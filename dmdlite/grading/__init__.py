"""Grading a class's notebooks: `dmdlite grade FOLDER --assignment a1 --out grades.csv`.

tests.py     the assignment's tests, as otter-grader wrote them
sandbox.py   one process with limits and without a network
worker.py    what runs inside it: a notebook cell by cell, then the tests
pristine.py  puts back what a notebook changed in the libraries that tests rely on
submission.py  one notebook from start to marks, over as many processes as it takes
feedback.py  what a student and a teacher read of it
course.py    a folder of notebooks -> grades.csv
"""

from .course import grade_course

__all__ = ["grade_course"]
