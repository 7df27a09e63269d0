"""What every baseline is: its configuration, its output and losses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from ..base import SentimentModel
from ..config import ModelConfig
from ..data.alignment import is_aligned
from ..data.dataset import Batch, MultimodalDataset
from ..data.labels import labelled_mean
from ..settings import Count, Rate, configuration, require


@configuration
class BaselineConfig(ModelConfig):
    """What every baseline has; a baseline's own class adds its symbols.

    Raises ConfigError when a field is out of its range.
    """

    dim: Count = 32  # width of every hidden state and of the vectors that are fused
    dropout: Rate = 0.1
    is_aligned: bool = False  # the data's modalities share one time axis

    @classmethod
    def for_dataset(cls, dataset: MultimodalDataset, **overrides: Any) -> BaselineConfig:
        """A configuration that fits `dataset`: names, widths, and whether it is aligned."""
        return super().for_dataset(dataset, **{"is_aligned": is_aligned(dataset)} | overrides)


@configuration
class AttentionConfig(BaselineConfig):
    """For every baseline with attention heads."""

    heads: Count = 4  # divides dim

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.dim % self.heads == 0, f"heads: must divide dim {self.dim}, got {self.heads}")


@dataclass
class Output:
    """What one forward pass makes."""

    prediction: Tensor  # [B] sentiment
    terms: dict[str, Tensor] = field(default_factory=dict)  # other losses, scalars, by name
    weights: dict[str, float] = field(default_factory=dict)  # what each weighs in the total
    error: Callable[..., Tensor] = F.l1_loss  # between prediction and label

    def __post_init__(self) -> None:
        self.prediction = self.prediction.float()

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """ "task", the other terms by name, unweighted, and their weighted sum "total"."""
        error = self.error(self.prediction, batch.targets, reduction="none")  # [B]
        terms = {"task": labelled_mean(error, batch)}
        terms |= {k: x.float() for k, x in self.terms.items()}
        total = terms["task"] + sum(self.weights[k] * terms[k] for k in self.terms)
        return terms | {"total": total}


class Baseline(SentimentModel):
    """A system the paper compares with; `config_class` holds its fields."""

    config_class = BaselineConfig
