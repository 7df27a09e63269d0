"""An exercise's answer, watched: what it is given stays as it is, what it returned is known."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch


class Watch:
    """What an answer's functions have returned so far."""

    def __init__(self) -> None:
        self.found: Any = inspect.Parameter.empty

    def function(self, answer: Any) -> Any:
        """The function, but a call that changes its tensors, arrays, tables, containers or a
        model's weights (not their gradients) raises AssertionError, and says which argument.
        Anything but a function, as a class, is handed back."""
        if not inspect.isfunction(answer):
            return answer

        @functools.wraps(answer)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.found = inspect.Parameter.empty
            try:
                given = inspect.signature(answer).bind(*args, **kwargs).arguments
            except TypeError:  # too many or too few: the call says so
                given = {}
            before = {name: [_copied(x) for x in _leaves(value)] for name, value in given.items()}
            self.found = answer(*args, **kwargs)
            for name, value in given.items():
                after = list(_leaves(value))
                same = len(after) == len(before[name]) and all(map(_equal, after, before[name]))
                assert same, f"it changes `{name}`, which it was given: work on a copy"
            return self.found

        return watched

    def said(self) -> str:
        """What came back from the last call that ended, in words; "" when none did."""
        if self.found is inspect.Parameter.empty:
            return ""
        if self.found is None:
            return "None (is a `return` missing?)"
        shape = getattr(self.found, "shape", None)
        kind = type(self.found).__name__
        return f"a {kind}" if shape is None else f"a {kind} of shape {list(shape)}"


def _leaves(value: Any) -> Iterator[Any]:
    """Tensors, arrays, tables, numbers, strings and weights in it, and the keys to them."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _leaves(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _leaves(part)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _leaves(getattr(value, field.name))
    elif isinstance(value, torch.nn.Module):
        yield from value.parameters()
    elif isinstance(value, (torch.Tensor, np.ndarray, int, float, str)) or _is_table(value):
        yield value


def _is_table(value: Any) -> bool:
    """Of pandas, which is not loaded for this."""
    return hasattr(value, "to_numpy") and hasattr(value, "equals")


def _copied(leaf: Any) -> Any:
    leaf = leaf.detach().cpu().numpy() if torch.is_tensor(leaf) else leaf
    return leaf.copy() if hasattr(leaf, "copy") else leaf


def _equal(leaf: Any, before: Any) -> bool:
    """The same values, NaN at the same places."""
    now = _copied(leaf)
    if _is_table(before):
        return now.equals(before)
    floats = np.asarray(before).dtype.kind in "fc"
    return type(now) is type(before) and np.array_equal(now, before, equal_nan=floats)
