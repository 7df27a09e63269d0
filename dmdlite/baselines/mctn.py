"""MCTN, the Multimodal Cyclic Translation Network (Pham et al., AAAI 2019).

Language is translated into vision, and back; what the first encoder has learned for that is
translated on, into audio. The states of the last encoder are regressed. Translating needs the
other modalities in training only: at test time language alone is read.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..data.alignment import one_axis
from ..data.dataset import Batch
from ..errors import ConfigError
from ..losses import reconstruction_loss
from ..settings import Weight, configuration
from .base import Baseline, BaselineConfig, Output
from .layers import MaskedLSTM, mlp


@configuration
class MCTNConfig(BaselineConfig):
    """The modalities' order is the order of translation: source, first and second target."""

    lambda_translation: Weight = 0.1  # of every translation's mean squared error


class Attention(nn.Module):
    """Where a state looks among encoder states: query [B, dim], states [B, T, dim] -> [B, dim]."""

    def __init__(self, dim: int):
        super().__init__()
        self.query = nn.Linear(dim, dim, bias=False)

    def forward(self, query: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        score = torch.einsum("bd,btd->bt", self.query(query), states)
        score = score.masked_fill(~mask, torch.finfo(score.dtype).min)
        return torch.einsum("bt,btd->bd", score.softmax(1) * mask, states)


class Translator(nn.Module):
    """Sequence to sequence with attention; every step is fed the step made before it.

    The target is never an input, in training as at test time. The public code feeds it at test
    time too (teacher forcing), and so reads what it should predict.
    """

    def __init__(self, width: int, dim: int, out: int):
        super().__init__()
        self.encoder = MaskedLSTM(width, dim)
        self.attention = Attention(dim)
        self.cell = nn.LSTMCell(out + dim, dim)
        self.out = nn.Linear(2 * dim, out)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, T, width], mask [B, T] -> encoder states [B, T, dim], translation [B, T, out]."""
        states, h = self.encoder(x, mask)
        c, made, steps = torch.zeros_like(h), states.new_zeros(len(x), self.out.out_features), []
        for _ in range(x.shape[1]):
            seen = self.attention(h, states, mask)
            h, c = self.cell(torch.cat([made, seen], dim=1), (h, c))
            made = self.out(torch.cat([h, seen], dim=1))
            steps.append(made)
        return states, torch.stack(steps, dim=1)


class MCTN(Baseline):
    """Loss: task + lambda (forward + back + on to the second target), mean squared errors.

    Targets are resampled to the source's steps (`alignment.windows`) unless the data are aligned.
    A target that is missing costs nothing; without the source there is nothing to read, and all
    such samples get one value. With two modalities there is one translation and its way back.
    Raises ConfigError for more than three: the paper orders three.
    """

    paper = (
        "Found in Translation: Learning Robust Joint Representations by Cyclic Translations "
        "Between Modalities"
    )
    year = 2019
    family = "words first"
    config_class = MCTNConfig
    one_axis = True
    interpretation = "the way back has its own encoder; no teacher forcing in training either"

    def __init__(self, c: MCTNConfig):
        super().__init__(c)
        if c.num_modalities > 3:
            raise ConfigError(
                "modalities: MCTN translates a source into one or two others, "
                f"got {c.num_modalities}: {', '.join(c.modalities)}"
            )
        source, first, *second = c.widths
        self.there = Translator(source, c.dim, first)
        self.back = Translator(first, c.dim, source)
        self.on = Translator(c.dim, c.dim, second[0]) if second else None
        self.reader = MaskedLSTM(c.dim, c.dim)
        self.attention = Attention(c.dim)
        self.head = mlp(2 * c.dim, c.dim, 1, c.dropout)

    def forward(self, batch: Batch) -> Output:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        source, first, *second = self.config.modalities
        features, masks = self._on_the_source(batch)
        mask = masks[source]
        states, made = self.there(features[source], mask)
        _, cycle = self.back(made, mask)
        terms = {
            "forward": reconstruction_loss(features[first], made, masks[first] & mask),
            "cycle": reconstruction_loss(features[source], cycle, mask),
        }
        if self.on:
            states, made = self.on(states, mask)
            both = masks[second[0]] & mask
            terms["second"] = reconstruction_loss(features[second[0]], made, both)
        states, last = self.reader(states, mask)
        joint = torch.cat([last, self.attention(last, states, mask)], dim=1)  # [B, 2 dim]
        weights = dict.fromkeys(terms, self.config.lambda_translation)
        return Output(self.head(joint).squeeze(-1), terms, weights)

    def _on_the_source(self, batch: Batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """All modalities on one axis, cut or filled to the source's number of steps."""
        features, masks = one_axis(batch, self.config.is_aligned)
        steps = batch.features[self.config.modalities[0]].shape[1]
        missing = steps - next(iter(masks.values())).shape[1]
        features = {m: nn.functional.pad(x, (0, 0, 0, missing)) for m, x in features.items()}
        return features, {m: nn.functional.pad(x, (0, missing)) for m, x in masks.items()}
