"""MulT, the Multimodal Transformer (Tsai et al. 2019), alone and with a GD-Unit (Table 5).

Temporal convolutions bring every modality to width d. Each target is read by one cross-modal
transformer from every other modality; their outputs, concatenated, pass a self-attention
transformer over the target's time axis. The read-outs of all targets are joined and regressed.

With `hetero_gd` the reinforced read-outs Z_->m enter a GD-Unit, "to conduct adaptive knowledge
distillation with the reinforced multimodal features" (Sec. 4.2). The paper does not say which loss
trains the unit's logits: they see the labels here, as DMD's do (interpretation).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..base import SentimentModel
from ..config import TransformerConfig
from ..data.dataset import Batch
from ..gd_unit import GDOutput
from ..losses import task_error
from ..model import READOUT, Reinforcement, ResidualHead, gd_unit, temporal_convs
from ..settings import configuration


@dataclass
class MulTOutput:
    """What one forward pass makes."""

    prediction: Tensor  # [B] sentiment
    reinforced: dict[str, Tensor]  # Z_->m [B, T_m, (M-1) d]
    hetero: GDOutput | None  # of the GD-Unit, when there is one
    present: Tensor  # [B, M] bool
    config: MulTConfig

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """ "task", with a GD-Unit also "hetero", and their weighted sum "total"."""
        units = [self.hetero] if self.hetero else []
        terms = {"task": task_error(self.prediction, units, self.present, batch)}
        terms["total"] = terms["task"]
        if self.hetero:
            terms["hetero"] = self.hetero.loss
            terms["total"] = terms["task"] + self.config.lambda_ddl * self.hetero.loss
        return terms


@configuration
class MulTConfig(TransformerConfig):
    """DMD's convolutions and transformers, and the GD-Unit of Table 5 with its fields."""

    hetero_gd: bool = False  # True: a GD-Unit on the read-outs (Table 5)


class MulT(SentimentModel):
    """MulT, with `hetero_gd` also the GD-Unit.

    Its depth, heads and read-out are DMD's (the original: 4 or 5 layers, 5 heads, the last step),
    so that the two differ in what the paper adds.

    Modalities may be missing, unaligned, and 2 to N.
    """

    paper = "Multimodal Transformer for Unaligned Multimodal Language Sequences"
    year = 2019
    family = "attention"
    config_class = MulTConfig

    def __init__(self, c: MulTConfig):
        super().__init__(c)
        self.conv = temporal_convs(c)
        self.reinforcement = Reinforcement(c)
        total = c.num_modalities * c.reinforced_dim
        self.head = ResidualHead(total, c.output_dropout)
        self.hetero = gd_unit(c, c.reinforced_dim, c.gd_prior) if c.hetero_gd else None

    @property
    def learns_without_labels(self) -> bool:
        return self.config.hetero_gd and self.config.lambda_ddl > 0

    def forward(self, batch: Batch) -> MulTOutput:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        masks, present = batch.masks, batch.present
        shallow = {m: conv(batch.features[m], masks[m]) for m, conv in self.conv.items()}
        reinforced = self.reinforcement(shallow, masks)
        readout = READOUT[self.config.readout]
        memory = torch.stack([readout(z, masks[m]) for m, z in reinforced.items()], dim=1)
        prediction = self.head(memory.flatten(1))  # [B, M (M-1) d] -> [B]
        hetero = self.hetero(memory, present) if self.hetero else None
        return MulTOutput(prediction.float(), reinforced, hetero, present, self.config)
