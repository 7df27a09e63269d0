"""Every symbol and every choice of the method, one field each.

`DMDConfig` describes a model, `TrainConfig` a training run. Both are plain frozen
dataclasses: they print, compare, and go to JSON and back.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import nn

from . import released

MODALITIES = ("language", "vision", "audio")


class ConfigError(ValueError):
    """A setting that cannot work; the message names the field and what it expects."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _require_numbers(config: Any, names: tuple[str, ...], low: float, high: float) -> None:
    """Every named field is a number from `low` (included) to `high` (excluded)."""
    for name in names:
        value = getattr(config, name)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        bounds = f"from {low:g}" + (f" to below {high:g}" if high < float("inf") else "")
        _require(number and low <= value < high, f"{name}: a number {bounds}, got {value!r}")


@dataclass(frozen=True)
class DMDConfig:
    """One DMD model. `widths` are the raw feature widths D_m, in the order of `modalities`.

    Raises ConfigError when a field is out of its range.
    """

    widths: tuple[int, ...]  # D_m, raw feature width of each modality
    modalities: tuple[str, ...] = MODALITIES  # names; 2 to N of them
    # Sec. 3.1, encoders
    dim: int = 32  # d, width that all modalities share after the temporal convolution
    kernel_size: int | tuple[int, ...] = 5  # steps one temporal convolution sees, odd
    # Sec. 3.2, cross-modal attention (Eq. 10)
    heads: int = 4  # H, attention heads; divides dim
    layers: int = 2  # depth of every transformer
    causal: bool = False  # the released code's future mask
    readout: str = "mean"  # hetero read-out: "mean" over real steps, or the "last" real step
    # GD-Units (Eq. 7-9)
    gd_hidden: int = 32  # width in which an edge compares its two ends
    gd_normalize: str = "graph"  # softmax over all edges ("graph") or per student ("target")
    gd_scale: float = 1.0  # edge scores times this go into the softmax
    gd_prior: tuple[tuple[float, ...], ...] | None = None  # [M, M] edge prior, row = from
    hetero_prior: tuple[tuple[float, ...], ...] | None = None  # HeteroGD's own, else gd_prior
    stop_gradient: bool = True  # a teacher's logit is a constant: only the student learns
    # Parts that can be left out, as in Table 3
    decoupling: bool = True  # False: no encoders, X_m^com and X_m^prt are both X~_m
    homo_gd: bool = True  # the distillation loss of the common codes
    cross_attention: bool = True  # False: private codes stay as they are, Z_->m is X_m^prt
    hetero_gd: bool = True  # the distillation loss of the private codes
    # Dropout rates
    embed_dropout: float = 0.1  # on the inputs of every transformer
    attention_dropout: float = 0.0  # on attention weights; on CPU it costs quadratic memory
    residual_dropout: float = 0.0  # after each attention and feed-forward block
    output_dropout: float = 0.1  # in the regression head
    # Losses
    margin: float = 0.2  # alpha, Eq. 4
    margin_by_distance: bool = False  # alpha times the labels' distance, as the released code
    orthogonality: str = "squared"  # Eq. 5: "squared", "signed" (to the letter) or "hinge"
    gamma: float = 0.1  # gamma, Eq. 6: weight of margin + orthogonality
    lambda_dec: float = 0.1  # lambda_1, Eq. 11: weight of the decoupling loss
    lambda_ddl: float = 0.05  # lambda_2, Eq. 11: weight of the distillation loss

    def __post_init__(self) -> None:
        # JSON has lists where we want tuples.
        for name in ("widths", "modalities"):
            value = getattr(self, name)
            _require(isinstance(value, (list, tuple)), f"{name}: a list, got {value!r}")
            object.__setattr__(self, name, tuple(value))
        kernels = self.kernel_size
        several = isinstance(kernels, (list, tuple))
        kernels = tuple(kernels) if several else (kernels,) * self.num_modalities
        object.__setattr__(self, "kernel_size", kernels)
        for name in ("gd_prior", "hetero_prior"):
            object.__setattr__(self, name, _as_tuples(getattr(self, name)))
        self._check()

    def _check(self) -> None:
        names = self.modalities
        _require(len(names) >= 2, f"modalities: DMD needs two or more, got {list(names)}")
        _require(len(set(names)) == len(names), f"modalities: names repeat in {list(names)}")
        for name in names:
            ok = isinstance(name, str) and name.isidentifier()
            _require(ok, f"modalities: {name!r} is not a plain name (letters, digits, _)")
            ok = "_to_" not in name and not hasattr(nn.ModuleDict, name)
            _require(ok, f"modalities: {name!r} is taken by the model's own names")
        _require(
            len(self.widths) == len(names),
            f"widths: one per modality, got {len(self.widths)} for {len(names)} modalities",
        )
        _require(
            len(self.kernel_size) == len(names),
            f"kernel_size: one, or one per modality, got {list(self.kernel_size)}",
        )
        for name in ("dim", "heads", "layers", "gd_hidden"):
            value = getattr(self, name)
            _require(_is_count(value), f"{name}: a positive integer, got {value!r}")
        for width in self.widths:
            _require(_is_count(width), f"widths: positive integers, got {width!r}")
        for k in self.kernel_size:
            _require(_is_count(k) and k % 2 == 1, f"kernel_size: positive and odd, got {k!r}")
        _require(self.dim % self.heads == 0, f"heads: must divide dim {self.dim}, got {self.heads}")
        rates = ("embed_dropout", "attention_dropout", "residual_dropout", "output_dropout")
        _require_numbers(self, rates, 0, 1)
        numbers = ("margin", "gamma", "lambda_dec", "lambda_ddl", "gd_scale")
        _require_numbers(self, numbers, 0, float("inf"))
        switches = ("decoupling", "homo_gd", "cross_attention", "hetero_gd")
        for name in (*switches, "causal", "stop_gradient", "margin_by_distance"):
            value = getattr(self, name)
            _require(isinstance(value, bool), f"{name}: true or false, got {value!r}")
        for name, allowed in (
            ("readout", ("mean", "last")),
            ("gd_normalize", ("graph", "target")),
            ("orthogonality", ("squared", "signed", "hinge")),
        ):
            value = getattr(self, name)
            _require(value in allowed, f"{name}: one of {', '.join(allowed)}, got {value!r}")

    @property
    def num_modalities(self) -> int:
        """M."""
        return len(self.modalities)

    @property
    def reinforced_dim(self) -> int:
        """Width of Z_->m^prt: (M - 1) d with cross-modal attention, d without."""
        return (self.num_modalities - 1) * self.dim if self.cross_attention else self.dim

    @classmethod
    def for_dataset(cls, dataset: Any, **overrides: Any) -> "DMDConfig":
        """A configuration that fits `dataset`'s modality names and feature widths."""
        return cls(widths=dataset.widths, modalities=dataset.modalities, **overrides)

    @classmethod
    def released(cls, data: str, **overrides: Any) -> "DMDConfig":
        """The released code's choices for "mosi" or "mosei", as far as a configuration has them.

        `released.py` lists them, and what is left out. Raises ConfigError for other data.
        """
        _require(data in released.MODEL, f"released: mosi or mosei, got {data!r}")
        return cls(**released.MODEL[data] | overrides)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "DMDConfig":
        return _from_dict(cls, values)


@dataclass(frozen=True)
class TrainConfig:
    """One training run. Raises ConfigError when a field is out of its range."""

    epochs: int = 30  # at most; early stopping may end sooner
    batch_size: int = 32  # B, per process
    learning_rate: float = 1e-3  # Adam
    weight_decay: float = 0.0  # Adam
    accumulate: int = 1  # batches whose mean gradient makes one step
    clip: float = 1.0  # largest gradient norm
    clip_value: float | None = None  # largest single gradient, cut before the norm is
    plateau_patience: int = 4  # epochs without a better validation loss before the rate halves
    stop_patience: int = 10  # epochs without a better validation loss before training ends
    seed: int = 0
    device: str | None = None  # None picks CUDA, then MPS, then CPU
    out: str | None = None  # folder for config, model, history and checkpoint
    resume: bool = False  # continue from the checkpoint in `out`
    progress: bool = True  # one progress bar

    def __post_init__(self) -> None:
        for name in ("device", "out"):  # a torch.device and a Path go to JSON as text
            value = getattr(self, name)
            known = value is None or isinstance(value, (str, os.PathLike, torch.device))
            _require(known and value != "", f"{name}: a name, got {value!r}")
            object.__setattr__(self, name, value if value is None else str(value))
        for name in ("resume", "progress"):
            value = getattr(self, name)
            _require(isinstance(value, bool), f"{name}: true or false, got {value!r}")
        for name in ("epochs", "batch_size", "accumulate", "stop_patience"):
            value = getattr(self, name)
            _require(_is_count(value), f"{name}: a positive integer, got {value!r}")
        for name in ("plateau_patience", "seed"):
            value = getattr(self, name)
            good = (value == 0 or _is_count(value)) and value < 2**31
            _require(good, f"{name}: 0, 1, 2, ..., got {value!r}")
        positive = (
            "learning_rate",
            "clip",
            *(("clip_value",) if self.clip_value is not None else ()),
        )
        _require_numbers(self, (*positive, "weight_decay"), 0, float("inf"))
        for name in positive:
            _require(getattr(self, name) > 0, f"{name}: above 0, got {getattr(self, name)!r}")
        _require(not self.resume or bool(self.out), "resume: needs `out`, the run to continue")

    @classmethod
    def released(cls, **overrides: Any) -> "TrainConfig":
        """The released code's optimisation, the same for both data sets."""
        return cls(**released.TRAINING | overrides)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        return _from_dict(cls, values)


def _as_tuples(prior: Any) -> Any:
    """An edge prior's rows as tuples; GDUnit checks its shape and values."""
    prior = prior.tolist() if hasattr(prior, "tolist") else prior
    if not isinstance(prior, (list, tuple)):
        return prior
    return tuple(tuple(row) if isinstance(row, list) else row for row in prior)


def _from_dict(cls: type, values: dict[str, Any]):
    _require(isinstance(values, dict), f"{cls.__name__}: named settings, got {values!r}")
    known = {f.name for f in fields(cls)}
    unknown = sorted(set(values) - known)
    _require(not unknown, f"{cls.__name__}: unknown field {', '.join(unknown)}")
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"{cls.__name__}: {error}") from None
