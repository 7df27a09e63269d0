"""Cross-modal attention and the transformer made of it (Eq. 10, Chapter 7), after MulT.

Axes: B batch, T query steps, S source steps, d width, H heads, d_h = d / H.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .data.masks import positions

# Attention kernels run on vectors of 16 numbers. Zeros that fill a narrow head change no product
# and save time (benchmarks/README.md).
LANES = 16


def sinusoidal(position: Tensor, dim: int) -> Tensor:
    """Sine and cosine position code (Vaswani et al. 2017). [B, T] -> [B, T, dim]."""
    half = (dim + 1) // 2
    frequency = 10000.0 ** (-torch.arange(half, device=position.device) / half)  # [half]
    angle = position[..., None] * frequency  # [B, T, half]
    return torch.cat([angle.sin(), angle.cos()], dim=-1)[..., :dim]


def position_coded(x: Tensor, mask: Tensor, scale: float = 1.0) -> Tensor:
    """Scaled features plus each step's position code; zero where padded. [B, T, d] -> [B, T, d]."""
    code = sinusoidal(positions(mask), x.shape[-1]).to(x.dtype)
    return (scale * x + code).masked_fill(~mask[..., None], 0)


def attention_mask(query_mask: Tensor, source_mask: Tensor, causal: bool) -> Tensor:
    """Which source steps a query step may read: [B, 1, 1 or T, S] bool.

    Real ones; with `causal`, no later than t + |S - T| in real lengths, the released code's
    future mask. A sample without source steps may read its (zeroed) padding, so that the
    softmax stays finite; the caller drops the result.
    """
    source_mask = source_mask | ~source_mask.any(1, keepdim=True)  # [B, S]
    allowed = source_mask[:, None, None, :]
    if not causal:
        return allowed
    offset = (source_mask.sum(1) - query_mask.sum(1)).abs()[:, None, None]  # [B, 1, 1]
    reach = positions(query_mask)[:, :, None] + offset  # [B, T, 1]
    return allowed & (positions(source_mask)[:, None, :] <= reach)[:, None]


class CrossModalAttention(nn.Module):
    """Multi-head attention from a query sequence to a source sequence (Eq. 10)."""

    def __init__(self, dim: int, heads: int, dropout: float = 0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)

    def forward(self, query: Tensor, source: Tensor, allowed: Tensor) -> Tensor:
        """query [B, T, d], source [B, S, d], allowed [B, 1, 1 or T, S] -> [B, T, d]."""
        q = self._split(self.query(query), self.heads)  # [B, H, T, lanes]
        k, v = self._split(self.key_value(source), 2 * self.heads).chunk(2, dim=1)
        width = query.shape[-1] // self.heads  # d_h
        z = F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=allowed,
            scale=width**-0.5,
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.out(z[..., :width].transpose(1, 2).flatten(2))  # [B, T, d]

    @staticmethod
    def _split(x: Tensor, heads: int) -> Tensor:
        """[B, T, heads d_h] -> [B, heads, T, lanes]: heads filled with zeros to full lanes."""
        x = x.unflatten(-1, (heads, -1))  # [B, T, heads, d_h]
        return F.pad(x, (0, -x.shape[-1] % LANES)).transpose(1, 2)


class CrossModalLayer(nn.Module):
    """Pre-LN attention and feed-forward blocks, each with a residual connection.

    Query and source share one LayerNorm, as in MulT. The source is the same low-level sequence
    in every layer.
    """

    def __init__(self, dim: int, heads: int, attention_dropout: float, residual_dropout: float):
        super().__init__()
        self.norm_attention = nn.LayerNorm(dim)
        self.norm_feed = nn.LayerNorm(dim)
        self.attention = CrossModalAttention(dim, heads, attention_dropout)
        self.feed = nn.Sequential(nn.Linear(dim, 4 * dim), nn.ReLU(), nn.Linear(4 * dim, dim))
        self.dropout = nn.Dropout(residual_dropout)

    def forward(self, x: Tensor, source: Tensor | None, allowed: Tensor) -> Tensor:
        """x [B, T, d], source [B, S, d] (None: x itself) -> [B, T, d]."""
        normed = self.norm_attention(x)
        source = normed if source is None else self.norm_attention(source)
        x = x + self.dropout(self.attention(normed, source, allowed))
        return x + self.dropout(self.feed(self.norm_feed(x)))


class CrossModalTransformer(nn.Module):
    """`layers` cross-modal layers over position-coded sequences, and a final LayerNorm.

    Called with a query alone it is a plain self-attention encoder.
    Raises ValueError when `heads` does not divide `dim`.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        layers: int,
        causal: bool = False,
        embed_dropout: float = 0.0,
        attention_dropout: float = 0.0,
        residual_dropout: float = 0.0,
    ):
        super().__init__()
        if dim % heads:
            raise ValueError(f"heads: must divide dim {dim}, got {heads}")
        self.dim = dim
        self.causal = causal
        self.dropout = nn.Dropout(embed_dropout)
        self.layers = nn.ModuleList(
            CrossModalLayer(dim, heads, attention_dropout, residual_dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(
        self,
        query: Tensor,
        source: Tensor | None = None,
        query_mask: Tensor | None = None,
        source_mask: Tensor | None = None,
    ) -> Tensor:
        """query [B, T, d], source [B, S, d], masks [B, T] and [B, S] bool -> [B, T, d].

        Without masks every step is real. Padded query steps come out as zero, and so does a
        sample whose source has no real step.
        """
        query_mask = _all_real(query) if query_mask is None else query_mask
        if source is None:
            source_mask = query_mask
        elif source_mask is None:
            source_mask = _all_real(source)
        allowed = attention_mask(query_mask, source_mask, self.causal)
        x = self._embed(query, query_mask)
        low_level = None if source is None else self._embed(source, source_mask)
        for layer in self.layers:
            x = layer(x, low_level, allowed)
        keep = query_mask & source_mask.any(1, keepdim=True)  # [B, T]
        return self.norm(x).masked_fill(~keep[..., None], 0)

    def _embed(self, x: Tensor, mask: Tensor) -> Tensor:
        """Scaled features plus position code; zero where padded. [B, T, d] -> [B, T, d]."""
        return self.dropout(position_coded(x, mask, self.dim**0.5))


def _all_real(x: Tensor) -> Tensor:
    return torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
