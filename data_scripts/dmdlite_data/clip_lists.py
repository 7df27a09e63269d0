"""MISA's form of a split: a list of ((words, vision, audio, spoken words), label, name of clip)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import typer

from dmdlite import DataError

from .computational_sequence import spoken
from .pickled import as_text, kind_of, listed
from .reading import plain, reading
from .safe_pickle import StoredArray

MOSEI_LABELS = 7  # sentiment, then six emotions
FORM = "((words, vision, audio, ...), label, name)"
Array = StoredArray | np.ndarray


@dataclass
class Clip:
    """One clip; what it lacks is None."""

    where: str  # file, split and name, for complaints
    name: str  # "video[segment]", "" where it has none
    words: Array | None  # vectors [T, D], numbers of rows in a table [T], or text [T]
    vision: Array | None  # [T, D]
    audio: Array | None
    spoken: list[str] | None  # the transcript, word by word
    label: np.ndarray | None  # one number or more
    unused: int  # how many other things the clip holds

    @property
    def arrays(self) -> dict[str, Array]:
        named = {"language": self.words, "vision": self.vision, "audio": self.audio}
        return {m: x for m, x in named.items() if x is not None}

    @property
    def lengths(self) -> set[int]:
        """T of every sequence there is; one number where they share a time grid."""
        return {len(x) for x in self.arrays.values()}

    @property
    def kind_of_words(self) -> str | None:
        """ "vectors", "numbers" (of rows in a table) or "text"."""
        if self.words is None:
            return None
        names = {(2, "f"): "vectors", (1, "i"): "numbers", (1, "u"): "numbers"}
        return names.get((len(self.words.shape), self.words.dtype.kind), "text")

    def size(self) -> int:
        """How many numbers and letters it stands for."""
        letters = sum(map(len, self.spoken or ()))
        return letters + sum(prod(x.shape) for x in self.arrays.values())


def read_clips(path: Path, split: str, items: Any) -> list[Clip]:
    """The clips of a split. Raises DataError that names the first one of another form.

    Parts of a pickle can be used many times over: clips that hold more numbers and letters than
    the file has bytes are refused.
    """
    if not isinstance(items, list | tuple):
        raise DataError(f"{path}, {split}: expected a list of clips, found {kind_of(items)}")
    size = room = path.stat().st_size
    clips = []
    for i, item in enumerate(items):
        clips.append(_clip(f"{path}, {split}: clip {i}", item, size))
        room -= clips[-1].size()
        if room < 0:
            raise DataError(f"{path}: refused, its clips hold more than the file has bytes")
    return clips


def _clip(where: str, item: Any, most: int) -> Clip:
    features, *about = item if isinstance(item, list | tuple) and item else (None,)
    if not isinstance(features, list | tuple) or len(features) < 3 or not about:
        raise DataError(f"{where}: expected {FORM}, found {_form(item)}")
    words, vision, audio, *more = features
    if len(about) == 1:  # a name without a label, or the other way round
        about = [None, *about] if isinstance(about[0], str | bytes) else [*about, None]
    label, name, *rest = about
    with reading(f"{where}: its name"):
        name = as_text(name)
    where = f"{where} ({plain(name)})" if name else where
    transcript = _spoken(more[0]) if more else None
    rest += more if transcript is None else more[1:]
    return Clip(
        where,
        name,
        _words(where, words, most),
        _steps(where, "vision", vision, most),
        _steps(where, "audio", audio, most),
        transcript or _spoken(words),
        _label(where, label, most),
        sum(x is not None and not _is_nothing(x) for x in rest),
    )


def _form(x: Any) -> str:
    """What a clip of another form is made of."""
    if not isinstance(x, list | tuple):
        return kind_of(x)
    return f"({', '.join(kind_of(part) for part in x[:9])})"


def _is_nothing(x: Any) -> bool:
    return isinstance(x, list | tuple | dict | str | bytes | StoredArray) and len(x) == 0


def _array(where: str, x: Any, most: int) -> Array | None:
    """An array of one step or more; None where there is none."""
    if x is None:
        return None
    if isinstance(x, list | tuple):
        x = listed(where, list(x), most)
    if not isinstance(x, StoredArray | np.ndarray):
        raise DataError(f"{where} is {kind_of(x)}, expected an array")
    return x if len(x) else None


def _words(where: str, x: Any, most: int) -> Array | None:
    x = None if isinstance(x, str | bytes) else _array(f"{where}: words", x, most)
    if x is None or (len(x.shape), x.dtype.kind) in ((2, "f"), (1, "i"), (1, "u")):
        return x
    if len(x.shape) == 1 and _spoken(x) is not None:
        return x
    raise DataError(
        f"{where}: words are {x.dtype} of shape {x.shape}, expected vectors (T, D), "
        "numbers of rows in a table (T,) or text (T,)"
    )


def _steps(where: str, m: str, x: Any, most: int) -> Array | None:
    x = _array(f"{where}: {m}", x, most)
    if x is not None and (len(x.shape) != 2 or x.dtype.kind not in "fiu" or not x.shape[1]):
        raise DataError(f"{where}: {m} is {x.dtype} of shape {x.shape}, expected numbers (T, D)")
    return x


def _spoken(x: Any) -> list[str] | None:
    """A sentence or a list of words as words, each in one piece; None for anything else."""
    if isinstance(x, str | bytes):
        return as_text(x).split()
    if isinstance(x, StoredArray | np.ndarray) and x.dtype.kind in "SUO" and len(x.shape) == 1:
        x = x[:].tolist()
    if not isinstance(x, list | tuple) or not all(isinstance(word, str | bytes) for word in x):
        return None
    return spoken(map(as_text, x))


def _label(where: str, x: Any, most: int) -> np.ndarray | None:
    """Its numbers, whatever axes they come with."""
    x = [x] if isinstance(x, int | float | np.generic) else x
    x = _array(f"{where}: label", x, most)
    if x is None:
        return None
    if x.dtype.kind not in "fiub" or prod(x.shape) > 99:
        raise DataError(f"{where}: label is {x.dtype} of shape {x.shape}, expected a number")
    x = x.whole() if isinstance(x, StoredArray) else x
    return x.reshape(-1).astype(np.float64) if x.size else None


def one_kind_of_words(clips: Sequence[Clip]) -> str | None:
    """What the words of all clips are. Raises DataError where they are not of one kind."""
    first: dict[str, Clip] = {}
    for clip in clips:
        if clip.kind_of_words:
            first.setdefault(clip.kind_of_words, clip)
    if len(first) > 1:
        said = ", ".join(f"{kind} in {clip.where}" for kind, clip in first.items())
        raise DataError(f"words are not of one kind: {said}")
    return next(iter(first), None)


def width_of(clips: Sequence[Clip], m: str) -> int | None:
    """D of a modality, None where no clip has it. Raises DataError for a clip of another width."""
    there = [clip for clip in clips if m in clip.arrays]
    widths = [clip.arrays[m].shape[1] for clip in there]
    for clip, width in zip(there, widths, strict=True):
        if width != widths[0]:
            raise DataError(f"{clip.where}: {m} has {width} columns, others have {widths[0]}")
    return widths[0] if widths else None


def labels_of(clips: Sequence[Clip], column: int | None) -> np.ndarray | None:
    """[N] sentiment, in `column` of labels of several numbers; None where no clip has a label.

    Raises DataError that names the first clip whose label is missing, or another's in size.
    """
    lacking = [clip for clip in clips if clip.label is None]
    if len(lacking) == len(clips):
        return None
    if lacking:
        raise DataError(
            f"{lacking[0].where}: no label, like {len(lacking)} of {len(clips)} clips; leave all "
            "labels out to convert clips for prediction"
        )
    width = len(clips[0].label)
    for clip in clips:
        if len(clip.label) != width:
            found = f"a label of {len(clip.label)} numbers, others have {width}"
            raise DataError(f"{clip.where}: {found}")
    if column is None and width not in (1, MOSEI_LABELS):
        raise DataError(f"{clips[0].where}: a label of {width} numbers; use --label-column")
    column = column or 0
    if column >= width:
        raise DataError(f"--label-column {column}: {clips[0].where} has {width}, counted from 0")
    if width > 1:
        typer.echo(f"number {column} from 0 of the {width} of each label is sentiment", err=True)
    return np.array([clip.label[column] for clip in clips])
