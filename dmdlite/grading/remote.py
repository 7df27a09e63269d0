"""A submission's functions, classes and units as a test sees them, while they live elsewhere.

A test calls them as it would call the real ones. A unit is an nn.Module with parameters of its
own, which travel with every call; gradients run through the other process and back.
"""

from __future__ import annotations

import builtins
import inspect
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from .. import gd_unit
from ..data.dataset import MultimodalDataset

Description = dict[str, Any]
Process = Any  # a process.SubmissionProcess


class Bridge(torch.autograd.Function):
    """One call as autograd sees it: forward there, backward there. Its first input needs a gradient
    in any case, so that its outputs do, whose parameters we may not know."""

    @staticmethod
    def forward(ctx: Any, call: Any, *leaves: Tensor) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.call = call
        return tuple(call.outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        return None, None, *ctx.call.back(list(gradients))


class RemoteObject:
    """What is no data and no module: a function, a class, an instance of one."""

    def __init__(self, process: Process, description: Description):
        vars(self).update(_process=process, _number=description["object"])
        vars(self).update(__name__=str(description.get("name")))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._process.call(self, "", args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._process.ask("attribute", of=self._number, name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._process.ask("set_attribute", of=self._number, name=name, value=value)

    def __getitem__(self, key: Any) -> Any:
        return self._process.call(self, "__getitem__", (key,), {})

    def __len__(self) -> int:
        return self._process.call(self, "__len__", (), {})


class Method:
    """A method of a module there."""

    def __init__(self, module: RemoteModule, path: str):
        self.module, self.path = module, path

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.module._process.call(self.module, self.path, args, kwargs)


class RemoteModule(nn.Module):
    """A module there. Its subclasses stand for the classes: calling one makes a module there."""

    _class: Any = None  # the RemoteObject of the class

    def __new__(cls, *args: Any, **kwargs: Any) -> RemoteModule:
        if cls._class is None:
            return super().__new__(cls)
        made = cls._class(*args, **kwargs)
        if isinstance(made, RemoteModule):
            object.__setattr__(made, "__class__", cls)
        return made

    def __init__(self, *_: Any, **__: Any):
        """Nothing is left to do: the module came complete."""

    @classmethod
    def described(cls, process: Process, description: Description) -> RemoteModule:
        self = RemoteModule.__new__(RemoteModule)
        nn.Module.__init__(self)
        self._mirror(description)
        vars(self).update(_process=process, _number=description["object"])
        return self

    def _mirror(self, description: Description) -> None:
        """Layers, parameters and buffers as they are there; parameters that are here already stay
        the same objects, which an optimiser may hold."""
        before = dict(self.named_parameters())
        for name, (inputs, outputs, bias) in description["layers"].items():
            owner, last = self._owner(name)
            if not isinstance(owner._modules.get(last), nn.Linear):
                owner._modules[last] = nn.Linear(inputs, outputs, bias, device="meta")
        for name, tensor in description["parameters"].items():
            owner, last = self._owner(name)
            learns, mine = name in description["learning"], before.get(name)
            if mine is not None and is_lazy(mine):
                mine.materialize(tensor.shape)
            if mine is not None:
                mine.data = tensor
            owner._parameters[last] = nn.Parameter(tensor, learns) if mine is None else mine
        for name in description["waiting"]:
            owner, last = self._owner(name)
            owner._parameters[last] = before.get(name, nn.UninitializedParameter())
        for name, tensor in description["buffers"].items():
            owner, last = self._owner(name)
            owner._buffers[last] = tensor
        self.training = description["training"]

    def _owner(self, name: str) -> tuple[nn.Module, str]:
        owner: nn.Module = self
        *words, last = name.split(".")
        for word in words:
            if word not in owner._modules:
                owner._modules[word] = nn.Module()
            owner = owner._modules[word]
        return owner, last

    def _state(self) -> dict[str, Any]:
        parameters = {n: p for n, p in self.named_parameters() if not is_lazy(p)}
        return {
            "parameters": {n: p.detach() for n, p in parameters.items()},
            "learning": [n for n, p in parameters.items() if p.requires_grad],
            "waiting": [n for n, p in self.named_parameters() if is_lazy(p)],
            "buffers": dict(self.named_buffers()),
            "training": self.training,
        }

    def load_state_dict(self, state_dict: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """As of any module; parameters that wait for their width have it then."""
        for name, parameter in self.named_parameters():
            if is_lazy(parameter) and name in state_dict:
                parameter.materialize(state_dict[name].shape)
        return super().load_state_dict(state_dict, *args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._process.call(self, "", args, kwargs)

    def remote_operations(self, *args: Any) -> int:
        """See `checks.testbed.operations`: matrix products are counted where they happen."""
        return self._process.ask("count", of=self._number, arguments=list(args))

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("__") or "_process" not in vars(self):
                raise
        return self._process.ask("attribute", of=self._number, name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        if "_process" not in vars(self) or name in vars(self) or isinstance(value, Tensor):
            super().__setattr__(name, value)
        else:
            self._process.ask("set_attribute", of=self._number, name=name, value=value)


def stand_in(process: Process, description: Description) -> Any:
    """What a test gets for an object of this description."""
    kind = description["kind"]
    if kind == "module":
        return RemoteModule.described(process, description)
    made = RemoteObject(process, description)
    if kind != "module class":
        return made
    inherited = tuple(
        vars(gd_unit)[name] for name in description["inherits"] if name in vars(gd_unit)
    )
    named = {"_class": made, "inherited": inherited}
    if description["signature"] is not None:
        named["__signature__"] = _signature(description["signature"])
    return type(str(description["name"]), (RemoteModule,), named)


def _signature(described: list[tuple[str, int, bool]]) -> inspect.Signature:
    kinds = inspect._ParameterKind
    return inspect.Signature(
        inspect.Parameter(name, kinds(kind), default=None if has else inspect.Parameter.empty)
        for name, kind, has in described
    )


def raised(names: list[str], text: str) -> Exception:
    """The error of a submission as the builtin one that it is."""
    for name in names:
        kind = getattr(builtins, str(name), None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                return kind(str(text)[:1000])
            except TypeError:  # of the few that take more than a text
                continue
    return RuntimeError(f"{names[0] if names else 'error'}: {text}")


def written(old: Any, new: Any) -> Any:
    """`old` with what `new` holds, in place where it can be changed."""
    if isinstance(old, Tensor):
        old.data = new
    elif isinstance(old, np.ndarray) and old.shape == new.shape:
        old[...] = new
    elif isinstance(old, dict):
        for key in old.keys() - new.keys():
            del old[key]
        old |= {key: written(old.get(key), value) for key, value in new.items()}
    elif isinstance(old, list):
        old[:] = [written(*pair) for pair in zip(old, new, strict=False)] + new[len(old) :]
    elif isinstance(old, tuple):
        return type(old)(written(*pair) for pair in zip(old, new, strict=True))
    elif isinstance(old, MultimodalDataset):
        for name in vars(old):
            object.__setattr__(old, name, written(getattr(old, name), getattr(new, name)))
    else:
        return new
    return old
