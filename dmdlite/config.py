"""Every symbol and every choice of the method, one field each (Chapter 8).

`DMDConfig` describes a model, `TrainConfig` a training run. Both are frozen dataclasses: they
print, compare, and go to JSON and back. A field's type says what it may be, and is held to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torch import nn

from . import released
from .settings import (
    Count,
    Counts,
    Name,
    Names,
    OneOrMore,
    Positive,
    Prior,
    Rate,
    Settings,
    Weight,
    Whole,
    configuration,
    require,
)

MODALITIES = ("language", "vision", "audio")


def paper_order(names: Sequence[str]) -> list[str]:
    """Language, vision and audio first where all three are there, in this order; else as given."""
    known = MODALITIES if set(MODALITIES) <= set(names) else ()
    return [*known, *(name for name in names if name not in known)]


@configuration
class ModelConfig(Settings):
    """What every model's configuration has: the modalities' names and raw feature widths.

    Raises ConfigError when they do not fit each other.
    """

    widths: Counts  # D_m, in the order of `modalities`
    modalities: Names = MODALITIES  # names; 2 to N of them

    def __post_init__(self) -> None:
        names = self.modalities
        require(len(names) >= 2, f"modalities: two or more are needed, got {list(names)}")
        require(len(set(names)) == len(names), f"modalities: names repeat in {list(names)}")
        for name in names:
            plain = f"modalities: {name!r} is not a plain name (letters, digits, _)"
            require(name.isidentifier(), plain)
            taken = "_to_" in name or hasattr(nn.ModuleDict, name)
            require(not taken, f"modalities: {name!r} is taken by the model's own names")
        require(
            len(self.widths) == len(names),
            f"widths: one per modality, got {len(self.widths)} for {len(names)} modalities",
        )

    @property
    def num_modalities(self) -> int:
        """M."""
        return len(self.modalities)

    @classmethod
    def for_dataset(cls, dataset: Any, **overrides: Any) -> ModelConfig:
        """A configuration that fits `dataset`'s modality names and feature widths."""
        return cls(widths=dataset.widths, modalities=dataset.modalities, **overrides)


@configuration
class TransformerConfig(ModelConfig):
    """What DMD and MulT share: convolutions, cross-modal transformers, and GD-Units on them.

    Raises ConfigError when a field is out of its range.
    """

    # Sec. 3.1, temporal convolution
    dim: Count = 32  # d, width that all modalities share after the temporal convolution
    kernel_size: OneOrMore = 5  # steps a convolution sees, odd
    # Sec. 3.2, cross-modal attention (Eq. 10)
    heads: Count = 4  # H, attention heads; divides dim
    layers: Count = 2  # depth of every transformer
    causal: bool = False  # the released code's future mask
    readout: Literal["mean", "last"] = "mean"  # hetero read-out: over real steps, or the last one
    # GD-Units (Eq. 7-9)
    gd_hidden: Count = 32  # width in which an edge compares its two ends
    gd_normalize: Literal["graph", "target"] = "graph"  # softmax over all edges, or per student
    gd_scale: Weight = 1.0  # edge scores times this go into the softmax
    gd_prior: Prior | None = None  # [M, M] edge prior, row = from
    stop_gradient: bool = True  # a teacher's logit is a constant: only the student learns
    # Dropout rates
    embed_dropout: Rate = 0.1  # on the inputs of every transformer
    attention_dropout: Rate = 0.0  # on attention weights; on CPU it costs quadratic memory
    residual_dropout: Rate = 0.0  # after each attention and feed-forward block
    output_dropout: Rate = 0.1  # in the regression head
    # Losses
    lambda_ddl: Weight = 0.05  # lambda_2, Eq. 11: weight of the distillation loss

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.dim % self.heads == 0, f"heads: must divide dim {self.dim}, got {self.heads}")
        one = isinstance(self.kernel_size, int)
        kernels = (self.kernel_size,) * self.num_modalities if one else self.kernel_size
        object.__setattr__(self, "kernel_size", kernels)
        several = f"kernel_size: one, or one per modality, got {list(kernels)}"
        require(len(kernels) == self.num_modalities, several)
        for k in kernels:
            require(k % 2 == 1, f"kernel_size: positive and odd, got {k!r}")

    @property
    def reinforced_dim(self) -> int:
        """Width of Z_->m^prt, one view from every other modality: (M - 1) d."""
        return (self.num_modalities - 1) * self.dim


@configuration
class DMDConfig(TransformerConfig):
    """One DMD model: `widths` and `modalities` as the data have them, and these.

    Raises ConfigError when a field is out of its range.
    """

    # Parts that can be left out, as in Table 3
    decoupling: bool = True  # False: no encoders, X_m^com and X_m^prt are both X~_m
    homo_gd: bool = True  # the distillation loss of the common codes
    cross_attention: bool = True  # False: private codes stay as they are, Z_->m is X_m^prt
    hetero_gd: bool = True  # the distillation loss of the private codes
    hetero_prior: Prior | None = None  # HeteroGD's own edge prior, else gd_prior
    # Losses
    margin: Weight = 0.2  # alpha, Eq. 4
    margin_by_distance: bool = False  # alpha times the labels' distance, as the released code
    orthogonality: Literal["squared", "signed", "hinge"] = "squared"  # Eq. 5; "signed": its letter
    gamma: Weight = 0.1  # gamma, Eq. 6: weight of margin + orthogonality
    lambda_dec: Weight = 0.1  # lambda_1, Eq. 11: weight of the decoupling loss

    @property
    def reinforced_dim(self) -> int:
        """Width of Z_->m^prt: (M - 1) d with cross-modal attention, d without."""
        return super().reinforced_dim if self.cross_attention else self.dim

    @classmethod
    def released(cls, data: str, **overrides: Any) -> DMDConfig:
        """The released code's choices for "mosi" or "mosei", as far as a configuration has them.

        `released.py` lists them, and what is left out. Raises ConfigError for other data.
        """
        require(data in released.MODEL, f"released: mosi or mosei, got {data!r}")
        return cls(**released.MODEL[data] | overrides)


@configuration
class TrainConfig(Settings):
    """One training run. Raises ConfigError when a field is out of its range."""

    epochs: Count = 30  # at most; early stopping may end sooner
    batch_size: Count = 32  # B, per process
    labelled_share: Rate | None = None  # of each batch, at least: labels are repeated; None: once
    learning_rate: Positive = 1e-3  # Adam
    weight_decay: Weight = 0.0  # Adam
    accumulate: Count = 1  # batches whose mean gradient makes one step
    clip: Positive = 1.0  # largest gradient norm
    clip_value: Positive | None = None  # largest single gradient, cut before the norm is
    plateau_patience: Whole = 4  # epochs without a better validation MAE before the rate halves
    stop_patience: Count = 10  # epochs without a better validation MAE before training ends
    standardize: bool | None = None  # scale features by `train`; None: where they need it
    seed: Whole = 0
    device: Name | None = None  # None: see devices.pick_device
    out: Name | None = None  # folder for config, model, history and checkpoint
    resume: bool = False  # continue from the checkpoint in `out`
    progress: bool = True  # one progress bar
    bf16: bool = False  # products in bfloat16: less memory; faster for large batches only
    compile: bool = False  # torch.compile the step: minutes at the start, faster steps on a GPU

    def __post_init__(self) -> None:
        require(not self.resume or bool(self.out), "resume: needs `out`, the run to continue")

    @classmethod
    def released(cls, **overrides: Any) -> TrainConfig:
        """The released code's optimisation, the same for both data sets."""
        return cls(**released.TRAINING | overrides)
