"""The one on-disk format, and `load_dataset`.

A data set is a folder: `train.safetensors`, `valid.safetensors`, `test.safetensors` (any of
them may be absent) and `dataset.json`. In each split, for every modality m: `m.values` [S, D]
float16 or float32, `m.offsets` [N + 1] int64, and for data on a common time grid `m.steps` [S];
then `labels` [N] float32, NaN where there is none, and what else is known of samples,
`factor.NAME` [N, ...]. dataset.json has the rest: ids, texts and groups of every split, where the
data come from, and the hash of each file's values.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from ..errors import DataError
from ..files import put_in_place, read_json, save_tensors, version, workspace, write_json
from .dataset import SPLITS, MultimodalDataset
from .toy import make_toy
from .worlds import spelled

FORMAT = 1
OPTIONAL = ("texts", "groups")  # of samples, in dataset.json
DATA_HOME = "DMDLITE_DATA"  # environment variable: the folder that holds data sets, by name


def save_dataset(
    folder: str | Path, splits: dict[str, MultimodalDataset], source: str, **manifest: Any
) -> None:
    """Write `splits` to `folder`, whole or not at all. `manifest` adds to dataset.json.

    Raises DataError for splits that do not belong together and for a folder that holds anything
    but a data set, OSError when the disk refuses; the old folder, if any, is then untouched.
    """
    folder = Path(folder).resolve()
    if not splits or not set(splits) <= set(SPLITS):
        raise DataError(f"splits: some of {', '.join(SPLITS)}, got {', '.join(splits) or 'none'}")
    first = next(iter(splits.values()))
    for data in splits.values():
        if (data.modalities, data.widths) != (first.modalities, first.widths):
            raise DataError(f"{folder}: the splits differ in modalities or widths")
    check_replaceable(folder)
    about = {
        **({} if first.aligned is None else {"aligned": first.aligned}),
        **manifest,
        "format": FORMAT,
        "name": first.name,
        "source": source,
        "modalities": dict(zip(first.modalities, first.widths, strict=True)),
        "ids": {split: list(data.ids) for split, data in splits.items()},
    }
    for part in ("texts", "groups"):
        if any(getattr(data, part) for data in splits.values()):
            about[part] = {split: list(getattr(data, part)) for split, data in splits.items()}
    with workspace(folder) as temporary:
        new = temporary / "new"
        new.mkdir()
        for split, data in splits.items():
            save_tensors(_tensors(data), new / f"{split}.safetensors")
        write_json(new / "dataset.json", about)
        put_in_place(new, folder)


def check_replaceable(folder: Path) -> None:
    """Raises DataError unless `folder` is new, empty, or holds a data set and nothing else."""
    if not folder.exists():
        return
    known = {"dataset.json", *(f"{split}.safetensors" for split in SPLITS)}
    found = list(folder.iterdir()) if folder.is_dir() else [folder]
    ours = all(path.is_file() and path.name in known for path in found)
    if found and not (ours and (folder / "dataset.json").is_file()):
        raise DataError(f"{folder}: holds something else than a data set; choose another folder")


def _tensors(data: MultimodalDataset) -> dict:
    tensors = {"labels": data.labels}
    for part in ("values", "offsets", "steps"):
        tensors |= {f"{m}.{part}": t for m, t in getattr(data, part).items()}
    tensors |= {f"factor.{k}": t for k, t in data.factors.items()}
    return tensors


def find_folder(name: str | Path) -> Path | None:
    """Where the data set is that `load_dataset` would read; None for the toy and where none is."""
    folders = (Path(name), Path(os.environ.get(DATA_HOME, "data")) / name)
    toy = str(name).partition(":")[0] == "toy"
    return None if toy else next((f for f in folders if version(f) and _is_dataset(f)), None)


def _is_dataset(folder: Path) -> bool:
    return (folder / "dataset.json").is_file()


def manifest_of(name: str | Path) -> dict[str, Any]:
    """dataset.json of the folder that `load_dataset` reads; empty for the toy."""
    folder = find_folder(name)
    about = read_json(folder / "dataset.json") if folder else {}
    for key in ("inputs", "repaired", "groups"):
        if not isinstance(about, dict) or not isinstance(about.get(key, {}), dict):
            raise DataError(f"{folder / 'dataset.json'}: field {key!r} is not a dict")
    return about


def warn_of_unfit(name: str | Path) -> None:
    """Warns of what the converter found that verify.py calls a failure."""
    for says in manifest_of(name).get("unfit", ()):
        warnings.warn(f"{name} is unfit for use: {says}", stacklevel=2)


def load_dataset(name: str | Path) -> dict[str, MultimodalDataset]:
    """The splits of a data set, by split name.

    `name` is "toy" (or "toy:SEED", or another world's: `worlds.spelled`), a folder in the on-disk
    format, or the name of such a folder under $DMDLITE_DATA (default: ./data).

    Raises DataError that names the file and the field when something is missing or wrong.
    """
    if str(name).partition(":")[0] == "toy":
        return make_toy(*spelled(str(name)))
    home = Path(os.environ.get(DATA_HOME, "data"))
    for folder in (Path(name), home / name):
        found = _load_one_version(folder)
        if found:
            return found
    raise DataError(
        f"{name}: no such data set. Give toy, a folder that holds dataset.json, "
        f"or the name of one under {home} (the scripts in data_scripts make them)"
    )


def _load_one_version(folder: Path) -> dict[str, MultimodalDataset]:
    """The splits in a folder, {} where it holds no data set; read again where it was replaced
    meanwhile, so that no two versions are mixed."""
    while True:
        seen, found, problem = version(folder), {}, None
        try:
            if (folder / "dataset.json").is_file():
                found = _load_folder(folder)
        except DataError as error:
            problem = error
        if version(folder) == seen:
            if problem:
                raise problem
            return found


def _load_folder(folder: Path) -> dict[str, MultimodalDataset]:
    path = folder / "dataset.json"
    about = read_json(path)
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise DataError(f'{path}: expected "format": {FORMAT}, the format this version reads')
    for key, kind in (("name", str), ("modalities", dict), ("ids", dict)):
        if not isinstance(about.get(key), kind):
            raise DataError(f"{path}: field {key!r} is missing or not a {kind.__name__}")
    splits = [s for s in SPLITS if s in about["ids"]]
    if not splits:
        raise DataError(f"{path}: lists none of the splits {', '.join(SPLITS)}")
    return {s: _load_split(folder / f"{s}.safetensors", about, s) for s in splits}


def _load_split(path: Path, about: dict, split: str) -> MultimodalDataset:
    """One split; its values stay on disk, and the system reads them as they are asked for."""
    try:
        tensors = load_file(path)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file, but dataset.json lists this split") from None
    except (SafetensorError, OSError, RuntimeError) as error:
        raise DataError(f"{path}: not a readable safetensors file ({error})") from None
    names = list(about["modalities"])
    needed = ["labels", *(f"{m}.{part}" for m in names for part in ("values", "offsets"))]
    missing = [key for key in needed if key not in tensors]
    if missing:
        raise DataError(f"{path}: lacks {', '.join(missing)}")
    for m, width in about["modalities"].items():
        shape = list(tensors[f"{m}.values"].shape)
        if len(shape) != 2 or shape[1] != width:
            raise DataError(
                f"{path}: {m}.values has shape {shape}, dataset.json wants width {width}"
            )
    ids, texts, groups = (_of_split(path, about, part, split) for part in ("ids", *OPTIONAL))
    if not isinstance(about.get("aligned"), (bool, type(None))):
        raise DataError(f"{path.parent / 'dataset.json'}: aligned must be true, false or absent")
    try:
        return MultimodalDataset(
            values={m: tensors[f"{m}.values"] for m in names},
            offsets={m: tensors[f"{m}.offsets"] for m in names},
            steps={m: tensors[f"{m}.steps"] for m in names if f"{m}.steps" in tensors},
            labels=tensors["labels"],
            ids=tuple(ids),
            texts=tuple(texts),
            groups=tuple(groups),
            aligned=about.get("aligned"),
            name=about["name"],
            factors={
                key.removeprefix("factor."): t
                for key, t in tensors.items()
                if key.startswith("factor.")
            },
        )
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _of_split(path: Path, about: dict, part: str, split: str) -> list:
    """A list that dataset.json holds for a split. Raises DataError when it is none."""
    found = about.get(part) or {}
    found = found.get(split, []) if isinstance(found, dict) else None
    if not isinstance(found, list):
        raise DataError(f"{path.parent / 'dataset.json'}: {part} of a split must be a list")
    return found
