"""Convert the 400 clips of CMU-MOSI on which the book's real results rest, as an example of a file
that keeps clip after clip, words as numbers of rows in a table, and the same features aligned.

Usage: python data_scripts/from_mosi400.py FILE.npz; --help says more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from dmdlite_data.options import Out, new_app
from dmdlite_data.own_arrays import from_given
from dmdlite_data.own_clips import convert_own
from dmdlite_data.own_files import read_npz

from dmdlite import DataError
from dmdlite.cli import run_app

app = new_app()
TEST = ("8qrpnFRGt2A", "8OtFthrtaJM", "0h-zjBukYpk")  # whole videos: no speaker on both sides
VALID = ("_dI--eQ6qVU", "9c67fiY0wGQ")
UNALIGNED = {"vision": "vision35_10hz", "audio": "audio25_20hz"}  # steps of their own, per second
ALIGNED = {"vision": "aligned_vision35", "audio": "aligned_audio25"}  # a step a word


@app.command(epilog="Example: python data_scripts/from_mosi400.py mosi_raw400_ownfeatures.npz")
def from_mosi400(
    source: Annotated[Path, typer.Argument(help="mosi_raw400_ownfeatures.npz")],
    aligned: Annotated[bool, typer.Option("--aligned", help="A step a word, in all")] = False,
    unnamed: Annotated[
        bool, typer.Option("--unnamed", help="Ids that name no video: folds are then by clip")
    ] = False,
    name: Annotated[str | None, typer.Option(help="mosi400_aligned_unnamed, say")] = None,
    out: Out = None,
) -> None:
    """Write the data set mosi400: GloVe words, eGeMAPS audio, face geometry from MediaPipe.

    The official split has one of the 16 videos in valid and none in test; here 11, 2 and 3 videos
    are in train, valid and test, and a clip's video is its group. What was said is kept, word by
    word. --unnamed makes what Chapter 2 warns of: data in which nobody can tell who speaks.
    """
    found = read_npz(source)
    wanted = ("glove", "word_index", "word_offsets", "id", "label", "timed_words")
    if lacking := [key for key in wanted if key not in found]:
        raise DataError(f"{source}: lacks {', '.join(lacking)}; is it MOSI-400's file?")
    parts = ["mosi400", "aligned" * aligned, "unnamed" * unnamed]
    made = arrays(found, aligned)
    if unnamed:
        made |= {"ids": np.array([f"clip{i:03}" for i in range(len(found["id"]))])}
        del made["group"]
    name = name or "_".join(filter(None, parts))
    convert_own(source, from_given(source, made), name, out, aligned=aligned)


def arrays(found: dict[str, np.ndarray], aligned: bool) -> dict[str, np.ndarray]:
    """What `from_arrays.py` reads, of MOSI-400's arrays. A word without a vector is a step of
    zeros, which is taken for a missing one."""
    videos = np.array([clip.rsplit("_", 1)[0] for clip in found["id"]])
    split = np.where(np.isin(videos, TEST), "test", np.where(np.isin(videos, VALID), "valid", ""))
    made = {
        "labels": found["label"],
        "ids": found["id"],
        "texts": found["timed_words"],
        "group": videos,
        "split": np.where(split == "", "train", split),
        "language": found["glove"][found["word_index"]].astype(np.float32),
        "language_lengths": np.diff(found["word_offsets"]),
    }
    for modality, key in (ALIGNED if aligned else UNALIGNED).items():
        offsets = "word_offsets" if aligned else f"{modality}_offsets"
        made |= {modality: found[key], f"{modality}_lengths": np.diff(found[offsets])}
    return made


if __name__ == "__main__":
    run_app(app)
