"""Files written whole or not at all, and JSON that is named when it cannot be read."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .validate import DataError


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
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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
