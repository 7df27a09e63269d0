"""Hashes and sizes that the makers of data files have published, and how to check a file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from tqdm.auto import tqdm

CHUNK = 1 << 20  # bytes
LARGE = 1 << 28  # bytes; from here on hashing shows a progress bar


class Published(NamedTuple):
    title: str
    sizes: tuple[int, int, int]  # clips in train, valid, test


MOSI, MOSEI, SIMS = (1284, 229, 686), (16326, 1871, 4659), (1368, 456, 457)
SHA256 = {  # MMSA's documentation prints them
    "d3994fd25681f9c7ad6e9c6596a6fe9b4beb85ff7d478ba978b124139002e5f9": Published(
        "MMSA, MOSI aligned_50.pkl", MOSI
    ),
    "78e0f8b5ef8ff71558e7307848fc1fa929ecb078203f565ab22b9daab2e02524": Published(
        "MMSA, MOSI unaligned_50.pkl", MOSI
    ),
    "45eccfb748a87c80ecab9bfac29582e7b1466bf6605ff29d3b338a75120bf791": Published(
        "MMSA, MOSEI aligned_50.pkl", MOSEI
    ),
    "ad8b23d50557045e7d47959ce6c5b955d8d983f2979c7d9b7b9226f6dd6fec1f": Published(
        "MMSA, MOSEI unaligned_50.pkl", MOSEI
    ),
    "c9e20c13ec0454d98bb9c1e520e490c75146bfa2dfeeea78d84de047dbdd442f": Published(
        "MMSA, SIMS unaligned_39.pkl", SIMS
    ),
}
MFN = {  # the MFN release: data set -> file name without .h5 -> git blob hash
    "mosi": {
        "X_train": "174f63f5ceea7af785519d94506b28b1ffcbad74",
        "X_valid": "b81c5cd24776541a3706d4805bd30e306c5e24d7",
        "X_test": "accb7e77162a38b9e80d795f0145b1bf310dc17c",
        "y_train": "2908208fec855004610658b6ad7b7f686a82e222",
        "y_valid": "126769487590e1d1116e6ae7b3cadd27a0d16171",
        "y_test": "45c2e02dd0a8dd80f6e8e6538049a3c83043d5cf",
    },
    "mmmo": {
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
}
MFN_FILES = {sha1: f"MFN, {name} {file}.h5" for name in MFN for file, sha1 in MFN[name].items()}


def git_blob_sha1(path: Path) -> str:
    """Git's name for a file's content: SHA-1 of "blob <size>\\0" and the bytes."""
    return _feed(path, hashlib.sha1(b"blob %d\0" % path.stat().st_size))


def describe(path: Path) -> dict[str, Any]:
    """Size and SHA-256 of a file, and git's SHA-1 where that is what was published.

    Of a folder: the SHA-256 of the lines that `sha256sum` prints for its files, in order.
    """
    if path.is_dir():
        return _describe_folder(path)
    about = {"bytes": path.stat().st_size, "sha256": _feed(path, hashlib.sha256())}
    if any(path.stem in files for files in MFN.values()):
        about["git_sha1"] = git_blob_sha1(path)
    return about


def _describe_folder(folder: Path) -> dict[str, Any]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    lines = [f"{_feed(p, hashlib.sha256())}  {p.relative_to(folder).as_posix()}\n" for p in files]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    return {"bytes": sum(p.stat().st_size for p in files), "sha256": digest, "files": len(files)}


def published_as(about: dict[str, Any]) -> str | None:
    """The published file that `describe` has seen, or None."""
    known = SHA256.get(about.get("sha256"))
    return known.title if known else MFN_FILES.get(about.get("git_sha1"))


def _feed(path: Path, digest: Any) -> str:
    size = path.stat().st_size
    bar = tqdm(
        total=size,
        desc=f"hashing {path.name}",
        unit="B",
        unit_scale=True,
        leave=False,
        disable=size < LARGE,
    )
    with path.open("rb") as file, bar:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            bar.update(len(chunk))
    return digest.hexdigest()
