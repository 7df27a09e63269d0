"""CMU-MultimodalSDK's computational sequences (.csd): features with the seconds they span."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from dmdlite import DataError

from .reading import reading
from .safe_hdf5 import ALWAYS, EXPANSION, member, read_array

PAUSE = "sp"  # a "word" that marks silence
ROUNDING = 1e-5  # seconds; shorter overlaps come from rounded times


class Sequence:
    """An open .csd file: for each video its features [n, d] and intervals [n, 2]."""

    def __init__(self, file: h5py.File):
        self.path = Path(file.filename)
        with reading(self.path):
            self._index(file)
        self.columns: list[int] | None = None  # all of them
        self.in_time = True  # else in the file's order, and an interval may end before it begins
        self._read: tuple[str, tuple] = ("", ())

    def _index(self, file: h5py.File) -> None:
        if len(file) != 1:
            found = sorted(map(str, file))[:9]
            raise DataError(f"{self.path}: expected one sequence, found {found}")
        root = member(file, next(iter(file)))
        self.data = member(root, "data") if isinstance(root, h5py.Group) else root
        if not isinstance(self.data, h5py.Group):
            raise DataError(f"{self.path}: an array, expected groups of videos")
        self.entries: dict[str, list[str]] = defaultdict(list)  # video -> its groups, in order
        for key in self.data:
            self.entries[video_of(key)].append(key)
        for keys in self.entries.values():
            keys.sort(key=_number)

    def __contains__(self, video: str) -> bool:
        return video in self.entries

    def select(self, columns: str | None, option: str) -> None:
        """Keep only the columns listed, "1,3,6". Raises DataError for one that is not there."""
        width = self.width()
        if columns is None:
            return
        chosen = [int(c) if c.strip().isdecimal() else -1 for c in columns.split(",")]
        if not all(0 <= c < width for c in chosen):
            raise DataError(f"{option} {columns}: {self.path} has columns 0 to {width - 1}")
        self.columns, self._read = chosen, ("", ())

    def read(self, video: str) -> tuple[np.ndarray, np.ndarray]:
        """Features [n, d] and intervals [n, 2] of one video, in order of time if `in_time`.

        Raises DataError when they do not belong together.
        """
        if self._read[0] != video:  # segments of a video are asked for one after another
            with reading(f"{self.path}: {video}"):
                self._read = video, self._load(video)
        return self._read[1]

    def _load(self, video: str) -> tuple[np.ndarray, np.ndarray]:
        self._check_size(video)
        parts = [self._entry(key) for key in self.entries[video]]
        features = np.concatenate([features for features, _ in parts])
        intervals = np.concatenate([intervals for _, intervals in parts])
        order = np.argsort(intervals[:, 0], kind="stable") if self.in_time else slice(None)
        features = features if self.columns is None else features[:, self.columns]
        return features[order], intervals[order]

    def _check_size(self, video: str) -> None:
        """Many entries can be links to one array; together they must not outgrow the file."""
        groups = [member(self.data, key) for key in self.entries[video]]
        arrays = [member(g, "features") for g in groups if isinstance(g, h5py.Group)]
        size = sum(a.nbytes for a in arrays if isinstance(a, h5py.Dataset))
        if size > max(ALWAYS, EXPANSION * self.path.stat().st_size):
            raise DataError(f"{self.path}: {video}: refused, {size:.2g} bytes in so small a file")

    def _entry(self, key: str) -> tuple[np.ndarray, np.ndarray]:
        where = f"{self.path}: {key}"
        group = member(self.data, key)
        if not isinstance(group, h5py.Group):
            raise DataError(f"{where}: an array, expected a group of features and intervals")
        features, intervals = read_array(group, "features", "fiuS"), read_array(group, "intervals")
        empty = 0 in features.shape[1:]
        if intervals.shape != (len(features), 2) or features.ndim > 2 or empty:
            raise DataError(
                f"{where}: features {features.shape} do not go with intervals {intervals.shape}"
            )
        intervals = intervals.astype(np.float64)
        backwards = self.in_time and (intervals[:, 1] < intervals[:, 0]).any()
        if backwards or not np.isfinite(intervals).all():
            raise DataError(f"{where}: an interval ends before it begins, or is not finite")
        return features.reshape(len(features), *(features.shape[1:] or (1,))), intervals

    def width(self) -> int | None:
        """Columns of the features; None where they are words."""
        video = next(iter(self.entries), None)
        if video is None:
            raise DataError(f"{self.path}: holds no videos")
        features, _ = self.read(video)
        return None if features.dtype.kind in "SO" else features.shape[1]


def video_of(key: str) -> str:
    """The video of an entry, `video` or `video[i]`."""
    return key.partition("[")[0]


def _number(key: str) -> int:
    found = re.search(r"\[(\d+)\]$", key)
    return int(found.group(1)) if found else 0


def overlapping(intervals: np.ndarray, start: float, end: float) -> np.ndarray:
    """Places of the frames, sorted by start, that share time with (start, end); the SDK's rule."""
    ends = intervals[:, 1]
    first = np.searchsorted(np.maximum.accumulate(ends), start + ROUNDING, side="right")
    last = np.searchsorted(intervals[:, 0], end - ROUNDING, side="left")
    return first + np.flatnonzero(ends[first:last] > start + ROUNDING)


def average(features: np.ndarray, intervals: np.ndarray, words: np.ndarray) -> np.ndarray:
    """[W, d]: for each word's interval the mean of the frames that share time with it.

    Values that are not finite are left out of the mean; 0 where nothing is left.
    """
    finite = np.isfinite(features)
    clean = np.where(finite, features, 0).astype(np.float64)  # float16 would add up roughly
    rows = [overlapping(intervals, start, end) for start, end in words]
    total = np.array([clean[r].sum(axis=0) for r in rows]).reshape(len(words), features.shape[1])
    count = np.array([finite[r].sum(axis=0) for r in rows]).reshape(total.shape)
    return total / np.maximum(count, 1)


def spoken(words: Iterable[str | bytes]) -> list[str]:
    """Words as text, each in one piece: a step a word, whatever blanks it holds."""
    texts = (w.decode("utf-8", "replace") if isinstance(w, bytes) else w for w in words)
    return ["_".join(str(text).split()) or "_" for text in texts]
