"""What a chapter's exercise says to an answer, whatever the answer does."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


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


def returned(found: Any, *shape: int) -> Tensor:
    """What an answer returned, as a tensor of floats of this shape, one number without a shape.

    NumPy, pandas, float64 and nested lists are taken. Raises AssertionError that says what is wrong
    with anything else.
    """
    assert found is not None, "it returned None: is a `return` missing?"
    kind = type(found).__name__
    parts = isinstance(found, list) and any(torch.is_tensor(x) and x.ndim for x in found)
    several = parts or isinstance(found, (tuple, dict))
    assert not several, f"one tensor, not a {kind}"
    found = found.to_numpy() if hasattr(found, "to_numpy") else found
    found = torch.as_tensor(found).detach()
    wanted = f"shape {list(shape)}" if shape else "one number"
    assert found.shape == shape, f"expected {wanted}, got shape {list(found.shape)}"
    return found.float()


def _stopped(error: Exception) -> str:
    """The error in a line, and the last line of notebook code that it came through."""
    text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    frames = traceback.extract_tb(error.__traceback__)[1:]  # below `attempt`
    own = [frame for frame in frames if "site-packages" not in frame.filename and frame.line]
    return f"it stops with {text}" + (f" (at: {own[-1].line})" if own else "")
