"""What is said in a clip, and when: subtitles, a text, a table of words, or a recogniser."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dmdlite import DataError

from ..own_files import number, parse_table
from ..reading import reading
from .media import SAMPLE_RATE, needed

SUBTITLES = (".srt", ".vtt")
SLACK = 1.0  # seconds that a word may end after its clip


class Transcript(NamedTuple):
    """Words, and the seconds [W, 2] from the clip's start in which each is said."""

    words: tuple[str, ...] = ()
    times: np.ndarray = np.zeros((0, 2))
    note: str = ""  # what a person should know of the words
    timing: str = ""  # where the times come from, if they are not given

    @property
    def text(self) -> str:
        return " ".join(self.words)


def transcript_of(clip: Path, text: str, told: Mapping[str, list], seconds: float) -> Transcript:
    """Of the words table's rows if it has the clip, else of subtitles or a text beside the clip,
    else of `text`. Raises DataError where they cannot be this clip's."""
    files = [clip.with_suffix(suffix) for suffix in (*SUBTITLES, ".txt")]
    beside = [path for path in files if path.is_file()]
    if len(beside) > 1:
        raise DataError(f"two transcripts, {beside[0].name} and {beside[1].name}")
    if clip.stem in told:
        rows = told[clip.stem]
        found = Transcript(tuple(w for w, *_ in rows), np.array([row[1:] for row in rows], float))
    elif beside and beside[0].suffix in SUBTITLES:
        found = from_subtitles(beside[0])
    else:
        with reading(beside[0] if beside else clip):
            text = beside[0].read_text(encoding="utf-8-sig") if beside else text
        found = spread(text, 0.0, seconds)
    if len(found.words) and found.times[:, 1].max() > seconds + SLACK:
        last = found.times[:, 1].max()
        raise DataError(f"its words go on to {last:.1f} s, the clip ends at {seconds:.1f} s")
    return found


def spread(text: str, start: float, end: float) -> Transcript:
    """The words of a text, each as long as the others, from `start` to `end` (seconds)."""
    words = tuple(text.split())
    edges = np.linspace(start, end, len(words) + 1)
    times = np.stack([edges[:-1], edges[1:]], axis=1)
    note = "" if words else "no transcript"
    return Transcript(words, times, note, "its words are spread evenly over the clip")


def from_subtitles(path: Path) -> Transcript:
    """The words of every cue, spread evenly over its time."""
    needed("pysubs2")
    import pysubs2

    with reading(path):
        cues = pysubs2.load(str(path), encoding="utf-8-sig")
    cues.sort()
    parts = [spread(cue.plaintext, cue.start / 1000, cue.end / 1000) for cue in cues]
    words = tuple(word for part in parts for word in part.words)
    if not words:
        return Transcript(note=f"no words in {path.name}")
    times = np.concatenate([part.times for part in parts])
    return Transcript(words, times, timing="its words are spread evenly over each subtitle")


def word_table(path: Path) -> dict[str, list[tuple[str, float, float]]]:
    """Of a csv with columns id, word, start and end (seconds): the words of every clip in time.

    Raises DataError that names the line of a word without a time, or one that ends before it
    begins."""
    with reading(path):
        rows = parse_table(path.read_text(encoding="utf-8-sig"), str(path))
    if not rows or not {"id", "word", "start", "end"} <= set(rows[0]):
        raise DataError(f"{path}: needs a header with id, word, start and end")
    found: dict[str, list[tuple[str, float, float]]] = {}
    for line, row in enumerate(rows, 2):
        with reading(f"{path}, line {line}"):
            start, end = number(row["start"]), number(row["end"])
        if not 0 <= start <= end:
            raise DataError(f"{path}, line {line}: {row['word']!r} from {start:g} to {end:g} s")
        if words := (row["word"] or "").split():
            found.setdefault(row["id"], []).append(("".join(words), start, end))
    return {clip: sorted(words, key=lambda word: word[1]) for clip, words in found.items()}


class Recogniser:
    """Speech to words with their times, by a model for it (a local folder, or on the hub)."""

    def __init__(self, name: str):
        transformers = needed("transformers")
        with reading(f"--speech-model {name}"):
            self.pipe = transformers.pipeline("automatic-speech-recognition", model=name)

    def __call__(self, sound: np.ndarray) -> Transcript:
        with reading("its speech"):
            given = {"raw": sound, "sampling_rate": SAMPLE_RATE}
            said = self.pipe(given, return_timestamps="word", chunk_length_s=30)["chunks"]
        seconds = len(sound) / SAMPLE_RATE
        rows = [(c["text"].strip(), c["timestamp"]) for c in said if c["text"].strip()]
        times = [(start, seconds if end is None else end) for _, (start, end) in rows]
        words = tuple("".join(word.split()) for word, _ in rows)
        note = "its words were recognised by a model" if words else "no word was recognised"
        return Transcript(words, np.array(times, float).reshape(-1, 2), note)
