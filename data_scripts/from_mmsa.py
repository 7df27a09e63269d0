"""Convert MMSA's pickles (aligned_50.pkl, unaligned_50.pkl) of MOSI, MOSEI and SIMS.

Usage: python data_scripts/from_mmsa.py unaligned_50.pkl; --help says more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from dmdlite_data.conversion import Piece, convert, padded_pieces
from dmdlite_data.options import Dtype, Name, Out, Precision, new_app
from dmdlite_data.pickled import FIELDS, WIDTHS, Fields, known_name, read_splits

from dmdlite import DataError
from dmdlite.cli import run_app

UNIMODAL = {"language": "T", "vision": "V", "audio": "A"}  # SIMS labels each modality
DERIVED = ("annotations", "classification_labels", "text_bert")  # from labels and raw_text
NO_FEATURES = (
    "text_bert holds token ids: numbers of words, not features. Convert with --without-language, "
    "then make features of the transcripts: python data_scripts/embed_text.py NAME --model MODEL"
)
app = new_app()


@app.command(epilog="Example: python data_scripts/from_mmsa.py unaligned_50.pkl --dtype float16")
def from_mmsa(
    file: Annotated[Path, typer.Argument(help="aligned_50.pkl or unaligned_50.pkl")],
    name: Name = None,
    out: Out = None,
    dtype: Dtype = Precision.float32,
    without_language: Annotated[
        bool, typer.Option("--without-language", help="Leave `text` out, to embed raw_text anew")
    ] = False,
    label_scale: Annotated[
        float | None, typer.Option(help="sentiment = label * this; 3 for SIMS, else 1, by default")
    ] = None,
) -> None:
    """Convert MMSA's pickle: lengths honoured, ids and transcripts kept. Nothing in it is run."""
    splits = read_splits(file, "from_mmsa.py")
    fields = {m: f for m, f in FIELDS.items() if m != "language" or not without_language}
    first = next(iter(splits.values()))
    widths = tuple(first.features(f).shape[2] for f in ("vision", "audio"))
    sizes = {split: len(part.array("vision")) for split, part in splits.items()}
    known = known_name(file, *widths, sizes)
    _check_text(splits, without_language)
    grid = len({first.features(f).shape[1] for f in fields.values()} | _text_steps(first)) == 1
    guess = f"{known}_{'aligned' if grid else 'unaligned'}"
    guessed, name = name is None, name or guess
    scale = label_scale or (3.0 if WIDTHS.get(widths) == "sims" else 1.0)
    pieces = (
        piece for part in splits.values() for piece in _pieces(part, fields, name, scale, grid)
    )
    convert(
        pieces,
        name,
        out,
        source=f"MMSA pickle {file.name}",
        inputs=[file],
        total=sum(sizes.values()),
        dtype=dtype,
        guessed=guessed,
        label_map=f"label * {scale:g}",
        aligned=grid,
        not_kept={s: sorted(set(DERIVED) & set(part.content)) for s, part in splits.items()},
    )


def _check_text(splits: dict[str, Fields], without: bool) -> None:
    """Raises DataError where `text` is absent or holds token ids instead of features."""
    if without:
        return
    for part in splits.values():
        if "text" not in part and "text_bert" in part:
            raise DataError(f"{part.where}: no field 'text', and {NO_FEATURES}")
        x = part.features("text")
        if x.shape[1] == 3 and np.array_equal(x[:9] % 1, np.zeros_like(x[:9])):
            raise DataError(f"{part.where}: text is (N, 3, T) like text_bert. {NO_FEATURES}")


def _text_steps(part: Fields) -> set[int]:
    """T of the words, which tells aligned files even where their features are left out."""
    found = [part.array(field).shape for field in ("text", "text_bert") if field in part]
    return {max(shape[1:]) if shape[1] == 3 else shape[1] for shape in found if len(shape) == 3}


def _pieces(
    part: Fields, fields: dict[str, str], name: str, scale: float, grid: bool
) -> Iterator[Piece]:
    features = {m: part.features(field) for m, field in fields.items()}
    n = len(features["vision"])
    labels = next((f for f in ("regression_labels", "labels") if f in part), None)
    yield from padded_pieces(
        part.split,
        name,
        features,
        part.column(labels, n) * scale if labels else None,
        ["_".join(row) for row in part.words("id", n)] if "id" in part else None,
        lengths=_lengths(part, fields, n),
        texts=[" ".join(row) for row in part.words("raw_text", n)] if "raw_text" in part else [],
        factors={
            f"label_{m}": part.column(f"regression_labels_{letter}", n) * scale
            for m, letter in UNIMODAL.items()
            if f"regression_labels_{letter}" in part
        },
        aligned=grid,
    )


def _lengths(part: Fields, fields: dict[str, str], n: int) -> dict[str, np.ndarray]:
    """[N] steps per modality, or [N, T] which: the file's lengths, BERT's mask for language."""
    given = {m: f"{field}_lengths" for m, field in fields.items()}
    found = {m: part.column(field, n) for m, field in given.items() if field in part}
    if "language" in fields and "text_bert" in part and "language" not in found:
        tokens = part.features("text_bert")
        if len(tokens) != n or 3 not in tokens.shape[1:]:
            raise DataError(
                f"{part.where}: text_bert has shape {tokens.shape}, expected ({n}, 3, T)"
            )
        tokens = tokens[:] if tokens.shape[1] == 3 else np.swapaxes(tokens[:], 1, 2)
        mask = tokens[:, 1] > 0  # rows: ids, mask, segment
        mask[~mask.any(axis=1)] = True  # says nothing
        same = mask.shape[1] == part.array("text").shape[1]
        found["language"] = mask if same else mask.sum(axis=1)
    return found


if __name__ == "__main__":
    run_app(app)
