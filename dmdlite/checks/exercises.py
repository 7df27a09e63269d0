"""What a chapter's exercise says to an answer, whatever the answer does."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .watching import Watch

PACKAGE = Path(__file__).resolve().parents[1]


def attempt(check: Callable[..., None], *answers: Any) -> None:
    """Run a chapter's check on your answers and print how it went, in a line: "correct", "not
    written yet", or "not yet" and what is wrong.

    An answer that stops with an error of its own is told which, and where; one that changes what it
    was given, which argument; one that the check can do nothing with, what it returned."""
    watch = Watch()
    try:
        check(*map(watch.function, answers))
        print("correct")
    except NotImplementedError:
        print("not written yet")
    except AssertionError as error:
        print(f"not yet: {error}")
    except Exception as error:
        said = watch.said()
        unfit = f"returned {said}, and the check " if said else ""
        print(f"not yet: it {unfit}{_stopped(error)}")


def returned(found: Any, *shape: int) -> Tensor:
    """What an answer returned, as a tensor of floats of this shape, one number without a shape.

    NumPy, pandas, float64 and nested lists or tuples are taken. Raises AssertionError that says
    what is wrong with anything else.
    """
    assert found is not None, "it returned None: is a `return` missing?"
    kind = type(found).__name__
    nested = isinstance(found, (list, tuple))
    parts = nested and any(torch.is_tensor(x) and x.ndim for x in found)
    several = parts or isinstance(found, dict)
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
    others = ("site-packages", str(PACKAGE))
    own = [f for f in frames if f.line and not any(place in f.filename for place in others)]
    return f"stops with {text}" + (f" (at: {own[-1].line})" if own else "")
