"""Convert your own features: an npz, or a folder (or zip) of csv files, one per clip.

Usage: python data_scripts/from_arrays.py FEATURES.npz --name mine; --help says more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from dmdlite_data.formats import refuse_others
from dmdlite_data.options import (
    Dtype,
    LabelScale,
    LabelShift,
    Out,
    Precision,
    Seed,
    Shares,
    Unlabelled,
    new_app,
)
from dmdlite_data.own_arrays import from_folder, from_npz
from dmdlite_data.own_clips import convert_own

from dmdlite.cli import run_app

app = new_app()
EXAMPLE = "python data_scripts/from_arrays.py mine.npz --name mine --shares 70,10,20"


@app.command(epilog=f"Example: {EXAMPLE}")
def from_arrays(
    source: Annotated[Path, typer.Argument(help=".npz, folder, or .zip of a folder; see below")],
    name: Annotated[str, typer.Option(help="Name of the data set")],
    aligned: Annotated[
        bool, typer.Option("--aligned", help="The modalities share one time grid")
    ] = False,
    shares: Shares = None,
    seed: Seed = 0,
    label_shift: LabelShift = 0.0,
    label_scale: LabelScale = 1.0,
    unlabelled: Unlabelled = False,
    out: Out = None,
    dtype: Dtype = Precision.float32,
) -> None:
    """Convert two or more modalities of any name.

    npz: `labels` [N]; optional text arrays [N] `ids`, `split`, `group` and `texts`; every other
    array is a modality: padded [N, T, D], with its steps in NAME_lengths [N] if you know them, or
    clip after clip [S, D] with NAME_lengths [N].

    Folder or zip: labels.csv with columns id, label and optional split, group, text; then
    MODALITY/ID.csv, a line a step, a column a feature, with or without a header.

    Without any label (no array, no column) the clips can be predicted; they go into test. With
    --unlabelled some may lack one (NaN, an empty cell), and train learns from them what it can.
    Where --shares makes the splits, they join train, unless a clip of their group is tested on.

    --shares never puts clips of one `group` (a video, a speaker) into different splits; without
    groups, those of one video, where the ids name it: video$_$clip, video[clip] or video_clip.
    """
    refuse_others(source, "from_arrays.py")
    found = from_npz(source) if source.suffix == ".npz" else from_folder(source)
    convert_own(
        source,
        found,
        name,
        out,
        label_map=(label_shift, label_scale),
        unlabelled=unlabelled,
        shares=shares,
        seed=seed,
        dtype=dtype,
        aligned=aligned,
    )


if __name__ == "__main__":
    run_app(app)
