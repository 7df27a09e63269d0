"""Convert lists of clips as MISA, MAG-BERT and MMIM pass around, a pickle a split.

Usage: python data_scripts/from_misa.py train.pkl dev.pkl test.pkl --name mosi_misa
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from dmdlite_data.clip_lists import Clip, labels_of, one_kind_of_words, read_clips, width_of
from dmdlite_data.conversion import Piece, convert, named, padded_pieces
from dmdlite_data.labels import check_labels
from dmdlite_data.options import Dtype, Out, Precision, new_app
from dmdlite_data.pickled import OTHER_NAMES, named_splits, read_pickle, without_empty
from dmdlite_data.word_table import check_numbers, read_table, table_file

from dmdlite import MODALITIES, DataError
from dmdlite.cli import run_app
from dmdlite.data.storage import SPLITS

NO_VECTORS = {
    "numbers": "the words are rows of a table that is not in the file; --embeddings TABLE gives it",
    "text": "the words are text, not vectors",
    None: "there are no words",
}
Table = np.ndarray | None  # [V, D]
app = new_app()


@app.command(
    epilog="Example: python data_scripts/from_misa.py train.pkl dev.pkl test.pkl --name mosi_misa"
)
def from_misa(
    name: Annotated[str, typer.Option(help="Name of the data set")],
    files: Annotated[
        list[Path] | None, typer.Argument(help="Pickles whose names say train, dev or test")
    ] = None,
    train: Annotated[Path | None, typer.Option(help="A pickle whose name does not say so")] = None,
    valid: Annotated[Path | None, typer.Option(help="The same")] = None,
    test: Annotated[Path | None, typer.Option(help="The same")] = None,
    embeddings: Annotated[
        str | None, typer.Option(help="The words' vectors: .npy, .pkl, .npz or FILE.npz:ARRAY")
    ] = None,
    label_column: Annotated[
        int | None, typer.Option(min=0, help="Sentiment's place in a label of several numbers")
    ] = None,
    out: Out = None,
    dtype: Dtype = Precision.float32,
) -> None:
    """Convert lists of ((words, vision, audio, spoken words), label, name). Nothing in them is run.

    Words that are text, or rows of a table that --embeddings does not give, become transcripts, and
    the data set has no language features. Modalities of one length in every clip share a time grid.
    A split without labels can only be predicted.
    """
    found = _sources(name, files or [], {"train": train, "valid": valid, "test": test})
    splits = {split: read_clips(path, split, part) for split, (path, part) in found.items()}
    labels = {split: labels_of(part, label_column) for split, part in splits.items()}
    clips = [clip for part in splits.values() for clip in part]
    table = _table(clips, embeddings)
    aligned = _on_one_grid(clips)
    widths = _widths(clips, table, f"{name} --model MODEL{' --level word' if aligned else ''}")
    convert(
        (
            piece
            for split, part in splits.items()
            for piece in _pieces(split, part, labels[split], name, widths, table, aligned)
        ),
        name,
        out,
        source="lists of clips as MISA and MAG-BERT use",
        inputs=list({path: None for path, _ in found.values()})
        + ([table_file(embeddings)[0]] if embeddings else []),
        total=len(clips),
        dtype=dtype,
        aligned=aligned,
        embeddings=embeddings and Path(embeddings).name,
        label_column=label_column,
        word_counts_differ=_say_what_differs(clips),
    )


def _sources(
    name: str, files: Sequence[Path], given: dict[str, Path | None]
) -> dict[str, tuple[Path, Any]]:
    """split -> its file and what that holds of it."""
    found: dict[str, tuple[Path, Any]] = {}
    for split, path in [*((None, path) for path in files), *given.items()]:
        if path is None:
            continue
        content = read_pickle(path, "from_misa.py")
        if isinstance(content, dict) and split:
            raise DataError(f"{path}: names its splits itself; give it without --{split}")
        if isinstance(content, dict):
            parts = named_splits(path, content)
        else:
            parts = {split or split_of(path): content}
        for key, part in parts.items():
            if key in found:
                raise DataError(f"{path}: {key} is in {found[key][0]} already")
            found[key] = path, part
    if not found:
        raise DataError("no files: give train.pkl dev.pkl test.pkl, or --train FILE and so on")
    full = without_empty(name, {split: part for split, (_, part) in found.items()})
    return {split: found[split] for split in SPLITS if split in full}


def split_of(path: Path) -> str:
    """The split that a file's name says. Raises DataError where it says none, or two."""
    words = {OTHER_NAMES.get(word, word) for word in re.findall("[a-z]+", path.stem.lower())}
    if len(said := words & set(SPLITS)) != 1:
        raise DataError(
            f"{path}: its name does not say which split it is; use --train, --valid or --test FILE"
        )
    return said.pop()


def _table(clips: Sequence[Clip], embeddings: str | None) -> Table:
    """The table that the words are rows of, if it is given."""
    kind = one_kind_of_words(clips)
    if not embeddings:
        return None
    if kind != "numbers":
        raise DataError(f"--embeddings: the words are {kind or 'absent'}, not rows of a table")
    table = read_table(embeddings)
    check_numbers(clips, len(table))
    return table


def _widths(clips: Sequence[Clip], table: Table, embed: str) -> dict[str, int]:
    """The modalities that there are, with their widths; what is left out is said."""
    kind = one_kind_of_words(clips)
    widths = {"language": table.shape[1]} if table is not None else {}
    for m in MODALITIES:
        if m == "language" and kind != "vectors":
            continue
        if width := width_of(clips, m):
            widths[m] = width
        else:
            typer.echo(f"{m} is left out: no clip has any", err=True)
    if kind != "vectors" and table is None:
        spoken = any(clip.spoken for clip in clips)
        remedy = f"python data_scripts/embed_text.py {embed} makes features of the transcripts"
        more = remedy if spoken else "nor are there transcripts"
        typer.echo(f"language is left out: {NO_VECTORS[kind]}; {more}", err=True)
    if not widths:
        raise DataError("no clip has vision, audio or vectors of words")
    return widths


def _on_one_grid(clips: Sequence[Clip]) -> bool:
    """Whether the sequences of every clip have one length."""
    odd = [clip for clip in clips if len(clip.lengths) > 1]
    if 0 < len(odd) < len(clips) / 2:
        typer.echo(
            f"taken as unaligned: {len(odd)} of {len(clips)} clips have sequences of several "
            f"lengths, first {odd[0].where}: {sorted(odd[0].lengths)}",
            err=True,
        )
    return not odd


def _say_what_differs(clips: Sequence[Clip]) -> int:
    """How many clips have another number of words than steps of words."""
    if unused := [clip for clip in clips if clip.unused]:
        said = f"not used: what {len(unused)} clips hold besides words, vision, audio, transcript,"
        typer.echo(f"{said} label and name, first {unused[0].where}", err=True)
    lists = [clip for clip in clips if clip.words is not None and clip.spoken is not None]
    differ = [clip for clip in lists if len(clip.words) != len(clip.spoken)]
    if differ:
        first = f"{differ[0].where}: {len(differ[0].spoken)} for {len(differ[0].words)}"
        typer.echo(f"{len(differ)} clips have more or fewer words than steps, {first}", err=True)
    return len(differ)


def _pieces(
    split: str,
    clips: Sequence[Clip],
    labels: np.ndarray | None,
    name: str,
    widths: dict[str, int],
    table: Table,
    aligned: bool,
) -> Iterator[Piece]:
    """Clip by clip, so that none is padded to another's length."""
    ids, counts = named([clip.name for clip in clips], f"{name}_{split}")
    texts = [" ".join(c.spoken or ()) for c in clips] if any(c.spoken for c in clips) else []
    if labels is not None:
        check_labels(f"{name}, {split}", labels, ids)
    for i, clip in enumerate(clips):
        for _, data, repairs in padded_pieces(
            split,
            name,
            {m: x[None] for m, x in _features(clip, widths, table).items()},
            None if labels is None else labels[i : i + 1],
            ids[i : i + 1],
            texts=texts[i : i + 1],
            aligned=aligned,
        ):
            yield split, data, {**repairs, "ids": counts if i == 0 else {}}


def _features(clip: Clip, widths: dict[str, int], table: Table) -> dict[str, np.ndarray]:
    """[T, D] of each modality; one that is missing is zeros, which are masked."""
    x = {m: clip.arrays[m][:] for m in widths if m in clip.arrays}
    if table is not None and "language" in x:
        x["language"] = table[x["language"]]
    steps = max(clip.lengths, default=0)
    return {m: x[m] if m in x else np.zeros((steps, width)) for m, width in widths.items()}


if __name__ == "__main__":
    run_app(app)
