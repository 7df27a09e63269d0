"""The released code's choices (mdswyz/DMD, commit 516d4e1), as a configuration (Chapter 12).

Left out, because the code would be worse for it (chapter 12 shows most of them):

- convolutions that shorten a sequence, orthogonality along the batch, a gate that replaces the
  feature, attention to padding, a hinge without modality condition, groups of batches that are
  never stepped: mistakes, not choices;
- its extra heads (one a modality for the margin loss, residual ones before every logit), its
  self-attention on the common codes, 64 and 32 as widths of the two edge functions, and HeteroGD's
  term that pushes representations apart;
- dropout on the text (.5 / .3) and attention rates of vision (0) and audio (.2 / 0) that differ
  from language's: every transformer here has language's;
- its edges weigh prior + learned, which sum to two; ours are their mean.
"""

from __future__ import annotations

from typing import Any

import torch


def edge_prior(modalities: int = 3, hetero: bool = False) -> torch.Tensor:
    """The prior of the released kernels, row = from: [M, M], sums to one.

    HomoGD's lets the first modality teach every other one; HeteroGD's also lets the second teach
    the last. Edges of the pattern get exp(1 / .25) parts, all others one.
    """
    pattern = torch.zeros(modalities, modalities)
    pattern[0, 1:] = 1
    if hetero and modalities > 2:
        pattern[1, -1] = 1
    parts = (pattern / 0.25).exp().fill_diagonal_(0)
    return parts / parts.sum()


CHOICES: dict[str, Any] = {  # what is not size, prior or rate
    "causal": True,
    "readout": "last",
    "gd_scale": 1 / 8,
    "margin": 0.15,
    "margin_by_distance": True,
    "orthogonality": "hinge",
}
_SHARED: dict[str, Any] = {
    **CHOICES,
    "layers": 4,
    "gd_prior": edge_prior(),
    "hetero_prior": edge_prior(hetero=True),
    "output_dropout": 0.5,
}
# By name, since the release lists language, audio, vision, and we language, vision, audio.
WIDTHS = {
    "mosi": {"language": 768, "vision": 20, "audio": 5},
    "mosei": {"language": 768, "vision": 35, "audio": 74},
}
KERNELS = {
    "mosi": {"language": 5, "vision": 5, "audio": 5},
    "mosei": {"language": 5, "vision": 3, "audio": 1},
}


def _settings(data: str, **sizes: Any) -> dict[str, Any]:
    widths, kernels = WIDTHS[data], KERNELS[data]
    by_modality = {"modalities": tuple(widths), "widths": tuple(widths.values())}
    return _SHARED | by_modality | {"kernel_size": tuple(kernels[m] for m in widths)} | sizes


MODEL: dict[str, dict[str, Any]] = {
    "mosi": _settings("mosi", dim=50, heads=10, embed_dropout=0.2, attention_dropout=0.3),
    "mosei": _settings("mosei", dim=30, heads=6, embed_dropout=0.0, attention_dropout=0.4),
}
TRAINING: dict[str, Any] = {
    "epochs": 1000,  # no cap; early stopping ends it
    "batch_size": 16,
    "learning_rate": 1e-4,
    "accumulate": 10,
    "clip": 1e6,  # no norm is cut
    "clip_value": 0.06,  # 0.6 on the sum of ten batches
    "plateau_patience": 5,
    "stop_patience": 10,
    "standardize": False,
}
