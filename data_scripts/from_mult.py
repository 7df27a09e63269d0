"""Convert MulT's pickles (mosi_data.pkl, mosei_senti_data_noalign.pkl, ...): GloVe features.

Usage: python data_scripts/from_mult.py mosei_senti_data.pkl; --help says more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from dmdlite_data.conversion import Piece, convert, padded_pieces
from dmdlite_data.options import Dtype, Name, Out, Precision, new_app
from dmdlite_data.pickled import FIELDS, Fields, known_name, read_splits

from dmdlite.cli import run_app

app = new_app()


@app.command(epilog="Example: python data_scripts/from_mult.py mosei_senti_data.pkl")
def from_mult(
    file: Annotated[Path, typer.Argument(help="mosi_data.pkl, mosei_senti_data_noalign.pkl, ...")],
    name: Name = None,
    out: Out = None,
    dtype: Dtype = Precision.float32,
) -> None:
    """Convert MulT's pickle: padding found and removed on either side. Nothing in it is run.

    A split without labels can only be predicted.
    """
    splits = read_splits(file, "from_mult.py")
    first = next(iter(splits.values()))
    shapes = {m: first.features(field).shape for m, field in FIELDS.items()}
    aligned = len({shape[1] for shape in shapes.values()}) == 1
    sizes = {split: len(part.array("vision")) for split, part in splits.items()}
    known = known_name(file, shapes["vision"][2], shapes["audio"][2], sizes)
    guessed = name is None
    name = name or f"{known}_mult_{'aligned' if aligned else 'unaligned'}"
    convert(
        (piece for part in splits.values() for piece in _pieces(part, name, aligned)),
        name,
        out,
        source=f"MulT pickle {file.name}",
        inputs=[file],
        total=sum(sizes.values()),
        dtype=dtype,
        guessed=guessed,
        aligned=aligned,
    )


def _pieces(part: Fields, name: str, aligned: bool) -> Iterator[Piece]:
    features = {m: part.features(field) for m, field in FIELDS.items()}
    n = len(features["vision"])
    yield from padded_pieces(
        part.split,
        name,
        features,
        part.column("labels", n) if "labels" in part else None,
        [_clip(row) for row in part.words("id", n)] if "id" in part else None,
        aligned=aligned,
    )


def _clip(row: list[str]) -> str:
    """Video, start and end, as MulT's files hold them, to one id."""
    return "$_$".join([row[0], "_".join(row[1:])]) if len(row) > 1 else row[0]


if __name__ == "__main__":
    run_app(app)
