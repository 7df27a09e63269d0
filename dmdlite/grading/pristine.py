"""What tests rely on, put back after a notebook has run: a notebook may have replaced it."""

from __future__ import annotations

import builtins
import inspect
import sys
from types import ModuleType
from typing import Any

import torch

WATCHED = ("dmdlite", "torch.nn.functional", "torch.testing", "math", "json", "pathlib")
Owner = ModuleType | type


def owners() -> list[Owner]:
    """The modules that tests use, and the classes of dmdlite, with torch.Tensor."""
    modules = [
        module
        for name, module in sorted(sys.modules.items())
        if any(name == w or name.startswith(w + ".") for w in WATCHED)
    ]
    classes = {
        value
        for module in modules
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__.startswith("dmdlite")
    }
    classes = sorted(classes, key=lambda c: (c.__module__, c.__qualname__))
    return [builtins, torch, *modules, torch.Tensor, *classes]


class Snapshot:
    """The attributes of `owners()` at one moment."""

    def __init__(self) -> None:
        self.taken = [(owner, dict(vars(owner))) for owner in owners()]

    def restore(self) -> list[str]:
        """Put back what was exchanged or taken away; returns the names."""
        changed = []
        for owner, before in self.taken:
            for name, value in before.items():
                if vars(owner).get(name, changed) is not value and not name.startswith("__"):
                    changed.append(f"{_name(owner)}.{name}")
                    _set(owner, name, value)
        return changed


def _name(owner: Owner) -> str:
    return owner.__name__ if isinstance(owner, ModuleType) else owner.__qualname__


def _set(owner: Owner, name: str, value: Any) -> None:
    try:
        setattr(owner, name, value)
    except (AttributeError, TypeError):  # what cannot be set was not exchanged by setting
        return
