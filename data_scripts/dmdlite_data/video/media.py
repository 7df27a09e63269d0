"""Pictures and sound of a file, at rates of our own, through FFmpeg's libraries (PyAV)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dmdlite import DataError

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".wav", ".mp3", ".m4a", ".flac")
SAMPLE_RATE = 16_000  # of sound, one channel
TALLEST = 720  # pixels; a face needs no more, and a phone's 4K is slow


class TooLong(DataError):
    """A clip that goes on beyond what was allowed."""


class Tracks(NamedTuple):
    """What a file has, and how long it says it is (seconds; None: it does not say)."""

    pictures: bool
    sound: bool
    seconds: float | None


def needed(module: str):
    """A library of the extra `video`. Raises DataError that says how to get it."""
    try:
        return __import__(module)
    except ImportError as error:
        says = f'this needs {error.name}: pip install "dmdlite[video]"'
        raise DataError(f"{says} (the face model comes for Python 3.10 to 3.12)") from None


def tracks(path: Path, longest: float) -> Tracks:
    """Raises DataError for a file that is no video or sound, TooLong for one that says it is."""
    av = needed("av")
    try:
        with av.open(str(path)) as file:
            seconds = None if file.duration is None else file.duration / av.time_base
            pictures = [s for s in file.streams.video if not _is_cover(s)]
            found = Tracks(bool(pictures), bool(file.streams.audio), seconds)
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        raise DataError(f"cannot be read: {_reason(error)}") from None
    if not (found.pictures or found.sound):
        raise DataError("holds neither pictures nor sound")
    _check_length(seconds or 0.0, longest)
    return found


def pictures(path: Path, rate: float, longest: float) -> Iterator[np.ndarray]:
    """Upright RGB pictures [H, W, 3], `rate` a second: at each moment the last one that was shown
    by then, however irregularly the file has them. Picture k is of k / rate seconds."""
    av = needed("av")
    shown, step = None, 0
    try:
        with av.open(str(path)) as file:
            stream = next(s for s in file.streams.video if not _is_cover(s))
            stream.thread_type = "AUTO"
            start = None
            for frame in file.decode(stream):
                if frame.time is None:
                    continue
                start = frame.time if start is None else start
                _check_length(frame.time - start, longest)
                while shown is not None and step / rate < frame.time - start - 1e-6:
                    yield _upright(shown)
                    step += 1
                shown = frame
    except (av.error.FFmpegError, ValueError) as error:
        if shown is None:
            raise DataError(f"its pictures cannot be read: {_reason(error)}") from None
    if shown is not None:
        yield _upright(shown)


def samples(path: Path, longest: float) -> np.ndarray:
    """[S] float32 in [-1, 1], one channel, SAMPLE_RATE a second."""
    av = needed("av")
    parts, total = [], 0
    resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
    try:
        with av.open(str(path)) as file:
            for frame in file.decode(file.streams.audio[0]):
                for piece in resampler.resample(frame):
                    parts.append(piece.to_ndarray().reshape(-1))
                    total += len(parts[-1])
                    _check_length(total / SAMPLE_RATE, longest)
            parts += [piece.to_ndarray().reshape(-1) for piece in resampler.resample(None)]
    except (av.error.FFmpegError, ValueError) as error:
        if not parts:
            raise DataError(f"its sound cannot be read: {_reason(error)}") from None
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _upright(frame) -> np.ndarray:
    """A picture as it is meant to be seen: phones store portrait on its side, with a note."""
    shrink = min(1.0, TALLEST / min(frame.width, frame.height))
    width, height = (2 * max(1, round(n * shrink / 2)) for n in (frame.width, frame.height))
    picture = frame.to_ndarray(format="rgb24", width=width, height=height)
    turns = round(getattr(frame, "rotation", 0) / 90)  # counter-clockwise
    return np.ascontiguousarray(np.rot90(picture, turns))


def _is_cover(stream) -> bool:
    """A still picture beside sound, as music files have."""
    av = needed("av")
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _check_length(seconds: float, longest: float) -> None:
    if seconds > longest:
        raise TooLong(f"goes on beyond {longest:g} s; a clip is a sentence or two: cut it up")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error).splitlines()[0]
