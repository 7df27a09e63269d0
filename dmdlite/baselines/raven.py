"""RAVEN, the Recurrent Attended Variation Embedding Network (Wang et al., AAAI 2019).

A face and a voice can change what a word means. LSTMs read the frames that belong to one word;
gated by the word, their states are summed to a shift, and the shift moves the word's vector, by
no more than beta times its own length.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..data.alignment import one_axis, windows
from ..data.dataset import Batch, MultimodalDataset
from ..data.masks import positions
from ..settings import Weight, configuration
from .base import Baseline, BaselineConfig, Output
from .layers import MaskedLSTM, mlp


@configuration
class RAVENConfig(BaselineConfig):
    """The first modality's steps are the words."""

    beta: Weight = 0.2  # longest shift, in lengths of the word's vector


def frames_of_words(
    x: Tensor, mask: Tensor, words: Tensor, n: int, most: int
) -> tuple[Tensor, Tensor]:
    """The frames x [B, T, D], mask [B, T] that fall to each of `words` [B] words, evenly shared
    (`alignment.windows`) -> [B, n, F, D] and a mask [B, n, F]: n words and F = `most` frames of
    one word at most."""
    first, count = windows(mask.sum(1), words, n)  # [B, n]
    frame = torch.arange(most, device=x.device)
    inside = frame < count[..., None]  # [B, n, F]
    place = (first[..., None] + frame).clamp(max=x.shape[1] - 1)
    order = (~mask).to(torch.uint8).argsort(dim=1, stable=True)  # [B, T], real frames first
    place = order.gather(1, place.flatten(1))  # [B, n F]
    row = torch.arange(len(x), device=x.device)[:, None]
    return x[row, place].unflatten(1, inside.shape[1:]), inside


def shifted(word: Tensor, shift: Tensor, beta: float) -> Tensor:
    """word + alpha shift with alpha = min(beta |word| / |shift|, 1). [..., D] each -> [..., D].

    Nothing is detached: the released code reads lengths and shift through `.data`, and no
    gradient reaches the non-verbal LSTMs.
    """
    length, size = (x.square().sum(-1, keepdim=True).clamp(min=1e-12).sqrt() for x in (word, shift))
    return word + (beta * length / size).clamp(max=1) * shift


class RAVEN(Baseline):
    """Sub-word LSTMs -> word gates -> shift -> LSTM over shifted words -> two layers.

    Without alignment by time stamps frames are shared evenly among the words. A missing face or
    voice does not shift; a sample without words has nothing to shift, and all such get one value.
    Aligned data have one frame a word, and the sub-word LSTMs then nothing to remember.
    """

    paper = "Words Can Shift: Dynamically Adjusting Word Representations Using Nonverbal Behaviors"
    year = 2019
    family = "words first"
    config_class = RAVENConfig
    interpretation = "without time stamps, frames are shared evenly among the words"

    def __init__(self, c: RAVENConfig):
        super().__init__(c)
        width = c.widths[0]
        others = dict(zip(c.modalities[1:], c.widths[1:], strict=True))
        self.lstms = nn.ModuleDict({m: MaskedLSTM(w, c.dim) for m, w in others.items()})
        self.gates = nn.ModuleDict({m: nn.Linear(c.dim + width, 1) for m in others})
        self.shift = nn.Linear(len(others) * c.dim, width, bias=False)
        self.words = MaskedLSTM(width, c.dim)
        self.head = mlp(c.dim, c.dim, 1, c.dropout)

    def forward(self, batch: Batch) -> Output:
        """Raises ModelError when the batch's modalities or widths are not the model's."""
        batch = self.prepared(batch)
        first = self.config.modalities[0]
        word, mask = batch.features[first], batch.masks[first]
        frames, inside = self._frames(batch, word, mask)
        gated = []
        for m, lstm in self.lstms.items():
            _, state = lstm(frames[m].flatten(0, 1), inside[m].flatten(0, 1))  # [B n, dim]
            state = state.unflatten(0, word.shape[:2])
            gate = self.gates[m](torch.cat([state, word], dim=-1))  # [B, n, 1], one a word
            gated.append(gate * state)
        moved = shifted(word, self.shift(torch.cat(gated, dim=-1)), self.config.beta)
        _, last = self.words(moved, mask)
        return Output(self.head(last).squeeze(-1))

    def check_data(self, dataset: MultimodalDataset) -> None:
        self.check_axis(dataset)  # of aligned data it takes one frame a word
        super().check_data(dataset)

    def _frames(
        self, batch: Batch, word: Tensor, mask: Tensor
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Every other modality's frames by word, [B, T, F, D], and which of them are real."""
        others = self.config.modalities[1:]
        if self.config.is_aligned:  # one frame a word
            x, masks = one_axis(batch, True)
            pick = (slice(None), slice(word.shape[1]), None)
            return {m: x[m][pick] for m in others}, {m: masks[m][pick] for m in others}
        row = torch.arange(len(word), device=word.device)[:, None]
        number = positions(mask)  # [B, T] which word a step is
        words, *lengths = batch.real_steps().unbind(1)
        frames, inside = {}, {}
        for m, length in zip(others, lengths, strict=True):
            share = length * (words > 0) / words.clamp(min=1)  # frames of one word, about
            most = int(share.ceil().max())
            sizes = {"n": word.shape[1], "most": max(most, 1)}
            x, held = frames_of_words(batch.features[m], batch.masks[m], mask.sum(1), **sizes)
            frames[m], inside[m] = x[row, number], held[row, number] & mask[..., None]
        return frames, inside
