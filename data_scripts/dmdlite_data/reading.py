"""Whatever goes wrong while a stranger's file is read ends in one error that names the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dmdlite import DataError


@contextmanager
def reading(where: object) -> Iterator[None]:
    """Turn any exception of the block into a DataError that says where, and what it was.

    Broad on purpose: a damaged or hostile file can make a library raise nearly anything.
    """
    try:
        yield
    except (DataError, KeyboardInterrupt):
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(f"{where}: cannot be read ({type(error).__name__}: {reason})") from None


def plain(text: str) -> str:
    """What a stranger's file says, without signs that a terminal would act on or cannot show."""
    return "".join(c if c.isprintable() else "?" for c in text)
