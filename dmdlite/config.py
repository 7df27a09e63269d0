"""Every symbol and every choice of the method, one field each.

`DMDConfig` describes a model, `TrainConfig` a training run. Both are plain frozen
dataclasses: they print, compare, and go to JSON and back.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

import torch

from . import released
from .model_config import (
    ModelConfig,
    from_dict,
    is_count,
    require,
    require_counts,
    require_numbers,
    require_switches,
)


@dataclass(frozen=True)
class DMDConfig(ModelConfig):
    """One DMD model: `widths` and `modalities` as the data have them, and these.

    Raises ConfigError when a field is out of its range.
    """

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
        super().__post_init__()
        kernels = self.kernel_size
        several = isinstance(kernels, (list, tuple))
        kernels = tuple(kernels) if several else (kernels,) * self.num_modalities
        object.__setattr__(self, "kernel_size", kernels)
        for name in ("gd_prior", "hetero_prior"):
            object.__setattr__(self, name, _as_tuples(getattr(self, name)))
        self._check()

    def _check(self) -> None:
        require(
            len(self.kernel_size) == self.num_modalities,
            f"kernel_size: one, or one per modality, got {list(self.kernel_size)}",
        )
        require_counts(self, ("dim", "heads", "layers", "gd_hidden"))
        for k in self.kernel_size:
            require(is_count(k) and k % 2 == 1, f"kernel_size: positive and odd, got {k!r}")
        require(self.dim % self.heads == 0, f"heads: must divide dim {self.dim}, got {self.heads}")
        rates = ("embed_dropout", "attention_dropout", "residual_dropout", "output_dropout")
        require_numbers(self, rates, 0, 1)
        numbers = ("margin", "gamma", "lambda_dec", "lambda_ddl", "gd_scale")
        require_numbers(self, numbers, 0, float("inf"))
        parts = ("decoupling", "homo_gd", "cross_attention", "hetero_gd")
        require_switches(self, (*parts, "causal", "stop_gradient", "margin_by_distance"))
        for name, allowed in (
            ("readout", ("mean", "last")),
            ("gd_normalize", ("graph", "target")),
            ("orthogonality", ("squared", "signed", "hinge")),
        ):
            value = getattr(self, name)
            require(value in allowed, f"{name}: one of {', '.join(allowed)}, got {value!r}")

    @property
    def reinforced_dim(self) -> int:
        """Width of Z_->m^prt: (M - 1) d with cross-modal attention, d without."""
        return (self.num_modalities - 1) * self.dim if self.cross_attention else self.dim

    @classmethod
    def released(cls, data: str, **overrides: Any) -> "DMDConfig":
        """The released code's choices for "mosi" or "mosei", as far as a configuration has them.

        `released.py` lists them, and what is left out. Raises ConfigError for other data.
        """
        require(data in released.MODEL, f"released: mosi or mosei, got {data!r}")
        return cls(**released.MODEL[data] | overrides)


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
            require(known and value != "", f"{name}: a name, got {value!r}")
            object.__setattr__(self, name, value if value is None else str(value))
        require_switches(self, ("resume", "progress"))
        require_counts(self, ("epochs", "batch_size", "accumulate", "stop_patience"))
        for name in ("plateau_patience", "seed"):
            value = getattr(self, name)
            good = (value == 0 or is_count(value)) and value < 2**31
            require(good, f"{name}: 0, 1, 2, ..., got {value!r}")
        positive = (
            "learning_rate",
            "clip",
            *(("clip_value",) if self.clip_value is not None else ()),
        )
        require_numbers(self, (*positive, "weight_decay"), 0, float("inf"))
        for name in positive:
            require(getattr(self, name) > 0, f"{name}: above 0, got {getattr(self, name)!r}")
        require(not self.resume or bool(self.out), "resume: needs `out`, the run to continue")

    @classmethod
    def released(cls, **overrides: Any) -> "TrainConfig":
        """The released code's optimisation, the same for both data sets."""
        return cls(**released.TRAINING | overrides)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        return from_dict(cls, values)


def _as_tuples(prior: Any) -> Any:
    """An edge prior's rows as tuples; GDUnit checks its shape and values."""
    prior = prior.tolist() if hasattr(prior, "tolist") else prior
    if not isinstance(prior, (list, tuple)):
        return prior
    return tuple(tuple(row) if isinstance(row, list) else row for row in prior)
