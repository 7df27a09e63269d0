"""What a chapter's exercise says to an answer, whatever the answer does."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any


def attempt(check: Callable[..., None], *answers: Any) -> None:
    """Run a chapter's check on your answers and print how it went, in a line: "correct", "not
    written yet", or "not yet" and what is wrong. An answer that stops with an error of its own is
    told which, and where."""
    try:
        check(*answers)
        print("correct")
    except NotImplementedError:
        print("not written yet")
    except AssertionError as error:
        print(f"not yet: {error}")
    except Exception as error:
        print(f"not yet: {_stopped(error)}")


def _stopped(error: Exception) -> str:
    """The error in a line, and the last line of notebook code that it came through."""
    text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    frames = traceback.extract_tb(error.__traceback__)[1:]  # below `attempt`
    own = [frame for frame in frames if "site-packages" not in frame.filename and frame.line]
    return f"it stops with {text}" + (f" (at: {own[-1].line})" if own else "")
