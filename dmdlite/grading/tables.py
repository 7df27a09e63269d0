"""The tables that grading writes: marks, a leaderboard, and what a learning platform imports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import DataError
from ..files import ours, replacing
from .roster import Student, canvas, moodle, read_roster, whose
from .written import Part

MARK = "submission,"  # how a table of ours begins
FORMATS = {"moodle": moodle, "canvas": canvas}


class Table:
    """grades.csv, and what lies beside it: leaderboard.csv, and moodle.csv or canvas.csv.

    Columns: submission; name, email and id where there is a roster; the points of every question,
    and of every written part, which a person fills in and which are kept when the grader runs
    again; the points of all tests, out of how many, and notes. Raises DataError for a file that
    is not ours or another assignment's, and for a format without a roster.
    """

    def __init__(self, out: Path, title: str, parts: list[Part], roster: Path | None, lms: str):
        if lms and (lms not in FORMATS or not roster):
            known = " or ".join(FORMATS)
            raise DataError(f"--lms: {known}, together with --roster, the class as it exports it")
        self.out, self.title, self.parts, self.lms = ours(out, MARK), title, parts, lms
        self.leaderboard = ours(out.with_name("leaderboard.csv"), MARK)
        self.answers = ours(out.with_name("answers.html"), f"<title>{title}<")
        self.for_lms = out.with_name(f"{lms}.csv")
        if lms:
            ours(self.for_lms, f",{title}")
        self.students = read_roster(roster) if roster else []
        self.typed = _typed(out, parts)

    def write(
        self, rows: list[dict[str, Any]], entries: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Write all; returns the rows of grades.csv. entries: of the leaderboard, a row each."""
        owners = [whose(row["submission"], self.students) for row in rows]
        rows = [self._completed(*pair) for pair in zip(rows, owners, strict=True)]
        there = [s for of_row in owners for s in of_row]
        of = {"of": rows[0]["of"], "points": 0, "notes": "handed in nothing"}
        rows += [
            self._completed({"submission": "", **of}, [s]) for s in self.students if s not in there
        ]
        _write(self.out, rows)
        placed = [
            {"submission": r["submission"], **e} for r, e in zip(rows, entries, strict=False) if e
        ]
        if placed:
            _write(self.leaderboard, sorted(placed, key=_place))
        if self.lms:
            _write(self.for_lms, FORMATS[self.lms](self._marks(rows, owners), self.title))
        return rows

    def _completed(self, row: dict[str, Any], owners: list[Student]) -> dict[str, Any]:
        """The row with whose it is, and with what a person has typed into it before."""
        notes = [row["notes"]] if row["notes"] else []
        person = {}
        if self.students:
            owner = owners[0] if len(owners) == 1 else Student({}, "", "", ())
            person = {"name": owner.name, "email": owner.email, "id": next(iter(owner.ids), "")}
            if len(owners) > 1:
                notes.append(f"could be of {len(owners)} students: {[s.name for s in owners][:5]}")
            if not owners:
                notes.append("of nobody in the roster")
        written = self.typed.get(row["submission"], {part.name: "" for part in self.parts})
        tests = {k: v for k, v in row.items() if k not in ("submission", "points", "of", "notes")}
        last = {"points": row["points"], "of": row["of"], "notes": "; ".join(notes)}
        return {"submission": row["submission"], **person, **tests, **written, **last}

    def _marks(
        self, rows: list[dict[str, Any]], owners: list[list[Student]]
    ) -> list[tuple[Student, str, str]]:
        """Every student's points, the best of several submissions; none while a written part is
        not marked."""
        best: dict[int, tuple[str, str]] = {}
        for row, of_row in zip(rows, owners, strict=False):
            marks = [row["points"], *(row[part.name] for part in self.parts)]
            total = "" if "" in marks else f"{sum(map(float, marks)):g}"
            for student in of_row if len(of_row) == 1 else []:
                before = best.get(id(student), ("", ""))
                best[id(student)] = max(
                    before, (total, row["notes"]), key=lambda b: float(b[0] or -1)
                )
        nothing = ("0", "handed in nothing")
        return [(s, *best.get(id(s), nothing)) for s in self.students]


def _typed(out: Path, parts: list[Part]) -> dict[str, dict[str, str]]:
    """Submission -> points of its written parts, as somebody typed them into an earlier table."""
    if not out.exists() or not out.stat().st_size:
        return {}
    before = pd.read_csv(out, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    names = [part.name for part in parts if part.name in before]
    marks = before.set_index("submission")[names].to_dict("index")
    whole = {part.name: "" for part in parts}
    return {name: {**whole, **found} for name, found in marks.items() if any(found.values())}


def _place(entry: dict[str, Any]) -> tuple[float, str]:
    error = entry.get("mae")
    return (error if isinstance(error, float) else float("inf")), entry["submission"]


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    """UTF-8 with a mark by which spreadsheets know it, whatever a submission put into it."""
    text = pd.DataFrame(rows).fillna("").map(_as_text).to_csv(index=False)
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8-sig", errors="backslashreplace"))


def _as_text(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple("=+-@")) else value
