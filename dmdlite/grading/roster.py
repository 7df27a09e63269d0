"""Who is in the class, and whose a submission is; tables that Moodle and Canvas import."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import DataError

IDS = ("id", "student id", "id number", "sis user id", "sis login id", "username", "login")
EMAILS = ("email", "e-mail", "email address", "mail")
NAMES = ("name", "full name", "student", "student name")
FIRST, LAST = ("first name", "firstname", "given name"), ("last name", "lastname", "surname")


@dataclass(frozen=True)
class Student:
    """A line of the roster."""

    line: dict[str, str]  # as it stands there
    name: str
    email: str
    ids: tuple[str, ...]

    @property
    def known_as(self) -> set[str]:
        """What a file or folder of theirs may start with."""
        words = self.name.replace(",", " ").split()
        turned = [*words[1:], *words[:1]], [*words[-1:], *words[:-1]]
        names = ["".join(w) for w in (words, *turned)]
        found = {_plain(n) for n in [*names, self.email, self.email.partition("@")[0], *self.ids]}
        return found - {""}


def read_roster(path: Path) -> list[Student]:
    """The students of a CSV with a header, such as a gradebook that Moodle or Canvas exports.

    Columns are known by their names: an id, an e-mail address, a name, or first and last name.
    Raises DataError where the file cannot be read, has none of these, or two students alike.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [
                {
                    (k or "").strip(): (v or "").strip()
                    for k, v in line.items()
                    if isinstance(v, str)
                }
                for line in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a CSV file in UTF-8 ({error})") from None
    students = [s for s in map(_student, lines) if s.known_as and s.name != "Points Possible"]
    if not students:
        raise DataError(f"{path}: no student; name a column id, email, or name")
    for line, times in Counter(tuple(s.line.items()) for s in students).items():
        if times > 1:
            raise DataError(f"{path}: {times} lines alike, {dict(line)}")
    return students


def _student(line: dict[str, str]) -> Student:
    by_name = {k.casefold(): v for k, v in line.items()}

    def first(names: tuple[str, ...]) -> str:
        return next((by_name[n] for n in names if by_name.get(n)), "")

    name = first(NAMES) or f"{first(FIRST)} {first(LAST)}".strip()
    return Student(line, name, first(EMAILS), tuple(by_name[n] for n in IDS if by_name.get(n)))


def _plain(text: str) -> str:
    """Letters and digits alone, without case and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in apart if c.isalnum())


def whose(submission: str, roster: list[Student]) -> list[Student]:
    """The students whose a submission can be, by the first part of its name: `ada.ipynb`,
    `ada/a1.ipynb`, Moodle's `Ada Lovelace_1_assignsubmission_file/`, Canvas's `lovelaceada_1_2_a1`.
    """
    stem = re.sub(r"\.(ipynb|zip)$", "", PurePosixPath(submission).parts[0], flags=re.I)
    by_all, *by_part = ({_plain(word)} for word in (stem, *stem.split("_")))
    for words in (by_all, *by_part):
        if found := [s for s in roster if s.known_as & words]:
            return found
    return []


def moodle(marks: list[tuple[Student, str, str]], assignment: str) -> list[dict[str, str]]:
    """(student, points, notes) as Moodle imports it: Grades, Import, CSV file, by e-mail."""
    return [
        {"Email address": s.email, assignment: points, f"{assignment} feedback": notes}
        for s, points, notes in marks
    ]


def canvas(marks: list[tuple[Student, str, str]], assignment: str) -> list[dict[str, str]]:
    """(student, points, notes) as Canvas imports it: columns of its export, one of points."""
    columns = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
    return [{**{c: s.line.get(c, "") for c in columns}, assignment: p} for s, p, _ in marks]
