"""What tests rely on, put back after a notebook has run: a notebook may have replaced it."""

from __future__ import annotations

import builtins
import inspect
import sys
from types import ModuleType

import torch

WATCHED = (
    "dmdlite",
    "torch.nn",
    "torch.autograd",
    "torch.optim",
    "torch.testing",
    "inspect",
    "math",
    "json",
    "pathlib",
)
ROOTS = ("dmdlite", "torch", "builtins")
CHANGING = {"torch.Storage"}  # follows torch's default dtype
DUNDERS = {"__import__", "__build_class__"}
Owner = ModuleType | type


def watched(name: str) -> bool:
    """Whether the module of this name is one that tests use."""
    return any(name == w or name.startswith(w + ".") for w in WATCHED)


def owners() -> list[Owner]:
    """The modules that tests use, dmdlite's classes, torch.Tensor and torch.nn.Module."""
    modules = [module for name, module in sorted(sys.modules.items()) if watched(name)]
    classes = {
        value
        for module in modules
        if module.__name__.startswith("dmdlite")
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__.startswith("dmdlite")
    }
    classes = sorted(classes, key=lambda c: (c.__module__, c.__qualname__))
    return [builtins, torch, *modules, torch.Tensor, torch.nn.Module, *classes]


class Snapshot:
    """The attributes of `owners()` at one moment, the code of dmdlite's functions, and which
    modules are loaded under the names that tests import."""

    def __init__(self) -> None:
        self.modules = {n: m for n, m in sys.modules.items() if n in ROOTS or watched(n)}
        self.taken = [(owner, _functions(owner)) for owner in owners()]
        functions = {
            id(value): value
            for _, before in self.taken
            for value in before.values()
            if inspect.isfunction(value) and (value.__module__ or "").startswith("dmdlite")
        }
        self.code = [(f, f.__code__, f.__defaults__, f.__kwdefaults__) for f in functions.values()]

    def restore(self) -> list[str]:
        """Put back what was exchanged or taken away, take away what hides an inherited method;
        returns the names."""
        changed = [n for n, module in self.modules.items() if sys.modules.get(n) is not module]
        sys.modules.update(self.modules)
        for function, code, defaults, kwdefaults in self.code:
            if (function.__code__, function.__defaults__, function.__kwdefaults__) != (
                code,
                defaults,
                kwdefaults,
            ):
                function.__code__, function.__defaults__ = code, defaults
                function.__kwdefaults__ = kwdefaults
                changed.append(f"{function.__module__}.{function.__qualname__}")
        for owner, before in self.taken:
            changed += _restored(owner, before)
        return changed


def _functions(owner: Owner) -> dict[str, object]:
    """The functions and classes of `owner` by name; of other libraries those without a leading
    underscore, since what is private there may change as it is used."""
    ours = getattr(owner, "__module__", owner.__name__).startswith("dmdlite")
    hidden = "__" if ours else "_"
    return {
        name: value
        for name, value in vars(owner).items()
        if name in DUNDERS or not name.startswith(hidden)
        if callable(value) or isinstance(value, classmethod | staticmethod | property)
    }


def _restored(owner: Owner, before: dict) -> list[str]:
    """Names of `owner` that had to be put back or taken away."""
    now, nothing, changed = vars(owner), object(), []
    names = [name for name, value in before.items() if now.get(name, nothing) is not value]
    if isinstance(owner, type):
        names += _functions(owner).keys() - before.keys()
    for name in names:
        full = f"{owner.__name__}.{name}"
        if full in CHANGING:
            continue
        changed.append(full)
        if name in before:
            setattr(owner, name, before[name])
        else:
            delattr(owner, name)
    return changed
