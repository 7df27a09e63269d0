"""What a configuration is: a frozen dataclass whose fields' types are checked, by pydantic."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, fields
from functools import wraps
from typing import Annotated, Any, TypeVar

import torch
from pydantic import BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from .errors import ConfigError

Config = TypeVar("Config")


def require(condition: bool, message: str) -> None:
    """Raises ConfigError with this message unless the condition holds."""
    if not condition:
        raise ConfigError(message)


def one_line(error: ValidationError) -> str:
    """What pydantic found first: field, what it should be, what it is."""
    first = error.errors()[0]
    if first["type"] == "value_error":  # one of our own, from __post_init__
        return str(first["ctx"]["error"])
    name = str(first["loc"][0])
    if first["type"] == "unexpected_keyword_argument":
        return f"unknown field {name}"
    if first["type"] == "missing":
        return f"{name}: is needed"
    return f"{name}: {first['msg'].removeprefix('Input ')}, got {first['input']!r}"


def configuration(cls: type[Config]) -> type[Config]:
    """A frozen dataclass that checks its fields' types; ConfigError says in one line what is wrong.

    Numbers are not taken from text, nor switches from numbers.
    """
    cls = dataclass(cls, frozen=True, config=ConfigDict(strict=True, extra="forbid"))
    checked: Callable[..., None] = cls.__init__

    @wraps(checked)
    def init(self: Config, *args: Any, **settings: Any) -> None:
        try:
            checked(self, *args, **settings)
        except ValidationError as error:
            raise ConfigError(one_line(error)) from None

    cls.__init__ = init
    return cls


class Settings:
    """A configuration as JSON holds it, and back."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls: type[Config], values: dict[str, Any]) -> Config:
        """ConfigError names every setting that is unknown."""
        require(isinstance(values, dict), f"{cls.__name__}: named settings, got {values!r}")
        unknown = sorted(set(values) - {f.name for f in fields(cls)})
        require(not unknown, f"{cls.__name__}: unknown field {', '.join(unknown)}")
        return cls(**values)


def as_tuples(value: Any) -> Any:
    """Lists, which JSON has, and tensors become tuples, at every level."""
    value = value.tolist() if torch.is_tensor(value) else value
    return tuple(as_tuples(v) for v in value) if isinstance(value, (list, tuple)) else value


def as_text(value: Any) -> Any:
    """A torch.device and a Path go to JSON as text."""
    return str(value) if isinstance(value, (os.PathLike, torch.device)) else value


Tuples = BeforeValidator(as_tuples)
Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0, lt=2**31)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1), BeforeValidator(as_text)]
Counts = Annotated[tuple[Count, ...], Tuples]
OneOrMore = Annotated[Count | tuple[Count, ...], Tuples]
Names = Annotated[tuple[str, ...], Tuples]
Prior = Annotated[tuple[tuple[float, ...], ...], Tuples]
