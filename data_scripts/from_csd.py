"""Convert CMU-MultimodalSDK's computational sequences (.csd) of MOSI, MOSEI and their kind.

Usage: python data_scripts/from_csd.py LANGUAGE.csd VISION.csd AUDIO.csd LABELS.csd --folds mosi
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from dmdlite_data.computational_sequence import PAUSE, Sequence, average, overlapping, spoken
from dmdlite_data.conversion import LIMIT, Piece, convert
from dmdlite_data.options import Dtype, Name, Out, Precision, new_app
from dmdlite_data.reading import reading
from dmdlite_data.safe_hdf5 import open_hdf5

from dmdlite import DataError
from dmdlite.cli import run_app
from dmdlite.data.padding import from_padded
from dmdlite.data.storage import SPLITS

FOLDS = Path(__file__).parent / "dmdlite_data" / "folds"
BUILT_IN = sorted(path.stem for path in FOLDS.glob("*.json"))
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
    name: Name = None,
    out: Out = None,
    dtype: Dtype = Precision.float32,
) -> None:
    """Cut videos into labelled segments; average vision and audio per word, or keep frames.

    LANGUAGE may hold words instead of vectors: they become the transcripts, the data set has no
    language features, and embed_text.py makes them. Pauses ("sp") are not words.
    """
    split_of = read_folds(folds)
    kind = "unaligned" if unaligned else "aligned"
    name = name or f"{folds if folds in BUILT_IN else language.stem}_sdk_{kind}"
    files = {"language": language, "vision": vision, "audio": audio, "labels": labels}
    files |= {"words": words} if words else {}
    with ExitStack() as stack:
        opened = {k: Sequence(stack.enter_context(open_hdf5(p))) for k, p in files.items()}
        opened["labels"].in_time = False  # clip i is the i-th row, as the SDK counts
        sequences = _roles(opened)
        for m, columns in (("vision", vision_columns), ("audio", audio_columns)):
            sequences[m].select(columns, f"--{m}-columns")
        videos = [v for v in opened["labels"].entries if v in split_of]
        outside = sorted(set(opened["labels"].entries) - set(split_of))
        if outside:
            typer.echo(f"{len(outside)} videos are in no fold, left out: {outside[:5]}", err=True)
        if not videos:
            raise DataError(f"{labels}: none of its videos is in the folds {folds}")
        segments = (
            piece
            for video in videos
            for piece in _segments(sequences, video, split_of[video], name, label_column, unaligned)
        )
        convert(
            segments,
            name,
            out,
            source="CMU-MultimodalSDK computational sequences",
            inputs=list(files.values()),
            dtype=dtype,
            aligned=not unaligned,
            label_map="label * 1",
            not_in_folds=outside,
            not_in_labels=sorted(set(split_of) - set(opened["labels"].entries)),
        )


def _roles(opened: dict[str, Sequence]) -> dict[str, Sequence]:
    """Which file gives what: words that come as LANGUAGE are transcripts, not features."""
    roles = dict(opened)
    if roles["language"].width() is None:
        roles.setdefault("words", roles.pop("language"))
    for role in ("language", "vision", "audio", "labels"):
        if role in roles and roles[role].width() is None:
            raise DataError(f"{roles[role].path}: holds text, expected numbers for {role}")
    if "words" in roles and roles["words"].width() is not None:
        raise DataError(f"{roles['words'].path}: holds numbers, expected words")
    return roles


def read_folds(folds: str) -> dict[str, str]:
    """video -> split, from a built-in name, JSON, or the SDK's Python file (parsed, not run).

    Raises DataError for another form, and for a video in two splits.
    """
    path = FOLDS / f"{folds}.json" if folds in BUILT_IN else Path(folds)
    if not path.is_file():
        raise DataError(f"--folds {folds}: no such file; built in: {BUILT_IN}")
    with reading(f"--folds {folds}: neither JSON nor lists in Python"):
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else _assigned_lists(text)
    wanted = {s: found[s] for s in SPLITS if s in found} if isinstance(found, dict) else {}
    if not wanted or not all(isinstance(v, list) for v in wanted.values()):
        raise DataError(f"--folds {folds}: no lists named train, valid or test")
    split_of: dict[str, str] = {}
    for split, videos in wanted.items():
        for video in map(str, videos):
            if split_of.setdefault(video, split) != split:
                raise DataError(f"--folds {folds}: {video} is in {split_of[video]} and in {split}")
    return split_of


def _assigned_lists(text: str) -> dict[str, list]:
    """{"train": [...]} from lines like `standard_train_fold = [...]`."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            for split in SPLITS:
                if split in node.targets[0].id:
                    found[split] = ast.literal_eval(node.value)
    return found


def _segments(
    sequences: dict[str, Sequence], video: str, split: str, name: str, column: int, unaligned: bool
) -> Iterator[Piece]:
    """Every labelled segment of a video as a data set of one sample."""
    labels, times = sequences["labels"].read(video)
    if column >= labels.shape[1]:
        raise DataError(f"{sequences['labels'].path}: {labels.shape[1]} columns, no {column}")
    for i, (start, end) in enumerate(times):
        parts = {m: _within(s, video, start, end) for m, s in sequences.items() if m != "labels"}
        text = ""
        if "words" in parts:
            said, spans = parts.pop("words")
            keep = [w != PAUSE for w in spoken(said)]
            text = " ".join(w for w, k in zip(spoken(said), keep, strict=True) if k)
            grid = spans[keep]
        else:
            grid = parts["language"][1]
        if any(x.dtype.kind in "SO" for x, _ in [*parts.values(), (labels, None)]):
            raise DataError(f"{video}: text where numbers are expected")
        repairs = {}
        if not unaligned:
            repairs = {m: int((~np.isfinite(x)).sum()) for m, (x, _) in parts.items()}
            parts = {m: (_on_grid(x, spans, grid), grid) for m, (x, spans) in parts.items()}
        sample, padding = from_padded(
            {m: x[None] for m, (x, _) in parts.items()},
            np.clip(labels[i : i + 1, column], -LIMIT, LIMIT),
            [f"{video}[{i}]"],
            name,
            aligned=not unaligned,
            trim=unaligned,  # step i of the grid is word i
            texts=[text] if text or "words" in sequences else [],
        )
        for m, count in repairs.items():
            padding[m]["not_averaged"] = count
        yield split, sample, {**padding, "labels": {"clipped": int(abs(labels[i, column]) > LIMIT)}}


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
