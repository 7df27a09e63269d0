"""A file's parts, {place: value}, written into a folder in their format; returns the arguments
that a converter takes. What a format cannot hold raises."""

import csv
import json
import pickle
import shutil
import zipfile
from collections import defaultdict
from itertools import zip_longest

import h5py
import numpy as np

from .parts import FOLDS, TABLE


def nested(parts):
    """{"train/text": x} as {"train": {"text": x}}."""
    content = defaultdict(dict)
    for place, value in parts.items():
        outer, _, inner = place.partition("/")
        content[outer][inner] = value
    return dict(content)


def fields(folder, parts, protocol=4):
    """One pickle, {split: {field: array}}."""
    (folder / "x.pkl").write_bytes(pickle.dumps(nested(parts), protocol))
    return ["x.pkl"]


def clips(folder, parts):
    """A pickle a split, a tuple a clip; parts that are gone make it shorter."""
    files = defaultdict(dict)
    for place, value in parts.items():
        split, clip, part = (*place.split("/"), "more", "more")[:3]
        files[split].setdefault(clip, {})[part] = value
    for split, found in files.items():
        content = [
            (
                tuple(v for k, v in clip.items() if k not in ("label", "name")),
                *(clip[k] for k in ("label", "name") if k in clip),
            )
            for clip in found.values()
        ]
        (folder / f"{split}.pkl").write_bytes(pickle.dumps(content, protocol=4))
    return [f"./{split}.pkl" for split in files]  # a name may begin with a dash


def clips_and_table(folder, parts):
    np.save(folder / "table.npy", TABLE)
    return [*clips(folder, parts), "--embeddings", "table.npy"]


def sequences(folder, parts):
    """A file per first word of a place: what a video holds in each."""
    (folder / "folds.json").write_text(json.dumps(FOLDS))
    for file, content in nested(parts).items():
        with h5py.File(folder / f"{file}.csd", "w") as root:
            for place, value in content.items():
                video, part = (*place.split("/"), "more")[:2]
                place = f"{file}/data/{video}/{'features' if part == 'label' else part}"
                if value is None:
                    root.create_group(place)
                else:
                    root.create_dataset(place, data=_storable(value))
    return ["glove.csd", "vision.csd", "audio.csd", "labels.csd", "--folds", "folds.json"]


def arrays(folder, parts):
    """A file an array, as the MFN release has them."""
    for place, value in parts.items():
        split, _, part = place.partition("/")
        if value is not None:
            file = f"{part.replace('/', '_').replace('labels', 'y')}_{split}.h5"
            with h5py.File(folder / file, "w") as root:
                root["data"] = _storable(value)
    return ["."]


def _storable(x):
    """HDF5 holds text as bytes."""
    x = np.asarray(x)
    if x.dtype.kind in "OU":
        return np.array([str(v).encode("utf-8", "replace") for v in x.reshape(-1)]).reshape(x.shape)
    return x


def npz(folder, parts):
    np.savez(folder / "x.npz", **{place.replace("/", "_"): x for place, x in parts.items()})
    return ["x.npz"]


def csv_folder(folder, parts):
    columns = {p.partition("/")[2]: x for p, x in parts.items() if p.startswith("labels/")}
    columns = {k: [x] if x is None or isinstance(x, str) else list(x) for k, x in columns.items()}
    (folder / "f").mkdir()
    _rows(folder / "f" / "labels.csv", [list(columns), *zip_longest(*columns.values())])
    for place, value in parts.items():
        if not place.startswith("labels/"):
            path = folder / "f" / f"{place}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            x = np.asarray(value, dtype=object if value is None else None)
            _rows(path, x.reshape(len(x) if x.ndim else 1, -1).tolist())
    return ["f"]


def _rows(path, rows):
    with path.open("w", newline="", encoding="utf-8", errors="surrogatepass") as file:
        csv.writer(file).writerows(rows)


def csv_zip(folder, parts):
    csv_folder(folder, parts)
    with zipfile.ZipFile(folder / "f.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((folder / "f").rglob("*")):
            archive.write(file, file.relative_to(folder / "f"))
    shutil.rmtree(folder / "f")
    return ["f.zip"]
