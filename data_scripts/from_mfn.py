"""Convert the HDF5 files of the MFN release (Zadeh et al. 2018): MOSI and ICT-MMMO.

Usage: python data_scripts/from_mfn.py FOLDER --name mmmo; fetch.py downloads them first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from dmdlite_data.conversion import Piece, convert, padded_pieces
from dmdlite_data.formats import refuse_others
from dmdlite_data.options import Dtype, Out, Precision, new_app
from dmdlite_data.published import MFN
from dmdlite_data.safe_hdf5 import open_hdf5, read_array

from dmdlite import MODALITIES, DataError
from dmdlite.cli import run_app
from dmdlite.data.storage import SPLITS

STEPS = 20  # T of every sequence in the release


@dataclass(frozen=True)
class Release:
    """One data set of the release. File names contain {split}."""

    title: str
    folder: str  # in the repository
    key: str  # name of the array in every file
    parts: dict[str, dict[str, int]]  # feature file -> its columns: modality and width, in order
    labels: str  # label file
    label_shift: float  # sentiment = (label - shift) * scale, in [-3, 3]
    label_scale: float
    sha1: dict[str, str]  # file name without .h5 -> git blob hash

    def files(self, split: str) -> dict[str, dict[str, int]]:
        """The feature files of one split, each with its columns."""
        return {name.format(split=split): columns for name, columns in self.parts.items()}

    def names(self, split: str) -> list[str]:
        """Every file of one split, without .h5; its labels last."""
        return [*self.files(split), self.labels.format(split=split)]


COMMIT = "b0453fb6e21b581c796246a0c32a6551f2028c1b"
RELEASES = {
    "mosi": Release(
        title="CMU-MOSI",
        folder="data",
        key="data",
        parts={"X_{split}": {"language": 300, "audio": 5, "vision": 20}},
        labels="y_{split}",
        label_shift=0.0,
        label_scale=1.0,
        sha1=MFN["mosi"],
    ),
    "mmmo": Release(
        title="ICT-MMMO",
        folder="new_data/mmmo",
        key="d1",
        parts={
            "text_{split}_emb": {"language": 300},
            "audio_{split}": {"audio": 74},
            "video_{split}": {"vision": 36},
        },
        labels="y_{split}",
        label_shift=3.0,  # labels are stars, 1 to 5
        label_scale=1.5,
        sha1=MFN["mmmo"],
    ),
}

ALL_SPLITS = ",".join(SPLITS)
Splits = Annotated[str, typer.Option(help="Which ones, with commas")]
AllowMissing = Annotated[
    bool,
    typer.Option("--allow-missing", help="Make do without a feature file: its modality is missing"),
]
app = new_app()


@app.command(epilog="Example: python data_scripts/from_mfn.py downloads/mmmo --name mmmo")
def from_mfn(
    folder: Annotated[Path, typer.Argument(help="Folder that holds the release's .h5 files")],
    name: Annotated[str, typer.Option(help=" or ".join(RELEASES))],
    splits: Splits = ALL_SPLITS,
    allow_missing: AllowMissing = False,
    out: Out = None,
    dtype: Dtype = Precision.float32,
) -> None:
    """Convert the MFN release's files; padding found wherever it is, labels mapped to [-3, 3]."""
    refuse_others(folder, "from_mfn.py")
    release, wanted = find_release(name), parse_splits(splits)
    failed = {
        split: {
            file: "no such file"
            for file in release.names(split)
            if not (folder / f"{file}.h5").is_file()
        }
        for split in wanted
    }
    refuse_incomplete(release, failed, allow_missing)
    convert_release(name, folder, failed, out, dtype)


def find_release(name: str) -> Release:
    if name not in RELEASES:
        raise DataError(f"{name}: unknown data set, one of {', '.join(RELEASES)}")
    return RELEASES[name]


def parse_splits(splits: str) -> list[str]:
    wanted = splits.split(",")
    if unknown := sorted(set(wanted) - set(SPLITS)):
        names = ", ".join(map(repr, unknown))
        raise DataError(f"--splits: unknown {names}; choose from {','.join(SPLITS)}")
    return [split for split in SPLITS if split in wanted]


def refuse_incomplete(release: Release, failed: dict[str, dict[str, str]], allow: bool) -> None:
    """Raise DataError that names the splits that cannot be made, and what can be done.

    `failed` holds, for each split wanted, the files that cannot be had, with the reason.
    """
    unusable = {s: f for s, f in failed.items() if release.labels.format(split=s) in f}
    unusable |= {s: f for s, f in failed.items() if len(f) >= len(release.parts)}
    if not allow:
        unusable |= {s: f for s, f in failed.items() if f}
    if not unusable:
        return
    lacking = "; ".join(f"{s} lacks {', '.join(files)}" for s, files in unusable.items())
    usable = ",".join(s for s in failed if s not in unusable)
    remedy = f". The rest is usable: --splits {usable}" if usable else ""
    if not any(release.labels.format(split=s) in failed[s] for s in unusable) and not allow:
        remedy += "; or --allow-missing keeps such samples without that modality"
    raise DataError(f"{lacking}{remedy}")


def convert_release(
    name: str,
    folder: Path,
    failed: dict[str, dict[str, str]],
    out: Path | None,
    dtype: Precision = Precision.float32,
) -> None:
    """Convert the splits that are keys of `failed`, without the files that failed."""
    release = RELEASES[name]
    there = [f for s, lost in failed.items() for f in release.names(s) if f not in lost]
    convert(
        (piece for s, lost in failed.items() for piece in read_split(name, s, folder, lost)),
        name,
        out,
        source=f"{release.title} as released with MFN (MIT), commit {COMMIT}",
        inputs=[folder / f"{file}.h5" for file in there],
        dtype=dtype,
        not_available=sorted(file for lost in failed.values() for file in lost),
        label_map=f"(label - {release.label_shift:g}) * {release.label_scale:g}",
    )


def read_split(name: str, split: str, folder: Path, absent: dict[str, str]) -> Iterator[Piece]:
    """One split from the files in `folder`; labels are mapped to [-3, 3].

    The modalities of the `absent` feature files are missing in every sample. Raises DataError
    for a file of another shape.
    """
    release = RELEASES[name]
    with open_hdf5(folder / f"{release.labels.format(split=split)}.h5") as file:
        labels = read_array(file, release.key).astype(np.float64).reshape(-1)
    labels = (labels - release.label_shift) * release.label_scale
    features = {}
    for file, columns in release.files(split).items():
        shape = (len(labels), STEPS, sum(columns.values()))
        x = np.zeros(shape, np.float32)
        if file not in absent:
            x = _checked(folder / f"{file}.h5", release.key, shape)
        edges = np.cumsum(list(columns.values()))[:-1]
        features |= dict(zip(columns, np.split(x, edges, axis=2), strict=True))
    ordered = {m: features[m] for m in MODALITIES}
    ids = [f"{name}_{split}_{i:04d}" for i in range(len(labels))]
    yield from padded_pieces(split, name, ordered, labels, ids, aligned=True)


def _checked(path: Path, key: str, shape: tuple[int, ...]) -> np.ndarray:
    with open_hdf5(path) as file:
        x = read_array(file, key)
    if x.shape != shape:
        raise DataError(f"{path}: {key} has shape {x.shape}, expected {shape}")
    return x


if __name__ == "__main__":
    run_app(app)
