"""Distances between distributions and between codes, as several baselines use them.

Samples are rows: x [N, d], y [K, d] -> a scalar. Like the margin loss, they look at a whole batch.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian_kernel(x: Tensor, y: Tensor, width: float) -> Tensor:
    """k(x, y) = exp(-|x - y|^2 / (2 width^2)): [N, d], [K, d] -> [N, K]."""
    square = (x[:, None, :] - y).square().sum(-1)
    return torch.exp(-square / (2 * width**2))


def mmd(x: Tensor, y: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of two samples, Gaussian kernel of width sqrt(d); 0 or more.

    Gretton et al. 2012, the biased estimate: mean k(x, x') + mean k(y, y') - 2 mean k(x, y).
    """
    width = x.shape[1] ** 0.5
    own = gaussian_kernel(x, x, width).mean() + gaussian_kernel(y, y, width).mean()
    return own - 2 * gaussian_kernel(x, y, width).mean()


def mmd_to_normal(x: Tensor) -> Tensor:
    """The same between a sample and N(0, I), as MFM's code has it: the width is d / sqrt(2).

    That code draws a normal sample; here its means are taken in closed form. With s = width^2:
    E k(x, y) = (s / (s + 1))^(d/2) exp(-|x|^2 / (2 (s + 1))), E k(y, y') = (s / (s + 2))^(d/2).
    No rows: 0.
    """
    d = x.shape[1]
    if not len(x):
        return x.sum()
    s = d**2 / 2
    between = (s / (s + 1)) ** (d / 2) * torch.exp(-x.square().sum(1) / (2 * (s + 1)))
    normal = (s / (s + 2)) ** (d / 2)
    return gaussian_kernel(x, x, s**0.5).mean() + normal - 2 * between.mean()


def cmd(x: Tensor, y: Tensor, moments: int = 5) -> Tensor:
    """Central moment discrepancy (Zellinger et al. 2017): the distance of the means, plus that of
    every central moment from the second to the last. For values between 0 and 1."""
    mean_x, mean_y = x.mean(0), y.mean(0)
    total = _norm(mean_x - mean_y)
    for k in range(2, moments + 1):
        total = total + _norm((x - mean_x).pow(k).mean(0) - (y - mean_y).pow(k).mean(0))
    return total


def _norm(x: Tensor) -> Tensor:
    """Euclidean length, with gradient 0 at 0."""
    square = x.square().sum()
    return torch.where(square > 0, square, 1.0).sqrt() * (square > 0)


def cross_correlation(x: Tensor, y: Tensor) -> Tensor:
    """MISA's difference loss: columns centred, rows scaled to length 1, mean of (x^T y)^2.

    x, y [N, d]; 0 where no direction of x goes with one of y. Fewer than two rows: 0.
    """
    if len(x) < 2:
        return x.new_zeros(())
    x, y = (F.normalize(v - v.mean(0), dim=1, eps=1e-6) for v in (x, y))
    return (x.T @ y).square().mean()
