"""The HDF5 files of the MFN release (Zadeh et al. 2018): what they hold, and how to read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from dmdlite import MODALITIES, DataError, MultimodalDataset
from dmdlite.data import from_padded

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
        sha1={
            "X_train": "174f63f5ceea7af785519d94506b28b1ffcbad74",
            "X_valid": "b81c5cd24776541a3706d4805bd30e306c5e24d7",
            "X_test": "accb7e77162a38b9e80d795f0145b1bf310dc17c",
            "y_train": "2908208fec855004610658b6ad7b7f686a82e222",
            "y_valid": "126769487590e1d1116e6ae7b3cadd27a0d16171",
            "y_test": "45c2e02dd0a8dd80f6e8e6538049a3c83043d5cf",
        },
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
        sha1={
            "text_train_emb": "9d3e4469b95a0b8efc6772b5ea3e64b77ad36ae4",
            "text_valid_emb": "69a229e2c06882fe885d384e6ff5a9f5e8355209",
            "text_test_emb": "d80d925e138bd5d8bcd4af632a708578170a4829",
            "audio_train": "43b53d1e063c3f2925d11829ce990be72428b545",
            "audio_valid": "4ab80596e7d4cdefceb3ff00e7c7a16ebad465a0",
            "audio_test": "2484532710b824fb8c612fdeb24a806502b70275",
            "video_train": "e6fdbe8dd083a0e99783624d04338c8f349565e7",
            "video_valid": "4a55b478f8dea90aaf6d4133cb4ac24249d8e20c",
            "video_test": "ef67d8472c9134fbdc83e26158eec76635d81f6a",
            "y_train": "cc283761a63a872a03767aea5ef76da437192054",
            "y_valid": "1eea5176f2b25c48edf3066113bc52d4f7bb55dd",
            "y_test": "19f9bcbc33e4f3af07c0e5ba78a19130edf3a4fb",
        },
    ),
}


def read_array(path: Path, key: str) -> np.ndarray:
    """The array `key` of an HDF5 file. Raises DataError that names the file and what it lacks."""
    try:
        with h5py.File(path, "r") as file:
            if not isinstance(file.get(key), h5py.Dataset):
                raise DataError(f"{path}: no array {key!r}; it holds {sorted(file)}")
            return np.asarray(file[key])
    except OSError as error:
        raise DataError(f"{path}: not a readable HDF5 file ({error})") from None


def read_split(
    release: Release, name: str, split: str, folder: Path, absent: tuple[str, ...] = ()
) -> tuple[MultimodalDataset, dict[str, int]]:
    """One split from the files in `folder`, and what was repaired, by modality and "labels".

    The modalities of the `absent` feature files are missing in every sample. Labels are mapped
    to [-3, 3]; those outside are cut and counted. Raises DataError for a file of another shape.
    """
    path = folder / f"{release.labels.format(split=split)}.h5"
    labels = np.asarray(read_array(path, release.key), dtype=np.float32).reshape(-1)
    labels = (labels - release.label_shift) * release.label_scale
    features = {}
    for file, columns in release.files(split).items():
        shape = (len(labels), STEPS, sum(columns.values()))
        x = _checked(folder / f"{file}.h5", release.key, shape) if file not in absent else None
        x = np.zeros(shape, np.float32) if x is None else x
        edges = np.cumsum(list(columns.values()))[:-1]
        features |= dict(zip(columns, np.split(x, edges, axis=2), strict=True))
    ordered = {m: features[m] for m in MODALITIES}
    ids = [f"{name}_{split}_{i:04d}" for i in range(len(labels))]
    outside = int((np.abs(labels) > 3).sum())
    dataset, repaired = from_padded(ordered, np.clip(labels, -3, 3), ids, name)
    return dataset, repaired | {"labels": outside}


def _checked(path: Path, key: str, shape: tuple[int, ...]) -> np.ndarray:
    x = read_array(path, key)
    if x.shape != shape:
        raise DataError(f"{path}: {key} has shape {x.shape}, expected {shape}")
    return x
