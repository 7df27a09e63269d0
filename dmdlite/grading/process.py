"""The process of one submission, as the judge talks to it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from ..checks.values import is_locked
from . import sandbox
from .exchange import SHOWN, Broken, Line, Message
from .remote import Bridge, Method, RemoteModule, RemoteObject, raised, stand_in, written
from .sandbox import Limits

GRACE = 5.0  # seconds on top of a step's limit before the process is stopped from outside
STARTING = 300.0  # seconds, of a busy machine, before the first answer
SHORT = 1.0
FORGET = 32  # calls that nobody can ask for gradients any more, before we say so


class SubmissionProcess:
    """Asks a submission, which runs in the sandbox, in `folder`.

    What it raises is raised here as the builtin error that it is. Raises Broken where the process
    has died, does not answer or answers nonsense, and TimeoutError for an answer that takes longer
    than a step may, or than until `until`.
    """

    def __init__(self, folder: Path, limits: Limits):
        self.limits = limits
        self.until = float("inf")  # time.monotonic() when the present question's time is up
        self.known: dict[int, Any] = {}  # number -> what stands for an object of theirs
        self.handed: list[RemoteModule] = []  # among the arguments of the present call
        self.calls = 0
        self.over: list[int] = []  # calls whose gradients nobody can ask for
        replies, writing = os.pipe()
        command = [sys.executable, "-m", "dmdlite.grading.worker", str(writing)]
        self.process = sandbox.start(command, folder, writing, limits)
        os.close(writing)
        self.line = Line(replies, self.process.stdin.fileno())
        starting = {"what": "look", "name": "", "seconds": STARTING}
        try:
            self._reply(Message.of(starting, self._referred), STARTING)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        sandbox.stop(self.process)
        self.process.stdin.close()
        os.close(self.line.reading)

    def __enter__(self) -> SubmissionProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, source: str, seconds: float) -> str:
        """Run a cell; returns its first error in a line, or ""."""
        request = {"what": "run", "source": source, "seconds": seconds}
        try:
            problem = self._found(self._reply(Message.of(request, self._referred), seconds))
        except Exception as error:
            raise Broken(f"answers nonsense ({type(error).__name__})") from None
        return str(problem)[:SHOWN]

    def ask(self, what: str, **request: Any) -> Any:
        """What `served.Served` answers."""
        left = self._left()
        message = Message.of({"what": what, "seconds": left, **request}, self._referred)
        return self._found(self._reply(message, left))

    def call(self, of: Any, path: str, args: tuple, kwargs: dict[str, Any]) -> Any:
        """of.path(*args, **kwargs) there; gradients run through it."""
        arguments = [list(args), kwargs]
        state = of._state() if isinstance(of, RemoteModule) else None
        self.calls += 1
        request = {"what": "call", "of": of._number, "path": path, "arguments": arguments}
        request |= {"state": state, "locked": is_locked(), "number": self.calls}
        request |= {"grad": torch.is_grad_enabled(), "numbers": torch.get_rng_state()}
        torch.rand(1)  # what comes next is drawn from other numbers
        self.handed, left = [], self._left()
        message = Message.of({"seconds": left, **request}, self._referred)
        handed = self.handed
        reply = self._reply(message, left)
        if state and state["waiting"]:  # layers may have their width now
            of._mirror(self._found(reply)["state"])
        if reply.learning and torch.is_grad_enabled():
            anchor = torch.zeros((), requires_grad=True)
            leaves = [*message.live, *(_learning(of, state) if state else [])]
            outputs = Bridge.apply(Call(self, reply), anchor, *leaves)
            reply.tensors |= dict(zip(reply.learning, outputs, strict=True))
        found = self._found(reply)
        if found["state"] is not None:
            of._mirror(found["state"])
        for module in handed:
            module._mirror(self.ask("state", of=module._number))
        if found["changed"] is not None:
            written(arguments, found["changed"])
        return found["result"]

    def _left(self) -> float:
        """Seconds for the next answer: when others have used up the time, still enough for a
        short one."""
        left = min(self.until - time.monotonic(), self.limits.step_seconds)
        return max(left, SHORT)

    def _reply(self, message: Message, seconds: float) -> Message:
        """What comes back; they may take `seconds`, and we wait a little longer."""
        end = time.monotonic() + seconds + GRACE
        if len(self.over) > FORGET:
            over, self.over = self.over, []
            self.ask("forget", calls=over)
        self.line.send(message.to_bytes(), end)
        return Message.from_bytes(self.line.receive(end))

    def _found(self, reply: Message) -> Any:
        try:
            value = reply.value(self._built)
            error = raised(value["raised"], value["text"]) if "raised" in value else None
            found = None if error else value["found"]
        except Exception as nonsense:
            raise Broken(f"answers nonsense ({type(nonsense).__name__})") from None
        if error:
            raise error
        return found

    def _referred(self, value: Any) -> dict[str, int]:
        """How their own objects are named to them. Raises TypeError for ours."""
        if isinstance(value, RemoteModule):
            self.ask("put", of=value._number, state=value._state())
            self.handed.append(value)
        elif isinstance(value, type) and issubclass(value, RemoteModule) and value._class:
            value = value._class
        elif not isinstance(value, RemoteObject):
            raise TypeError(f"a test cannot hand over a {type(value).__name__}")
        return {"object": value._number}

    def _built(self, description: dict[str, Any]) -> Any:
        """What stands for an object of theirs, the same one each time."""
        number, kind = int(description["object"]), description["kind"]
        if kind == "method":
            return Method(self.known[number], str(description["path"]))
        if kind == "parameter":
            return self.known[number].get_parameter(description["path"])
        if number not in self.known:
            self.known[number] = stand_in(self, description)
        elif kind == "module":
            self.known[number]._mirror(description)
        return self.known[number]


def _learning(module: RemoteModule, state: dict[str, Any]) -> list[Tensor]:
    """The parameters that gradients of a call go to, in the order in which `served` has them."""
    there = dict(module.named_parameters())
    now = [n for n in state["waiting"] if not is_lazy(there[n]) and there[n].requires_grad]
    return [there[name] for name in [*state["learning"], *now]]


class Call:
    """One call whose gradients may be asked for."""

    def __init__(self, process: SubmissionProcess, reply: Message):
        self.process, self.number = process, process.calls
        self.outputs = [reply.tensors[name] for name in reply.learning]

    def back(self, gradients: list[Tensor | None]) -> list[Tensor | None]:
        return self.process.ask("back", call=self.number, gradients=gradients)

    def __del__(self) -> None:
        self.process.over.append(self.number)
