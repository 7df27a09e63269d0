"""Pictures and sound of a file, at rates of our own, through FFmpeg's libraries (PyAV)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dmdlite import DataError

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".wav", ".mp3", ".m4a", ".flac")
SAMPLE_RATE = 16_000  # of sound, one channel
TALLEST = 720  # pixels; a face needs no more, and a phone's 4K is slow
SLACK = 0.1  # seconds that a clip may be longer than it may: sound ends in whole packets
GAP = 0.05  # seconds without sound that are filled; less is rounding
EARLY = 1e-6  # seconds that a picture may come late and still count as shown


class Unreadable(DataError):
    """A file, or its pictures or sound, that FFmpeg makes nothing of."""


class Tracks(NamedTuple):
    """What a file has, and the seconds that it says it has (None: it does not say)."""

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
    """Raises DataError for a file that is no video or sound, or longer than `longest`."""
    av = needed("av")
    with _said(), av.open(str(path)) as file:
        seconds = None if file.duration is None else file.duration / av.time_base
        pictures = [s for s in file.streams.video if not _is_cover(s)]
        found = Tracks(bool(pictures), bool(file.streams.audio), seconds)
    if not (found.pictures or found.sound):
        raise DataError("holds neither pictures nor sound")
    _check_length(seconds or 0.0, longest)
    return found


def pictures(path: Path, rate: float, longest: float) -> Iterator[np.ndarray | None]:
    """Upright RGB pictures [H, W, 3], `rate` a second: at each moment the last one that was shown
    by then, however irregularly the file has them; None before the first. Picture k is of k / rate
    seconds since the file begins, which may be with sound."""
    shown, step, end = None, 0, 0.0
    for at, frame, wide in _frames(path, "video"):
        _check_length(at, longest)
        while step / rate < at - EARLY:
            yield None if shown is None else _upright(shown, wide)
            step += 1
        shown = frame
        end = at + (frame.duration or 0) * float(frame.time_base)
    while shown is not None and step / rate < max(end - EARLY, step == 0):
        yield _upright(shown, wide)
        step += 1


def samples(path: Path, longest: float) -> np.ndarray:
    """[S] float32, the mean of the channels that are not silent, SAMPLE_RATE a second, from the
    moment that the file begins; zeros where it has no sound."""
    av = needed("av")
    parts, total, resampler = [], 0, None
    for at, frame, _ in _frames(path, "audio"):
        _check_length(at, longest)
        resampler = resampler or av.AudioResampler("fltp", frame.layout, SAMPLE_RATE)
        lacking = round(at * SAMPLE_RATE) - total
        if lacking > GAP * SAMPLE_RATE:
            parts.append(np.zeros((len(frame.layout.channels), lacking), np.float32))
            total += lacking
        for piece in resampler.resample(frame):
            parts.append(piece.to_ndarray())
            total += parts[-1].shape[1]
    parts += [piece.to_ndarray() for piece in resampler.resample(None)] if resampler else []
    if not parts:
        return np.zeros(0, np.float32)
    sound = np.concatenate(parts, axis=1)  # [channels, S]
    heard = np.abs(sound).max(1, initial=0) > 0
    return sound[heard].mean(0) if heard.any() else sound[0]


def _frames(path: Path, kind: str) -> Iterator[tuple[float, Any, float]]:
    """(seconds since the file begins, frame, width of a pixel over its height) of its pictures or
    its sound; a damaged packet is passed over. Raises DataError where nothing can be read."""
    av, read = needed("av"), 0
    with _said(), av.open(str(path)) as file:
        streams = [s for s in file.streams if s.type == kind and not _is_cover(s)]
        begin = (file.start_time or 0) / av.time_base
        wide = float(getattr(streams[0], "sample_aspect_ratio", None) or 1)
        packets = file.demux(streams[0])
        while True:
            try:
                frames = next(packets).decode()
            except (StopIteration, av.error.EOFError):
                break
            except av.error.InvalidDataError:
                continue
            for frame in frames:
                if frame.time is not None:
                    read += 1
                    yield max(0.0, frame.time - begin), frame, wide
    if not read:
        raise Unreadable(f"no {kind} in it can be read")


def _upright(frame, wide: float) -> np.ndarray:
    """A picture as it is meant to be seen: its pixels square, and what a phone stores on its side
    put upright."""
    size = wide * frame.width, frame.height
    shrink = min(1.0, TALLEST / min(size))
    width, height = (2 * max(1, round(n * shrink / 2)) for n in size)
    picture = frame.to_ndarray(format="rgb24", width=width, height=height)
    turns = round(getattr(frame, "rotation", 0) / 90)  # counter-clockwise
    return np.ascontiguousarray(np.rot90(picture, turns))


def _is_cover(stream) -> bool:
    """A still picture beside sound, as music files have."""
    av = needed("av")
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _check_length(seconds: float, longest: float) -> None:
    if seconds > longest + SLACK:
        raise DataError(f"goes on beyond {longest:g} s; a clip is a sentence or two: cut it up")


@contextmanager
def _said() -> Iterator[None]:
    """What FFmpeg objects to, as Unreadable."""
    av = needed("av")
    try:
        yield
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        reason = getattr(error, "strerror", None) or (str(error).splitlines() or [""])[0]
        raise Unreadable(f"cannot be read: {reason}") from None
