"""Words that stand beside another word's time: transcripts show it, and they are moved back."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import typer

from dmdlite import DataError

from .computational_sequence import PAUSE, Sequence, spoken
from .own_files import LARGEST_CSV, parse_table
from .published import describe
from .reading import reading

SHIFTS = (0, -1, 1, -2, 2)  # word j may belong to interval j + shift
KNOWN = {  # SHA-256 of published files whose words are off -> the shift that mends them
    "181272eb7ea3654941b7834604d0a61314368f4085668afae9f04c42a4610dee": -1,  # MOSI, Modified...
}
CLIP = re.compile(r"(.+?)(?:\[(\d+)\]|\$_\$(\d+)|_(\d+))")  # video[clip], video$_$clip, video_clip
Transcripts = dict[tuple[str, int], str]  # video, number of the segment from 0


class Moved:
    """A sequence of words, each moved to the interval `by` places further on."""

    def __init__(self, words: Sequence, by: int):
        self.words, self.by, self.path = words, by, words.path

    def __contains__(self, video: str) -> bool:
        return video in self.words

    def width(self) -> int | None:
        return self.words.width()

    def read(self, video: str) -> tuple[np.ndarray, np.ndarray]:
        return moved(*self.words.read(video), self.by)


def put_in_place(
    sequences: dict[str, Sequence], transcripts: Path | None, by: int
) -> tuple[dict[str, Sequence | Moved], dict[str, Any]]:
    """The sequences with their words moved `by` intervals, and what goes on record about that.

    Raises DataError when the transcripts say that they belong elsewhere.
    """
    if "words" not in sequences:
        if transcripts or by:
            raise DataError("--transcripts and --repair-shift need words: give --words FILE.csd")
        return sequences, {}
    words, about = sequences["words"], {"word_shift": by} if by else {}
    if transcripts:
        told = read_transcripts(transcripts)
        about["transcripts"] = check_words(words, sequences["labels"], told, by)
    elif not by:
        warn_of_known(words.path)
    if by and "language" in sequences:
        typer.echo(f"{sequences['language'].path}: its vectors stay where they are", err=True)
    return {**sequences, "words": Moved(words, by)} if by else sequences, about


def moved(words: np.ndarray, intervals: np.ndarray, by: int) -> tuple[np.ndarray, np.ndarray]:
    """Word j with interval j + by; words and intervals that are left alone at the ends are not."""
    n = max(len(words) - abs(by), 0)
    return words[max(-by, 0) :][:n], intervals[max(by, 0) :][:n]


def read_transcripts(path: Path) -> Transcripts:
    """Of a csv, packed or not, with columns video_id, clip_id and text, or id and text.

    Clips are counted from 0 where one is number 0, else from 1. Raises DataError for another form.
    """
    with reading(path), (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        raw = file.read(LARGEST_CSV + 1)
    if len(raw) > LARGEST_CSV:
        raise DataError(f"{path}: larger than {LARGEST_CSV >> 20} MiB")
    with reading(path):
        rows = parse_table(raw.decode("utf-8-sig"), str(path))
    columns = set(rows[0]) if rows else set()
    if "text" not in columns or not ({"id"} <= columns or {"video_id", "clip_id"} <= columns):
        raise DataError(f"{path}: needs a header with video_id, clip_id and text, or id and text")
    clips = [_clip(path, row) for row in rows]
    if len(set(clips)) < len(clips):
        raise DataError(f"{path}: {len(clips) - len(set(clips))} clips occur twice")
    first = min(min(number for _, number in clips), 1)
    return {
        (video, number - first): row["text"] or ""
        for (video, number), row in zip(clips, rows, strict=True)
    }


def _clip(path: Path, row: dict[str, str]) -> tuple[str, int]:
    """The video and the number of its clip that a row is about."""
    name = row["id"] if "id" in row else f"{row['video_id']}[{row['clip_id']}]"
    found = CLIP.fullmatch(name or "")
    if not found:
        raise DataError(f"{path}: {name!r} is no clip; expected video[clip] or video_clip")
    return found[1], int(found[2] or found[3] or found[4])


def matches(words: Sequence, labels: Sequence, transcripts: Transcripts) -> tuple[dict, int]:
    """shift -> of how many labelled segments the words are those of the transcript; and how many
    segments were compared.

    A word is in a segment when its middle is. Only letters count, whatever their case.
    """
    found, compared = dict.fromkeys(SHIFTS, 0), 0
    for video in sorted({video for video, _ in transcripts}):
        if video not in words or video not in labels:
            continue
        features, intervals = words.read(video)
        said = [_letters(w) if w != PAUSE else "" for w in spoken(features[:, 0])]
        segments = labels.read(video)[1]
        told = {i: _letters(transcripts.get((video, i), "")) for i in range(len(segments))}
        told = {i: text for i, text in told.items() if text}
        compared += len(told)
        for shift in SHIFTS:
            parts, spans = moved(np.array(said, dtype=object), intervals, shift)
            middles = spans.mean(axis=1)
            for i, text in told.items():
                start, end = segments[i]
                found[shift] += "".join(parts[(start < middles) & (middles < end)]) == text
    return found, compared


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalpha())


def check_words(
    words: Sequence, labels: Sequence, transcripts: Transcripts, by: int
) -> dict[str, int]:
    """How many segments were compared, and how many say what their transcript says once the words
    are moved `by`.

    Raises DataError when most would with another shift; says so when they do with none.
    """
    found, compared = matches(words, labels, transcripts)
    if not compared:
        raise DataError(f"{words.path}: none of its labelled segments has a transcript")
    best = max(SHIFTS, key=lambda shift: (found[shift], shift == by))
    if best != by and found[best] > compared / 2:
        raise DataError(
            f"{words.path}: word j with interval {_interval(by)} matches {found[by]} of {compared} "
            f"transcripts, with interval {_interval(best)} {found[best]}; --repair-shift {best} "
            "moves every word there"
        )
    says = f"{words.path}: the words of {found[by]} of {compared} segments are the transcript's"
    if found[by] <= compared / 2:
        says = f"warning: {says}, and no shift from {min(SHIFTS)} to {max(SHIFTS)} makes it most"
    typer.echo(says, err=True)
    return {"compared": compared, "matched": found[by]}


def _interval(shift: int) -> str:
    return f"j{shift:+d}" if shift else "j"


def warn_of_known(path: Path) -> None:
    """Say that a published file's words are off, where that is known of this very file."""
    shift = KNOWN.get(describe(path)["sha256"])
    if shift:
        typer.echo(
            f"warning: {path}: as published, word j belongs to interval {_interval(shift)}; "
            f"--repair-shift {shift} moves it there, --transcripts FILE.csv shows it",
            err=True,
        )
