"""Convert CMU-MultimodalSDK's computational sequences (.csd) of MOSI, MOSEI and their kind.

Usage: python data_scripts/from_csd.py LANGUAGE.csd VISION.csd AUDIO.csd LABELS.csd --folds mosi
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from dmdlite_data.computational_sequence import (
    PAUSE,
    ROUNDING,
    Sequence,
    average,
    overlapping,
    spoken,
    video_of,
)
from dmdlite_data.conversion import Piece, check_labels, convert
from dmdlite_data.fold_lists import BUILT_IN, read_folds
from dmdlite_data.formats import refuse_others
from dmdlite_data.options import Dtype, Name, Out, Precision, new_app
from dmdlite_data.safe_hdf5 import open_hdf5
from dmdlite_data.word_times import SHIFTS, Moved, put_in_place

from dmdlite import DataError
from dmdlite.cli import run_app
from dmdlite.data.padding import from_padded

app = new_app()


@app.command(
    epilog="Example: python data_scripts/from_csd.py words.csd facet.csd covarep.csd "
    "opinion_labels.csd --folds mosi --name mosi_sdk"
)
def from_csd(
    language: Annotated[Path, typer.Argument(help="Word vectors, or words (then see embed_text)")],
    vision: Annotated[Path, typer.Argument(help="For example FACET")],
    audio: Annotated[Path, typer.Argument(help="For example COVAREP")],
    labels: Annotated[Path, typer.Argument(help="Segments with their sentiment")],
    folds: Annotated[
        str,
        typer.Option(
            help=f"{', '.join(BUILT_IN)}, the SDK's *_std_folds.py, or JSON of split: [videos]"
        ),
    ],
    words: Annotated[
        Path | None, typer.Option(help="Words, for transcripts, when LANGUAGE holds vectors")
    ] = None,
    unaligned: Annotated[
        bool, typer.Option("--unaligned", help="Keep every frame; by default averaged per word")
    ] = False,
    vision_columns: Annotated[
        str | None, typer.Option(help="Which of VISION's, from 0, with commas; by default all")
    ] = None,
    audio_columns: Annotated[
        str | None, typer.Option(help="The same; MOSI's usual five of COVAREP are 1,3,6,25,60")
    ] = None,
    label_column: Annotated[int, typer.Option(min=0, help="Sentiment's column in LABELS")] = 0,
    transcripts: Annotated[
        Path | None,
        typer.Option(
            help="csv or csv.gz to check words with: video_id, clip_id, text; or id, text"
        ),
    ] = None,
    repair_shift: Annotated[
        int,
        typer.Option(min=min(SHIFTS), max=max(SHIFTS), help="Move word j to interval j + this"),
    ] = 0,
    name: Name = None,
    out: Out = None,
    dtype: Dtype = Precision.float32,
) -> None:
    """Cut videos into labelled segments; average vision and audio per word, or keep frames.

    LANGUAGE may hold words instead of vectors: they become the transcripts, the data set has no
    language features, and embed_text.py makes them. Pauses ("sp") are not words. --transcripts
    compares the words of every segment with what was said in it, and shows words beside another
    word's time; --repair-shift moves them.
    """
    split_of = read_folds(folds)
    kind = "unaligned" if unaligned else "aligned"
    guessed = name is None
    name = name or f"{folds if folds in BUILT_IN else language.stem}_sdk_{kind}"
    files = {"language": language, "vision": vision, "audio": audio, "labels": labels}
    files |= {"words": words} if words else {}
    for path in files.values():
        refuse_others(path, "from_csd.py")
    with ExitStack() as stack:
        opened = {k: Sequence(stack.enter_context(open_hdf5(p))) for k, p in files.items()}
        opened["labels"].in_time = False  # clip i is the i-th row, as the SDK counts
        sequences = _roles(opened)
        for m, columns in (("vision", vision_columns), ("audio", audio_columns)):
            sequences[m].select(columns, f"--{m}-columns")
        videos = [v for v in opened["labels"].entries if v in split_of]
        outside = sorted(set(opened["labels"].entries) - set(split_of))
        labelled = {v for v in videos if len(opened["labels"].read(v)[1])}
        absent = sorted(set(split_of) - labelled)
        if not videos:
            raise DataError(f"{labels}: none of its videos is in the folds {folds}")
        without_time = _without_time(opened["labels"], videos)
        for what, names in {
            "videos are in no fold": outside,
            "videos of the folds have no labels": absent,
            "labelled segments have no length": without_time,
        }.items():
            if names:
                typer.echo(f"{len(names)} {what}, left out: {names[:5]}", err=True)
        sequences, about_words = put_in_place(sequences, transcripts, repair_shift)
        segments = (
            piece
            for video in videos
            for piece in _segments(sequences, video, split_of[video], name, label_column, unaligned)
        )
        convert(
            _with_counts(segments, Counter(split_of[video_of(clip)] for clip in without_time)),
            name,
            out,
            source="CMU-MultimodalSDK computational sequences",
            inputs=[*files.values(), *([transcripts] if transcripts else [])],
            dtype=dtype,
            guessed=guessed,
            aligned=not unaligned,
            label_map="label * 1",
            not_in_folds=outside,
            not_in_labels=absent,
            without_time=without_time,
            **about_words,
        )


def _without_time(labels: Sequence, videos: list[str]) -> list[str]:
    """Labelled segments that end where they begin, or before. The SDK drops them too."""
    return [
        f"{video}[{i}]"
        for video in videos
        for i in np.flatnonzero(~_lasting(labels.read(video)[1]))
    ]


def _lasting(intervals: np.ndarray) -> np.ndarray:
    return intervals[:, 1] - intervals[:, 0] > ROUNDING


def _with_counts(pieces: Iterable[Piece], left_out: Counter[str]) -> Iterator[Piece]:
    """The pieces, the first of each split with how many segments of it were left out."""
    for split, sample, repairs in pieces:
        yield split, sample, {**repairs, "labels": {"no_time": left_out.pop(split, 0)}}


def _roles(opened: dict[str, Sequence]) -> dict[str, Sequence]:
    """Which file gives what: words that come as LANGUAGE are transcripts, not features."""
    roles = dict(opened)
    if roles["language"].width() is None:
        if "words" in roles:
            raise DataError(f"{roles['language'].path}: holds words, and so does --words; give one")
        roles["words"] = roles.pop("language")
        typer.echo(
            f"{roles['words'].path}: holds words, which become the transcripts; embed_text.py "
            "makes language features of them",
            err=True,
        )
    for role in ("language", "vision", "audio", "labels"):
        if role in roles and roles[role].width() is None:
            raise DataError(f"{roles[role].path}: holds text, expected numbers for {role}")
    if "words" in roles and roles["words"].width() is not None:
        raise DataError(f"{roles['words'].path}: holds numbers, expected words")
    return roles


def _segments(
    sequences: dict[str, Sequence], video: str, split: str, name: str, column: int, unaligned: bool
) -> Iterator[Piece]:
    """Every labelled segment of a video as a data set of one sample."""
    labels, times = sequences["labels"].read(video)
    if column >= labels.shape[1]:
        raise DataError(f"{sequences['labels'].path}: {labels.shape[1]} columns, no {column}")
    if labels.dtype.kind in "SO":
        raise DataError(f"{video}: text where numbers are expected")
    kept = np.flatnonzero(_lasting(times))
    ids = [f"{video}[{i}]" for i in kept]
    check_labels(str(sequences["labels"].path), labels[kept, column], ids)
    for clip, i in zip(ids, kept, strict=True):
        parts = {m: _within(s, video, *times[i]) for m, s in sequences.items() if m != "labels"}
        text, repairs = "", {}
        if "words" in parts:
            cut, spans = parts.pop("words")
            if cut.shape[1] != 1:
                path = sequences["words"].path
                raise DataError(f"{path}: {cut.shape[1]} columns of text, expected a word a row")
            said = spoken(cut[:, 0])
            keep = [w != PAUSE for w in said]
            text = " ".join(w for w, k in zip(said, keep, strict=True) if k)
            grid = spans[keep]
            if isinstance(sequences["words"], Moved):
                repairs["words"] = {"moved": len(grid)}
        else:
            grid = parts["language"][1]
        if any(x.dtype.kind in "SO" for x, _ in parts.values()):
            raise DataError(f"{video}: text where numbers are expected")
        not_finite = {}
        if not unaligned:
            not_finite = {m: int((~np.isfinite(x)).sum()) for m, (x, _) in parts.items()}
            parts = {m: (_on_grid(x, spans, grid), grid) for m, (x, spans) in parts.items()}
        sample, padding = from_padded(
            {m: x[None] for m, (x, _) in parts.items()},
            labels[i : i + 1, column],
            [clip],
            name,
            aligned=not unaligned,
            trim=unaligned,  # step i of the grid is word i
            texts=[text] if text or "words" in sequences else [],
        )
        for m, count in not_finite.items():
            padding[m]["not_averaged"] = count
        yield split, sample, {**padding, **repairs}


def _on_grid(features: np.ndarray, spans: np.ndarray, words: np.ndarray) -> np.ndarray:
    """A row a word: word vectors as they are, anything else averaged."""
    return features if np.array_equal(spans, words) else average(features, spans, words)


def _within(
    sequence: Sequence, video: str, start: float, end: float
) -> tuple[np.ndarray, np.ndarray]:
    """A sequence's features and intervals inside a segment; none where the video is missing."""
    if video not in sequence:
        return np.zeros((0, sequence.width() or 1)), np.zeros((0, 2))
    features, intervals = sequence.read(video)
    part = overlapping(intervals, start, end)
    return features[part], intervals[part]


if __name__ == "__main__":
    run_app(app)
