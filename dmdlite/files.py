"""Files written whole or not at all, and JSON that is named when it cannot be read."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .errors import DataError

OLD = "old"  # in a workspace: the folder that is being replaced


def writable(path: str | Path) -> Path:
    """`path`, when a file can go there. Raises DataError for a folder, a device or no name."""
    path = Path(path)
    if not path.name or (path.exists() and not path.is_file()):
        raise DataError(f"{path}: not a place for a file; it is a folder, a device or has no name")
    return path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path that takes the place of `path` when the block ends well, else vanishes."""
    path = writable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    try:
        yield temporary
        readable(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def readable(path: Path) -> None:
    """Give a file the permissions of any new file; some libraries make theirs private."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(0o666 & ~umask)


@contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, to make things in; gone when the block ends.

    What a killed process left there goes with the next call, but for the old `folder` where it was
    killed between the two renames of `put_in_place`: that comes back. Raises DataError when
    another process is at it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder = folder.parent.resolve() / folder.name
    temporary = folder.with_name(f".{folder.name}.dmdlite-partial")
    try:
        with FileLock(_lock_file(folder), timeout=0):
            if (temporary / OLD).exists() and not folder.exists():
                (temporary / OLD).rename(folder)
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            try:
                yield temporary
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except Timeout:
        raise DataError(f"{folder}: another process is writing it") from None


def _lock_file(folder: Path) -> Path:
    """Not beside the folder: locks work on a machine's own disk, and stay there as empty files."""
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"dmdlite-{name}.lock"


def put_in_place(new: Path, folder: Path) -> None:
    """Move `new`, made in the folder's `workspace`, to `folder`; what was there goes.

    A reader finds the old folder or the new one, but for the moment between two renames.
    """
    old = new.with_name(OLD)
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise


def write_json(path: Path, content: Any) -> None:
    """Write JSON; NaN, which JSON does not have, becomes null."""
    with replacing(path) as temporary:
        text = json.dumps(_without_nan(content), indent=2)
        temporary.write_text(text + "\n", encoding="utf-8")


def _without_nan(content: Any) -> Any:
    if isinstance(content, dict):
        return {k: _without_nan(v) for k, v in content.items()}
    if isinstance(content, (list, tuple)):
        return [_without_nan(v) for v in content]
    return None if isinstance(content, float) and math.isnan(content) else content


def read_json(path: Path) -> Any:
    """Parsed JSON. Raises DataError that names the file when it is missing or no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: not readable as JSON ({error})") from None
