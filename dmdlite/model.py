"""DMD, its parts in the order of the paper (Sec. 3, Chapter 8)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .attention import CrossModalTransformer
from .base import SentimentModel
from .config import DMDConfig, TransformerConfig
from .data.dataset import Batch
from .data.masks import last_step, masked_mean
from .encoders import Decoupler, TemporalConv
from .gd_unit import GDUnit
from .losses import TERMS, DMDOutput

READOUT = {"mean": masked_mean, "last": last_step}


class Reinforcement(nn.Module):
    """Z_->m^prt: for each target, one cross-modal transformer from every other modality.

    Their outputs are concatenated, then a self-attention transformer runs over the target's
    time axis, as in MulT. A target without real steps gives zeros.
    """

    def __init__(self, c: TransformerConfig):
        super().__init__()
        kwargs = {
            "heads": c.heads,
            "layers": c.layers,
            "causal": c.causal,
            "embed_dropout": c.embed_dropout,
            "attention_dropout": c.attention_dropout,
            "residual_dropout": c.residual_dropout,
        }
        self.sources = {m: [s for s in c.modalities if s != m] for m in c.modalities}
        self.cross = nn.ModuleDict(
            {
                f"{s}_to_{m}": CrossModalTransformer(c.dim, **kwargs)
                for m in c.modalities
                for s in self.sources[m]
            }
        )
        self.memory = nn.ModuleDict(
            {m: CrossModalTransformer(c.reinforced_dim, **kwargs) for m in c.modalities}
        )

    def forward(self, private: dict[str, Tensor], masks: dict[str, Tensor]) -> dict[str, Tensor]:
        """X_m^prt [B, T_m, d] -> Z_->m^prt [B, T_m, (M-1) d]."""
        reinforced = {}
        for m, query in private.items():
            views = [
                self.cross[f"{s}_to_{m}"](query, private[s], masks[m], masks[s])
                for s in self.sources[m]
            ]
            joined = torch.cat(views, dim=-1)  # [B, T_m, (M-1) d]
            reinforced[m] = self.memory[m](joined, query_mask=masks[m])
        return reinforced


def two_layers(width: int, dropout: float) -> nn.Sequential:
    """What a residual connection goes around, in every regression head."""
    return nn.Sequential(
        nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, width)
    )


class ResidualHead(nn.Module):
    """Two layers around a residual connection, then one number: [B, width] -> [B]."""

    def __init__(self, width: int, dropout: float):
        super().__init__()
        self.hidden = two_layers(width, dropout)
        self.out = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(x + self.hidden(x)).squeeze(-1)


class AdaptiveFusion(nn.Module):
    """Gates every feature vector by sigmoid(W h), joins them, and regresses the sentiment."""

    def __init__(self, widths: list[int], dropout: float):
        super().__init__()
        self.gates = nn.ModuleList(nn.Linear(w, w) for w in widths)
        self.hidden = two_layers(sum(widths), dropout)
        self.out = nn.Linear(sum(widths), 1)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Vectors [B, width], one for each of `widths` -> prediction [B]."""
        pairs = zip(self.gates, features, strict=True)
        fused = torch.cat([gate(h).sigmoid() * h for gate, h in pairs], dim=-1)
        return self.out(fused + self.hidden(fused)).squeeze(-1)


def temporal_convs(c: TransformerConfig) -> nn.ModuleDict:
    """One temporal convolution a modality."""
    each = zip(c.modalities, c.widths, c.kernel_size, strict=True)
    return nn.ModuleDict({m: TemporalConv(width, c.dim, k) for m, width, k in each})


def gd_unit(c: TransformerConfig, width: int, prior: tuple | None) -> GDUnit:
    """A GD-Unit on features of this width."""
    return GDUnit(
        width, c.num_modalities, c.gd_hidden, c.gd_normalize, prior, c.gd_scale, c.stop_gradient
    )


class DMD(SentimentModel):
    """Decoupled Multimodal Distillation (Li et al. 2023)."""

    paper, year = "Decoupled Multimodal Distilling for Emotion Recognition", 2023
    family = "two codes"
    config_class = DMDConfig
    terms = TERMS  # of the objective; a variant of DMD may have others

    def __init__(self, config: DMDConfig):
        super().__init__(config)
        c = config
        self.conv = temporal_convs(c)
        self.decoupler = Decoupler(c.modalities, c.dim) if c.decoupling else None
        self.reinforcement = Reinforcement(c) if c.cross_attention else None
        self.homo = gd_unit(c, c.dim, c.gd_prior)
        self.hetero = gd_unit(c, c.reinforced_dim, c.hetero_prior or c.gd_prior)
        widths = [c.dim] * c.num_modalities + [c.reinforced_dim] * c.num_modalities
        self.fusion = AdaptiveFusion(widths, c.output_dropout)

    @property
    def learns_without_labels(self) -> bool:
        c = self.config
        distils = c.homo_gd or c.hetero_gd
        return (c.decoupling and c.lambda_dec > 0) or (distils and c.lambda_ddl > 0)

    def forward(self, batch: Batch) -> DMDOutput:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        masks, present = batch.masks, batch.present
        shallow = {m: conv(batch.features[m], masks[m]) for m, conv in self.conv.items()}
        decoupled = self.decoupler(shallow) if self.decoupler else (shallow,) * 4
        common, private, decoded, reencoded = decoupled  # Eq. 1
        pooled = torch.stack([masked_mean(x, masks[m]) for m, x in common.items()], dim=1)
        homo = self.homo(pooled, present)  # pooled [B, M, d]
        attends = self.config.cross_attention
        reinforced = self.reinforcement(private, masks) if attends else private  # Eq. 10
        readout = READOUT[self.config.readout]
        memory = torch.stack([readout(z, masks[m]) for m, z in reinforced.items()], dim=1)
        hetero = self.hetero(memory, present)  # memory [B, M, reinforced_dim]
        prediction = self.fusion([*pooled.unbind(1), *memory.unbind(1)])
        return DMDOutput(
            prediction.float(),
            shallow,
            common,
            private,
            decoded,
            reencoded,
            reinforced,
            pooled,
            memory,
            homo,
            hetero,
            present,
            self.config,
            self.terms,
        )
