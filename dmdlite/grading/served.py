"""What a submission's process does for the judge: look up names, call them, run gradients back."""

from __future__ import annotations

import inspect
from contextlib import nullcontext
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ..checks.testbed import counted_operations
from ..checks.values import reference_locked
from .exchange import Message

State = dict[str, Any]  # a module's, see `state_of`


class ParameterOf:
    """A parameter that an attribute of its module leads to."""

    def __init__(self, module: nn.Module, name: str):
        self.module, self.name = module, name


class Served:
    """The notebook's names, and the objects that the judge knows by their number."""

    def __init__(self, names: dict[str, Any]):
        self.names = names
        self.objects: list[Any] = []
        self.calls: dict[int, tuple[list[Tensor], list[Tensor]]] = {}  # outputs, what they hang on
        self.parameters: list[Tensor] = []  # of the module that was called last
        self.number = 0  # of the last call, as the judge counts them

    def opened(self, message: Message) -> tuple[dict[str, Any], list[Tensor]]:
        """The request, and those of its tensors that require a gradient."""
        leaves = [message.tensors[name].requires_grad_() for name in message.learning]
        return message.value(self._referred), leaves

    def remember(self, leaves: list[Tensor], outputs: list[Tensor]) -> None:
        """What the last call's gradients run through."""
        if outputs:
            self.calls[self.number] = outputs, [*leaves, *self.parameters]

    def _referred(self, reference: dict[str, int]) -> Any:
        return self.objects[reference["object"]]

    def _reference(self, value: Any) -> dict[str, int]:
        for number, known in enumerate(self.objects):
            if known is value:
                return {"object": number}
        self.objects.append(value)
        return {"object": len(self.objects) - 1}

    def described(self, value: Any) -> dict[str, Any]:
        """What the judge must know of an object to stand in for it."""
        if isinstance(value, ParameterOf):
            return {"kind": "parameter", "path": value.name, **self._reference(value.module)}
        if isinstance(value, MethodType) and isinstance(value.__self__, nn.Module):
            return {"kind": "method", "path": value.__name__, **self._reference(value.__self__)}
        found: dict[str, Any] = self._reference(value)
        if isinstance(value, type):
            ours = [c.__name__ for c in value.__mro__ if c.__module__.startswith("dmdlite.")]
            found |= {"inherits": ours, "signature": _signature(value)}
            found |= {"kind": "module class" if issubclass(value, nn.Module) else "class"}
            return found | {"name": value.__name__}
        if isinstance(value, nn.Module):
            return found | {"kind": "module", **self._full(value)}
        return found | {"kind": "thing", "name": getattr(value, "__name__", type(value).__name__)}

    @staticmethod
    def _full(module: nn.Module) -> State:
        linear = [(n, m) for n, m in module.named_modules() if n and type(m) is nn.Linear]
        layers = {n: (m.in_features, m.out_features, m.bias is not None) for n, m in linear}
        return {"layers": layers, **state_of(module)}

    # What may be asked for

    def look(self, name: str) -> list[Any]:
        """The value of a name in a list; an empty list where there is none."""
        return [self.names[name]] if name in self.names else []

    def attribute(self, of: int, name: str) -> Any:
        owner = self.objects[of]
        value = getattr(owner, name)
        if isinstance(owner, nn.Module) and isinstance(value, nn.Parameter):
            names = [n for n, p in owner.named_parameters() if p is value]
            return ParameterOf(owner, names[0]) if names else value
        return value

    def set_attribute(self, of: int, name: str, value: Any) -> None:
        setattr(self.objects[of], name, value)

    def count(self, of: int, arguments: list[Any]) -> int:
        return counted_operations(self.objects[of], *arguments)

    def put(self, of: int, state: State) -> None:
        put_state(self.objects[of], state)

    def state(self, of: int) -> State:
        return self._full(self.objects[of])

    def forget(self, calls: list[int]) -> None:
        for number in calls:
            self.calls.pop(number, None)

    def call(
        self,
        of: int,
        path: str,
        arguments: list[Any],
        state: State | None,
        locked: bool,
        number: int,
    ) -> dict[str, Any]:
        """of.path(*args, **kwargs), and what it changed of its arguments and of the module `of`."""
        function, (args, kwargs) = self.objects[of], arguments
        self.number = number
        self.parameters = put_state(function, state) if state else []
        before = Message.of(arguments, self._reference)
        for word in filter(None, path.split(".")):
            function = getattr(function, word)
        with reference_locked() if locked else nullcontext():
            result = function(*args, **kwargs)
        if state:  # layers that have got their width
            there = dict(self.objects[of].named_parameters())
            now = [there[n] for n in state["waiting"] if not is_lazy(there[n])]
            self.parameters += [p for p in now if p.requires_grad]
        after = Message.of(arguments, self._reference)
        found = {"result": result, "state": None, "changed": None}
        if not after.same(before):
            found["changed"] = after.value(self._referred)
        if state and (state["waiting"] or not self._same(state, state_of(self.objects[of]))):
            found["state"] = self._full(self.objects[of])
        return found

    def _same(self, one: State, other: State) -> bool:
        kept = ("parameters", "buffers")
        one, other = (Message.of([s[k] for k in kept], self._reference) for s in (one, other))
        return one.same(other)

    def back(self, call: int, gradients: list[Tensor | None]) -> list[Tensor | None]:
        """The gradients of the leaves of a call, from those of its outputs."""
        outputs, leaves = self.calls[call]
        pairs = [(o, g) for o, g in zip(outputs, gradients, strict=True) if g is not None]
        if not pairs or not leaves:
            return [None] * len(leaves)
        through, given = zip(*pairs, strict=True)
        kept = {"retain_graph": True, "allow_unused": True}
        return list(torch.autograd.grad(through, leaves, given, **kept))


def _signature(cls: type) -> list[tuple[str, int, bool]] | None:
    """Name, kind, and whether it has a default, of every parameter."""
    try:
        found = inspect.signature(cls).parameters.values()
    except (TypeError, ValueError):
        return None
    return [(p.name, int(p.kind), p.default is not p.empty) for p in found]


def state_of(module: nn.Module) -> State:
    """Parameters and buffers by name, which of the former learn, and the mode."""
    parameters = {n: p for n, p in module.named_parameters() if not is_lazy(p)}
    saved = module.state_dict().keys()
    return {
        "parameters": {n: p.detach() for n, p in parameters.items()},
        "learning": [n for n, p in parameters.items() if p.requires_grad],
        "waiting": [n for n, p in module.named_parameters() if is_lazy(p)],  # for their width
        "buffers": {n: b.detach() for n, b in module.named_buffers() if n in saved},
        "training": module.training,
    }


def put_state(module: nn.Module, state: State) -> list[Tensor]:
    """Make it the module's; returns the parameters that learn."""
    there = dict(module.named_parameters())
    given = state["parameters"] | state["buffers"]
    with torch.no_grad():
        for name, tensor in {**there, **dict(module.named_buffers())}.items():
            if name in given and is_lazy(tensor):
                tensor.materialize(given[name].shape)
            if name in given and not torch.equal(tensor, given[name]):
                tensor.copy_(given[name])  # only what changed: a graph may hang on the rest
    for name, parameter in there.items():
        if name in given:
            parameter.requires_grad_(name in state["learning"])
    if module.training != state["training"]:
        module.train(state["training"])
    return [there[name] for name in state["learning"]]
