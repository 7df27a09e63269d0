"""Give every feature mean 0 and standard deviation 1, as measured on the training split alone.

Usage: python data_scripts/standardize.py NAME; --help says more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import torch
import typer
from dmdlite_data.conversion import Piece, convert
from dmdlite_data.options import Dtype, Out, Precision, new_app

from dmdlite import DataError, MultimodalDataset, load_dataset
from dmdlite.cli import run_app
from dmdlite.data.scaling import Statistics, column_statistics, scaled
from dmdlite.data.storage import manifest_of

CHUNK = 256  # clips scaled at a time
app = new_app()


@app.command(epilog="Example: python data_scripts/standardize.py mosei_unaligned --dtype float16")
def standardize(
    name: Annotated[str, typer.Argument(help="A data set's folder, or its name")],
    like: Annotated[
        str | None, typer.Option(help="Measure on this data set's train split, for new clips")
    ] = None,
    out: Out = None,
    dtype: Dtype = Precision.float32,
) -> None:
    """Write a scaled copy, NAME_scaled, that keeps ids, texts, groups and history.

    Constant columns become 0, wild values are cut. A modality that is missing in all of train
    stays as it is. New clips for a model that was trained on X_scaled: --like X.
    """
    splits = load_dataset(name)
    before = manifest_of(name)
    if "standardised" in before:
        raise DataError(f"{name}: is standardised already")
    measured = load_dataset(like) if like else splits
    if "train" not in measured:
        raise DataError(
            f"{like or name}: has no train split to measure on, only {', '.join(measured)}"
            + ("" if like else "; --like DATASET measures on that one's")
        )
    if like and "standardised" in manifest_of(like):
        raise DataError(f"--like {like}: is standardised already; name the one it was made from")
    first = next(iter(splits.values()))
    if (first.modalities, first.widths) != (measured["train"].modalities, measured["train"].widths):
        raise DataError(f"--like {like}: has other modalities or widths than {name}")
    new_name = f"{Path(first.name).name}_scaled"
    statistics = column_statistics(measured["train"])
    convert(
        (p for split, data in splits.items() for p in _pieces(split, data, statistics, new_name)),
        new_name,
        out,
        source=f"{before.get('source', name)}; standardised",
        inputs=[],
        total=sum(map(len, splits.values())),
        dtype=dtype,
        before=before,
        standardised=f"on train of {like}" if like else "on train",
    )


def _pieces(
    split: str, data: MultimodalDataset, statistics: Statistics, name: str
) -> Iterator[Piece]:
    for places in torch.arange(len(data)).split(CHUNK):
        yield split, scaled(data.subset(places), statistics, name), {}


if __name__ == "__main__":
    run_app(app)
