"""PMR, Progressive Modality Reinforcement (Lv et al., CVPR 2021).

MulT lets every pair of modalities speak. PMR puts a message hub between them: all sequences, one
after the other in time. In every layer each modality takes from the hub what a gate lets pass,
and the hub is renewed from every modality.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..attention import CrossModalAttention, attention_mask, position_coded
from ..data.dataset import Batch
from ..data.masks import masked_mean
from ..encoders import TemporalConv
from ..model import ResidualHead
from ..settings import Count, configuration
from .base import AttentionConfig, Baseline, Output
from .layers import by_modality, mlp


@configuration
class PMRConfig(AttentionConfig):
    """dim is the width of every sequence after its temporal convolution."""

    layers: Count = 2


def embedded(batch: Batch, convs: nn.ModuleDict) -> dict[str, Tensor]:
    """Temporal convolution and position code of every modality: [B, T_m, d], 0 where padded."""
    masks = batch.masks
    return {
        m: position_coded(conv(batch.features[m], masks[m]), masks[m]) for m, conv in convs.items()
    }


class FilterGate(nn.Module):
    """G = sigmoid(W [own, from hub]); G x from hub + (1 - G) x own. [B, T, d] each -> the same."""

    def __init__(self, dim: int):
        super().__init__()
        self.gate = nn.Linear(2 * dim, dim)

    def forward(self, own: Tensor, from_hub: Tensor) -> Tensor:
        gate = self.gate(torch.cat([own, from_hub], dim=-1)).sigmoid()
        return gate * from_hub + (1 - gate) * own


class ReinforcementLayer(nn.Module):
    """One exchange between the modalities and the hub.

    Every sub-layer is made here, in the constructor; a public version makes some in `forward`,
    anew and untrained at every call.
    """

    def __init__(self, c: PMRConfig):
        super().__init__()

        def attention(_: int = 0) -> CrossModalAttention:
            return CrossModalAttention(c.dim, c.heads)

        def feed(_: int = 0) -> nn.Sequential:
            return nn.Sequential(nn.LayerNorm(c.dim), mlp(c.dim, 4 * c.dim, c.dim, c.dropout))

        self.norm = by_modality(c, lambda _: nn.LayerNorm(c.dim))
        self.norm_hub = nn.LayerNorm(c.dim)
        self.own = by_modality(c, attention)
        self.from_hub = by_modality(c, attention)
        self.gate = by_modality(c, lambda _: FilterGate(c.dim))
        self.feed = by_modality(c, feed)
        self.to_hub = by_modality(c, attention)
        self.merge = nn.Linear(c.dim, 1, bias=False)

    def forward(
        self, sequences: dict[str, Tensor], masks: dict[str, Tensor], hub: Tensor, there: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """sequences [B, T_m, d], hub [B, sum T_m, d], there [B, sum T_m] -> the next ones."""
        reinforced, offers, message = {}, [], self.norm_hub(hub)
        for m, x in sequences.items():
            normed, mask = self.norm[m](x), masks[m]
            own = self.own[m](normed, normed, attention_mask(mask, mask, False))
            from_hub = self.from_hub[m](normed, message, attention_mask(mask, there, False))
            x = x + self.gate[m](own, from_hub)
            reinforced[m] = (x + self.feed[m](x)).masked_fill(~mask[..., None], 0)
            offer = self.to_hub[m](message, reinforced[m], attention_mask(there, mask, False))
            # A missing modality offers nothing new.
            offers.append(hub + offer * mask.any(1)[:, None, None])
        offers = torch.stack(offers, dim=2)  # [B, sum T_m, M, d]
        share = self.merge(offers.tanh()).softmax(2)
        return reinforced, (share * offers).sum(2).masked_fill(~there[..., None], 0)


class PMR(Baseline):
    """Temporal convolutions -> layers of exchange -> means over time -> residual head.

    Lengths may differ and modalities may be missing. Attention costs the square of the sum of
    lengths, where MulT's costs their products by pairs.
    """

    paper = (
        "Progressive Modality Reinforcement for Human Multimodal Emotion Recognition From "
        "Unaligned Multimodal Sequences"
    )
    year = 2021
    family = "attention"
    config_class = PMRConfig
    interpretation = "the gate's form, how the hub is renewed and merged, the read-out by means"

    def __init__(self, c: PMRConfig):
        super().__init__(c)
        self.convs = by_modality(c, lambda width: TemporalConv(width, c.dim, 5))
        self.layers = nn.ModuleList(ReinforcementLayer(c) for _ in range(c.layers))
        self.head = ResidualHead((c.num_modalities + 1) * c.dim, c.dropout)

    def forward(self, batch: Batch) -> Output:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        sequences, masks = embedded(batch, self.convs), batch.masks
        hub = torch.cat(list(sequences.values()), dim=1)  # [B, sum T_m, d]
        there = torch.cat(list(masks.values()), dim=1)
        for layer in self.layers:
            sequences, hub = layer(sequences, masks, hub, there)
        pooled = [masked_mean(x, masks[m]) for m, x in sequences.items()]
        pooled.append(masked_mean(hub, there))
        return Output(self.head(torch.cat(pooled, dim=1)))
