"""Downloads that resume, and that are checked against a published hash before anyone sees them."""

from __future__ import annotations

import time
from pathlib import Path

import requests
from tqdm.auto import tqdm

from dmdlite.files import naming

from .published import git_blob_sha1

ATTEMPTS = 4
TIMEOUT = (10, 60)  # seconds to connect, seconds between two chunks
CHUNK = 1 << 16  # bytes


class DownloadError(OSError):
    """A file that cannot be had; the message names it and says why."""


def download(url: str, path: Path, sha1: str, pause: float = 1.0) -> bool:
    """Put the file at `url` at `path`; returns False when a good copy was there already.

    Bytes go to `path` + ".part"; a transfer that breaks off is resumed, by the next of ATTEMPTS
    tries (`pause` seconds apart) or by the next call. `path` itself only ever holds content
    whose git blob hash is `sha1`.

    Raises DownloadError when the server does not have the file, keeps failing, or serves
    something else, and OSError when the disk refuses.
    """
    if path.exists() and git_blob_sha1(path) == sha1:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _transfer(url, part)
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ):
            if attempt == ATTEMPTS:
                raise DownloadError(
                    f"{url}: the connection failed {ATTEMPTS} times; run the same command again "
                    "to resume"
                ) from None
            time.sleep(pause)
            continue
        found = git_blob_sha1(part)
        if found == sha1:
            part.replace(path)
            return True
        part.unlink()  # stale or damaged: the next try starts from nothing
    raise DownloadError(f"{url}: git hash {found}, published {sha1}; not the published file")


def _transfer(url: str, part: Path) -> None:
    """Append what `part` still lacks of the file at `url`; start over if the server must."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == 416:  # nothing after `have`: the hash will tell
            return
        if not response.ok:
            raise DownloadError(f"{url}: the server answers {response.status_code}")
        resumed = response.status_code == 206
        total = int(response.headers.get("Content-Length", 0)) + (have if resumed else 0)
        bar = tqdm(
            total=total or None,
            initial=have if resumed else 0,
            desc=part.stem,
            unit="B",
            unit_scale=True,
        )
        with part.open("ab" if resumed else "wb") as file, bar:
            for chunk in response.iter_content(CHUNK):
                with naming(part):
                    file.write(chunk)
                bar.update(len(chunk))
