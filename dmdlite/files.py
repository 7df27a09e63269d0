"""Files written whole or not at all, and JSON that is named when it cannot be read."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from .errors import DataError

PATIENCE = 5.0  # seconds that a writer waits for the lock: a reader may hold it for an instant
PARTIAL = ".dmdlite-partial"  # ends the names of what is being made
OLD = "old"  # in a workspace: the folder that is being replaced


def writable(path: str | Path) -> Path:
    """`path`, when a file can go there. Raises DataError for a folder, a device or no name."""
    path = Path(path)
    if not path.name or (path.exists() and not path.is_file()):
        raise DataError(f"{path}: not a place for a file; it is a folder, a device or has no name")
    return path


def ours(path: str | Path, mark: str | re.Pattern[str]) -> Path:
    """`path`, when nothing is there, or a file that holds `mark`, as those of this command do; or
    one that begins as the pattern says.

    Raises DataError for anything else: nobody's file is replaced.
    """
    path = writable(path)
    if path.exists() and path.stat().st_size:
        text = path.read_bytes().replace(b"\r\n", b"\n").decode("utf-8", "replace")
        if not (mark in text if isinstance(mark, str) else mark.match(text)):
            raise DataError(
                f"{path}: holds something else than this command writes; choose another name"
            )
    return path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path that takes the place of `path` when the block ends well, else vanishes.

    Raises OSError that names `path` when the disk refuses: full, over quota, read-only.
    """
    path = writable(path)
    temporary = path.with_name(path.name + PARTIAL)
    try:
        with naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            readable(temporary)
            os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """What the system refuses in the block names the file and the reason, in one line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error).removeprefix(f"{path}{PARTIAL}: cannot be written ")
        raise OSError(f"{path}: cannot be written ({reason.strip('()')})") from None


def save_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    """Write a safetensors file. Raises OSError that names it when the disk refuses."""
    with naming(path):
        try:
            save_file({k: x.detach().cpu().contiguous() for k, x in tensors.items()}, path)
        except SafetensorError as error:
            raise OSError(str(error)) from None
        readable(path)


def readable(path: Path) -> None:
    """Give a file the permissions of any new file; some libraries make theirs private."""
    fresh = path.with_name(path.name + PARTIAL)
    fresh.touch()
    path.chmod(fresh.stat().st_mode)
    fresh.unlink()


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """The folder is this process's to write in until the block ends.

    Raises DataError when another living process has it; a killed one holds nothing.
    """
    try:
        with FileLock(_lock_file(folder.resolve(), "claim"), timeout=0):
            yield
    except Timeout:
        raise DataError(f"{folder}: another process writes into this folder") from None


@contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, to make things in; gone when the block ends.

    What a killed process left there goes with the next call. Raises DataError when another
    process is at it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = _partial(folder)
    try:
        with FileLock(_lock_file(folder), timeout=PATIENCE):
            _bring_back(folder)
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            try:
                yield temporary
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except Timeout:
        raise DataError(f"{folder}: another process is writing it") from None


def put_in_place(new: Path, folder: Path) -> None:
    """Move `new`, made in the folder's `workspace`, to `folder`; what was there goes.

    Between its two renames `folder` is not there: readers ask `version` first, which waits.
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


def version(folder: Path) -> tuple[int, int] | None:
    """What changes when `folder` is replaced; None where there is no folder.

    Waits for a writer that is between its two renames, and brings back what one left that was
    killed there.
    """
    if not folder.exists() and (_partial(folder) / OLD).exists():
        with FileLock(_lock_file(folder)):
            _bring_back(folder)
    try:
        found = folder.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _bring_back(folder: Path) -> None:
    """The old folder, where a writer was killed between two renames. The lock is held."""
    if (_partial(folder) / OLD).exists() and not folder.exists():
        (_partial(folder) / OLD).rename(folder)


def _partial(folder: Path) -> Path:
    return folder.parent.resolve() / f".{folder.name}{PARTIAL}"


def _lock_file(folder: Path, kind: str = "") -> Path:
    """Not beside the folder: locks work on a machine's own disk, and stay there as empty files."""
    place = os.fsencode(folder.parent.resolve() / folder.name) + kind.encode()
    return Path(tempfile.gettempdir()) / f"dmdlite-{hashlib.sha256(place).hexdigest()[:16]}.lock"


def write_json(path: Path, content: Any) -> None:
    """Write JSON; NaN and inf, which JSON does not have, become null."""
    with replacing(path) as temporary:
        text = json.dumps(_finite(content), indent=2, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {k: _finite(v) for k, v in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(v) for v in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def read_json(path: Path) -> Any:
    """Parsed JSON. Raises DataError that names the file when it is missing or no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: not readable as JSON ({error})") from None
