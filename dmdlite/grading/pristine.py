"""What tests rely on, put back after a notebook has run: a notebook may have replaced it."""

from __future__ import annotations

import builtins
import inspect
import sys
from types import ModuleType

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
        """Put back what was exchanged or taken away, take away what hides an inherited method;
        returns the names."""
        changed = []
        for owner, before in self.taken:
            now = dict(vars(owner))
            names = [n for n, value in before.items() if now.get(n, changed) is not value]
            if isinstance(owner, type):
                names += now.keys() - before.keys()
            for name in (n for n in names if not n.startswith("__")):
                changed.append(f"{_name(owner)}.{name}")
                if name in before:
                    setattr(owner, name, before[name])
                else:
                    delattr(owner, name)
        return changed


def _name(owner: Owner) -> str:
    return owner.__name__ if isinstance(owner, ModuleType) else owner.__qualname__
