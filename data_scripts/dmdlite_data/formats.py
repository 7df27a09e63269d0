"""Which script reads a file: told from its first bytes, or from the form of what is in it."""

from __future__ import annotations

import zipfile
from itertools import islice
from pathlib import Path
from typing import Any

import h5py

from dmdlite import DataError

from .pickle_machine import load_pickle
from .published import MFN
from .reading import reading
from .safe_hdf5 import member, open_hdf5

FORMATS = {  # script -> what its files are, and its arguments
    "from_mmsa.py": ("MMSA's pickle", "FILE.pkl"),
    "from_mult.py": ("MulT's pickle", "FILE.pkl"),
    "from_misa.py": (
        "a list of clips as MISA and MAG-BERT use",
        "train.pkl dev.pkl test.pkl --name NAME",
    ),
    "from_csd.py": (
        "a computational sequence of the CMU SDK",
        "LANGUAGE.csd VISION.csd AUDIO.csd LABELS.csd --folds mosi",
    ),
    "from_mfn.py": ("a file of MFN's release", "FOLDER --name mosi"),
    "from_arrays.py": ("features of your own", "FILE.npz --name NAME, or FOLDER"),
}
HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
MMSA_ONLY = {"regression_labels", "classification_labels", "text_bert", "raw_text"}
MMSA_ONLY |= {"annotations", "vision_lengths", "audio_lengths"}


def refuse_others(path: Path, script: str) -> None:
    """Raises DataError that names the right script when the file is not one for `script`."""
    refuse(path, script, looks_like(path))


def refuse(path: Path, script: str | None, found: str | None) -> None:
    """The same, where the script that reads the file has been `found` already."""
    if found not in (None, script):
        what, arguments = FORMATS[found]
        raise DataError(f"{path}: looks like {what}: python data_scripts/{found} {arguments}")


def looks_like(path: Path) -> str | None:
    """The script that reads a file or folder, None where nothing tells. Nothing in it is run."""
    try:
        return by_first_bytes(path) or by_content(load_pickle(path))
    except DataError:
        return None


def by_first_bytes(path: Path) -> str | None:
    """The script for a folder, an HDF5 file or a zip."""
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():
        return None
    with reading(path), path.open("rb") as file:
        head = file.read(len(HDF5))
    if head == HDF5:
        return _of_hdf5(path)
    return _of_zip(path) if head.startswith(ZIP) else None


def by_content(content: Any) -> str | None:
    """The script for what a pickle holds."""
    splits = list(content.values()) if isinstance(content, dict) else [content]
    if any(map(_is_clips, splits)):
        return "from_misa.py"
    fields = {_key(key) for part in splits if isinstance(part, dict) for key in part}
    if fields & MMSA_ONLY:
        return "from_mmsa.py"
    return "from_mult.py" if {"text", "vision", "audio"} <= fields else None


def _is_clips(x: Any) -> bool:
    """Whether x is a list of ((words, vision, audio, ...), ...)."""
    clip = x[0] if isinstance(x, list | tuple) and x else ()
    features = clip[0] if isinstance(clip, list | tuple) and len(clip) > 1 else ()
    return isinstance(features, list | tuple) and len(features) > 2


def _key(key: str | bytes) -> str:
    return key if isinstance(key, str) else key.decode("latin-1")


def _of_hdf5(path: Path) -> str | None:
    with open_hdf5(path) as file, reading(path):
        parts = {key: member(file, key) for key in islice(file, 9)}
        if any(isinstance(parts.get(key), h5py.Dataset) for key in ("data", "d1")):
            return "from_mfn.py"
        groups = [part for part in parts.values() if isinstance(part, h5py.Group)]
        return "from_csd.py" if any("data" in group for group in groups) else None


def _of_zip(path: Path) -> str | None:
    with reading(path), zipfile.ZipFile(path) as archive:
        names = [name.rpartition("/")[2] for name in archive.namelist()]
    ours = "labels.csv" in names or all(name.endswith(".npy") for name in names)
    return "from_arrays.py" if ours else None


def _of_folder(path: Path) -> str | None:
    with reading(path):
        files = sorted(p for p in path.iterdir() if p.is_file())
    if any(file.name == "labels.csv" for file in files):
        return "from_arrays.py"
    if any(file.suffix == ".csd" for file in files):
        return "from_csd.py"
    if any(file.suffix == ".h5" and file.stem in names for file in files for names in MFN.values()):
        return "from_mfn.py"
    pickles = [file for file in files if file.suffix in (".pkl", ".pickle")]
    return looks_like(pickles[0]) if pickles else None
