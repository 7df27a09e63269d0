"""What is said in a clip, and when: subtitles, a text, a table of words, or a recogniser."""

from __future__ import annotations

import codecs
import glob
import hashlib
import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dmdlite import DataError
from dmdlite.files import read_json, write_json

from ..computational_sequence import spoken
from ..own_files import number, parse_table
from ..reading import reading
from .media import SAMPLE_RATE, needed, samples

SUBTITLES = (".srt", ".vtt")
SLACK = 1.0  # seconds that a word may end after its clip
UNSEEN = dict.fromkeys(map(ord, "\u200b\ufeff\u00ad"))  # of no width: they part no words
TAGS = re.compile(r"<[^<>\n]*>")  # times and voices inside a caption


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
    kinds = (*SUBTITLES, ".txt")
    near = sorted(clip.parent.glob(f"{glob.escape(clip.stem)}.*"))
    beside = [path for path in near if path.stem == clip.stem and path.suffix.lower() in kinds]
    if len(beside) > 1:
        raise DataError(f"two transcripts, {beside[0].name} and {beside[1].name}")
    if clip.stem in told:
        rows = told[clip.stem]
        found = Transcript(tuple(w for w, *_ in rows), np.array([row[1:] for row in rows], float))
    elif beside and beside[0].suffix.lower() in SUBTITLES:
        found = from_subtitles(beside[0])
    else:
        found = spread(_text(beside[0]) if beside else text, 0.0, seconds)
    if len(found.words) and found.times[:, 1].max() > seconds + SLACK:
        last = found.times[:, 1].max()
        raise DataError(f"its words go on to {last:.1f} s, the clip ends at {seconds:.1f} s")
    return found


def _text(path: Path) -> str:
    """What a text file says. Raises DataError for another encoding than UTF-8 and UTF-16."""
    raw = path.read_bytes()
    encoding = "utf-16" if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        raise DataError(f"{path.name} is not in UTF-8: save it as that") from None


def spread(text: str, start: float, end: float) -> Transcript:
    """The words of a text, each as long as the others, from `start` to `end` (seconds)."""
    words = tuple(text.translate(UNSEEN).split())
    edges = np.linspace(start, end, len(words) + 1)
    times = np.stack([edges[:-1], edges[1:]], axis=1)
    note = "" if words else "no transcript"
    return Transcript(words, times, note, "its words are spread evenly over the clip")


def from_subtitles(path: Path) -> Transcript:
    """The words of every cue, spread evenly over its time."""
    needed("pysubs2")
    import pysubs2

    text = TAGS.sub("", _text(path))
    if not text.strip():
        return Transcript(note=f"no words in {path.name}")
    with reading(path):
        cues = pysubs2.SSAFile.from_string(text, format_=path.suffix[1:].lower())
    cues.sort()
    parts, before = [], ""
    for cue in cues:
        if cue.end < cue.start:
            raise DataError(
                f"{path.name}: a subtitle ends at {cue.end / 1000:g} s, before it begins"
            )
        lines = [html.unescape(line).strip() for line in cue.plaintext.splitlines()]
        fresh = lines[1:] if lines[0] == before else lines  # captions that roll show a line twice
        before = lines[-1]
        parts.append(spread(" ".join(fresh), cue.start / 1000, cue.end / 1000))
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
        if word := (row["word"] or "").translate(UNSEEN).strip():
            found.setdefault(row["id"], []).append((*spoken([word]), start, end))
    return {clip: sorted(words, key=lambda word: word[1]) for clip, words in found.items()}


class Recogniser:
    """Speech to words with their times, by a model for it (a local folder, or on the hub)."""

    def __init__(self, name: str):
        transformers, self.name = needed("transformers"), name
        with reading(f"--speech-model {name}"):
            self.pipe = transformers.pipeline("automatic-speech-recognition", model=name)

    def __call__(self, path: Path, longest: float, kept: Path) -> Transcript:
        """What is said in a clip. `kept` is where this, and the model's name, make a file's name:
        what was heard once is read from it."""
        model = hashlib.sha256(self.name.encode()).hexdigest()[:8]
        kept = kept.with_name(f"{kept.name}-{model}.json")
        if not kept.is_file():
            write_json(kept, self.heard(samples(path, longest)))
        rows = read_json(kept)
        words = tuple(word for word, *_ in rows)
        note = "its words were recognised by a model" if words else "no word was recognised"
        return Transcript(words, np.array([r[1:] for r in rows], float).reshape(-1, 2), note)

    def heard(self, sound: np.ndarray) -> list[tuple[str, float, float]]:
        """sound [S] -> each word, and the seconds from when to when."""
        with reading("its speech"):
            given = {"raw": sound, "sampling_rate": SAMPLE_RATE}
            said = self.pipe(given, return_timestamps="word", chunk_length_s=30)["chunks"]
        said = [(c["text"].strip(), *c["timestamp"]) for c in said if c["text"].strip()]
        last = len(sound) / SAMPLE_RATE
        return [(*spoken([w]), start, last if end is None else end) for w, start, end in said]
