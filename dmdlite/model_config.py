"""What every model's configuration has: the modalities' names and widths, checks, and JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from torch import nn

MODALITIES = ("language", "vision", "audio")


class ConfigError(ValueError):
    """A setting that cannot work; the message names the field and what it expects."""


def require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def require_counts(config: Any, names: tuple[str, ...]) -> None:
    """Every named field is a positive integer."""
    for name in names:
        value = getattr(config, name)
        require(is_count(value), f"{name}: a positive integer, got {value!r}")


def require_numbers(config: Any, names: tuple[str, ...], low: float, high: float) -> None:
    """Every named field is a number from `low` (included) to `high` (excluded)."""
    for name in names:
        value = getattr(config, name)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        bounds = f"from {low:g}" + (f" to below {high:g}" if high < float("inf") else "")
        require(number and low <= value < high, f"{name}: a number {bounds}, got {value!r}")


def require_switches(config: Any, names: tuple[str, ...]) -> None:
    """Every named field is true or false."""
    for name in names:
        value = getattr(config, name)
        require(isinstance(value, bool), f"{name}: true or false, got {value!r}")


def from_dict(cls: type, values: dict[str, Any]) -> Any:
    """A configuration from named settings; ConfigError names what is unknown or absent."""
    require(isinstance(values, dict), f"{cls.__name__}: named settings, got {values!r}")
    unknown = sorted(set(values) - {f.name for f in fields(cls)})
    require(not unknown, f"{cls.__name__}: unknown field {', '.join(unknown)}")
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"{cls.__name__}: {error}") from None


@dataclass(frozen=True)
class ModelConfig:
    """`widths` are the raw feature widths D_m, in the order of `modalities`.

    Raises ConfigError when they do not fit each other.
    """

    widths: tuple[int, ...]  # D_m, raw feature width of each modality
    modalities: tuple[str, ...] = MODALITIES  # names; 2 to N of them

    def __post_init__(self) -> None:
        # JSON has lists where we want tuples.
        for name in ("widths", "modalities"):
            value = getattr(self, name)
            require(isinstance(value, (list, tuple)), f"{name}: a list, got {value!r}")
            object.__setattr__(self, name, tuple(value))
        names = self.modalities
        require(len(names) >= 2, f"modalities: two or more are needed, got {list(names)}")
        require(len(set(names)) == len(names), f"modalities: names repeat in {list(names)}")
        for name in names:
            ok = isinstance(name, str) and name.isidentifier()
            require(ok, f"modalities: {name!r} is not a plain name (letters, digits, _)")
            ok = "_to_" not in name and not hasattr(nn.ModuleDict, name)
            require(ok, f"modalities: {name!r} is taken by the model's own names")
        require(
            len(self.widths) == len(names),
            f"widths: one per modality, got {len(self.widths)} for {len(names)} modalities",
        )
        for width in self.widths:
            require(is_count(width), f"widths: positive integers, got {width!r}")

    @property
    def num_modalities(self) -> int:
        """M."""
        return len(self.modalities)

    @classmethod
    def for_dataset(cls, dataset: Any, **overrides: Any) -> ModelConfig:
        """A configuration that fits `dataset`'s modality names and feature widths."""
        return cls(widths=dataset.widths, modalities=dataset.modalities, **overrides)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        return from_dict(cls, values)
