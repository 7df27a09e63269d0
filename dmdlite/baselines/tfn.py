"""TFN, the Tensor Fusion Network (Zadeh et al., EMNLP 2017).

Each modality becomes one vector h_m. A 1 is put in front of each, and the outer product of all
holds every product of their entries: of one modality, of two, of three.
"""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..data.dataset import Batch
from ..data.masks import masked_mean
from ..errors import ConfigError
from ..settings import Count, configuration
from .base import Baseline, BaselineConfig, Output
from .layers import BatchNorm, MaskedLSTM

MOST_CELLS = 2**20  # of the tensor; its first layer has `post` weights for each


@configuration
class TFNConfig(BaselineConfig):
    """dim is the width of every h_m."""

    post: Count = 64  # width after the fusion


class LanguageNet(nn.Module):
    """The first modality: LSTM, last state, one layer."""

    def __init__(self, width: int, dim: int, dropout: float):
        super().__init__()
        self.lstm = MaskedLSTM(width, dim)
        self.out = nn.Sequential(nn.Dropout(dropout), nn.Linear(dim, dim))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """[B, T, D], [B, T] -> [B, dim]."""
        return self.out(self.lstm(x, mask)[1])


class MeanNet(nn.Module):
    """Every other modality: mean over time, batch normalisation, three layers."""

    def __init__(self, width: int, dim: int, dropout: float):
        super().__init__()
        self.norm = BatchNorm(width)
        widths = (width, dim, dim, dim)
        layers = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())]
        self.layers = nn.Sequential(nn.Dropout(dropout), *layers)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """[B, T, D], [B, T] -> [B, dim]."""
        return self.layers(self.norm(masked_mean(x, mask), mask.any(1)))


class Subnetworks(nn.ModuleDict):
    """TFN's and LMF's networks before the fusion, one a modality."""

    def __init__(self, c: BaselineConfig):
        first, *others = zip(c.modalities, c.widths, strict=True)
        nets = {first[0]: LanguageNet(first[1], c.dim, c.dropout)}
        nets |= {m: MeanNet(width, c.dim, c.dropout) for m, width in others}
        super().__init__(nets)

    def forward(self, batch: Batch) -> list[Tensor]:
        """[1, h_m] of every modality, each [B, 1 + dim]; h_m is 0 where the modality is missing,
        which leaves the products of those that are there."""
        vectors = []
        for (m, net), there in zip(self.items(), batch.present.unbind(1), strict=True):
            h = net(batch.features[m], batch.masks[m]) * there[:, None]
            vectors.append(torch.cat([torch.ones_like(h[:, :1]), h], dim=1))
        return vectors


def outer_product(vectors: list[Tensor]) -> Tensor:
    """Vectors [B, w], [B, v], ... -> their outer product, flattened: [B, w v ...]."""
    return reduce(lambda a, b: (a[:, :, None] * b[:, None, :]).flatten(1), vectors)


class TFN(Baseline):
    """Sub-networks -> outer product -> three layers -> 6 sigmoid - 3, inside the labels' range.

    Modalities may be missing and unaligned. Raises ConfigError when the tensor, (dim + 1)^M
    cells, has more than 2^20: dim may be 100 for three modalities, 31 for four, 15 for five.
    """

    paper, year = "Tensor Fusion Network for Multimodal Sentiment Analysis", 2017
    family = "products"
    config_class = TFNConfig

    def __init__(self, c: TFNConfig):
        super().__init__(c)
        cells = (c.dim + 1) ** c.num_modalities
        if cells > MOST_CELLS:
            raise ConfigError(
                f"dim: the tensor of {c.num_modalities} modalities has {c.dim + 1}^"
                f"{c.num_modalities} = {cells:,} cells, more than {MOST_CELLS:,}"
            )
        self.subnetworks = Subnetworks(c)
        self.head = nn.Sequential(
            nn.Dropout(c.dropout),
            nn.Linear(cells, c.post),
            nn.ReLU(),
            nn.Linear(c.post, c.post),
            nn.ReLU(),
            nn.Linear(c.post, 1),
        )

    def forward(self, batch: Batch) -> Output:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        fused = outer_product(self.subnetworks(batch))  # [B, (dim + 1)^M]
        score = self.head(fused).squeeze(-1).float()  # bfloat16 has no digits near 1
        return Output(6 * score.sigmoid() - 3)
