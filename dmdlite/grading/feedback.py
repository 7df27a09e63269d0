"""What the teacher and the student read of a submission, and which file the student finds."""

from __future__ import annotations

import unicodedata
from itertools import count
from pathlib import Path

from ..files import PARTIAL, ours, replacing
from .judge import Outcome
from .tests import Case


def feedback_files(submissions: list[Path]) -> list[str]:
    """A text file for each submission, none that of two, none a folder of another's.

    `group/ada.ipynb` gets `group/ada.txt`. Where that is taken, also but for the case of its
    letters, `group-ada-2.txt`, `group-ada-3.txt` and so on, whatever the order of `submissions`.
    """
    waiting = sorted(submissions, key=lambda s: (len(s.parts), s.as_posix()))
    found: dict[Path, str] = {}
    files: set[Path] = set()
    folders: set[Path] = set()
    for number in count(1):
        for submission in waiting:
            stem = submission.with_suffix("").as_posix()
            name = f"{stem}.txt" if number == 1 else f"{stem.replace('/', '-')}-{number}.txt"
            path = Path(_alike(name))
            mine = {path, path.with_name(path.name + PARTIAL)}  # where it is being written
            above = {*path.parents}
            if mine.isdisjoint(files | folders) and above.isdisjoint(files):
                found[submission] = name
                files |= mine
                folders |= above
        waiting = [s for s in waiting if s not in found]
        if not waiting:
            return [found[submission] for submission in submissions]


def _alike(name: str) -> str:
    """The same text for names that some file system takes for one."""
    return unicodedata.normalize("NFC", name.casefold())


def notes(outcome: Outcome) -> list[str]:
    """What happened besides passing and failing."""
    if outcome.unreadable:
        return [outcome.unreadable]
    found = [f"{key}: {why}" for key, why in outcome.cells.items()]
    return found + outcome.notes


def hand_out(path: Path, outcome: Outcome, tests: list[Case], by_hand: int) -> None:
    """Write a student's feedback; what keeps it from being written, too long a name say, is a note
    of the outcome."""
    try:
        with replacing(ours(path, " of ")) as temporary:
            text = in_words(outcome, tests, by_hand)
            temporary.write_bytes(text.encode("utf-8", errors="backslashreplace"))
    except Exception as error:  # one submission must not cost the class its marks
        outcome.cells["feedback"] = f"not written: {getattr(error, 'strerror', None) or error}"


def in_words(outcome: Outcome, tests: list[Case], by_hand: int = 0) -> str:
    """Feedback for a student: a line a test, their sum, and how many points a person gives."""
    lines, points = [], 0.0
    for case in tests:
        problem = outcome.problems.get(case.key, "not reached")
        got = 0 if problem else case.points
        points += got
        lines.append(
            f"{case.question}  {case.name}: {got:g} of {case.points:g}  {problem}".rstrip()
        )
    lines.append(f"tests together: {points:g} of {sum(case.points for case in tests):g}")
    if by_hand:
        lines.append(f"written parts: up to {by_hand} points more, given by a person")
    return "\n".join([*lines, *notes(outcome)]) + "\n"
