"""Distances between distributions and between codes, as several baselines use them.

Samples are rows: x, y [N, d] -> a scalar. Like the margin loss, they look at a whole batch; rows
that do not count, of who lacks a modality, are named by `there` [N] bool. It weighs them by 0,
since picking rows would make the CPU wait for a GPU to say how many there are.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian_kernel(x: Tensor, y: Tensor, width: float) -> Tensor:
    """k(x, y) = exp(-|x - y|^2 / (2 width^2)): [N, d], [K, d] -> [N, K]."""
    square = (x[:, None, :] - y).square().sum(-1)
    return torch.exp(-square / (2 * width**2))


def weights(x: Tensor, there: Tensor | None) -> Tensor:
    """[N, 1]: what each row of x counts in a mean over those that are there; all 0 without one."""
    there = torch.ones(len(x), device=x.device) if there is None else there
    weight = there.to(torch.promote_types(x.dtype, torch.float32))[:, None]
    return weight / weight.sum().clamp(min=1)


def mmd(x: Tensor, y: Tensor, there: Tensor | None = None) -> Tensor:
    """Squared maximum mean discrepancy of two samples, Gaussian kernel of width sqrt(d); 0 or more.

    Gretton et al. 2012, the biased estimate: mean k(x, x') + mean k(y, y') - 2 mean k(x, y).
    Nobody there: 0.
    """
    width, w = x.shape[1] ** 0.5, weights(x, there)
    own = gaussian_kernel(x, x, width) + gaussian_kernel(y, y, width)
    return (w * (own - 2 * gaussian_kernel(x, y, width)) * w.T).sum()


def mmd_to_normal(x: Tensor, there: Tensor | None = None) -> Tensor:
    """The same between a sample and N(0, I), as MFM's code has it: the width is d / sqrt(2).

    That code draws a normal sample; here its means are taken in closed form. With s = width^2:
    E k(x, y) = (s / (s + 1))^(d/2) exp(-|x|^2 / (2 (s + 1))), E k(y, y') = (s / (s + 2))^(d/2).
    """
    d, w = x.shape[1], weights(x, there)
    s = d**2 / 2
    between = (s / (s + 1)) ** (d / 2) * torch.exp(-x.square().sum(1) / (2 * (s + 1)))
    normal = (s / (s + 2)) ** (d / 2) * w.sum()  # w.sum(): 1, or 0 where nobody is there
    own = (w * gaussian_kernel(x, x, s**0.5) * w.T).sum()
    return own + normal - 2 * (between * w[:, 0]).sum()


def cmd(x: Tensor, y: Tensor, there: Tensor | None = None, moments: int = 5) -> Tensor:
    """Central moment discrepancy (Zellinger et al. 2017): the distance of the means, plus that of
    every central moment from the second to the last. For values between 0 and 1."""
    w = weights(x, there)
    mean_x, mean_y = (w * x).sum(0), (w * y).sum(0)
    total = _norm(mean_x - mean_y)
    for k in range(2, moments + 1):
        total = total + _norm((w * ((x - mean_x).pow(k) - (y - mean_y).pow(k))).sum(0))
    return total


def _norm(x: Tensor) -> Tensor:
    """Euclidean length, with gradient 0 at 0."""
    square = x.square().sum()
    return torch.where(square > 0, square, 1.0).sqrt() * (square > 0)


def cross_correlation(x: Tensor, y: Tensor, there: Tensor | None = None) -> Tensor:
    """MISA's difference loss: columns centred, rows scaled to length 1, mean of (x^T y)^2.

    0 where no direction of x goes with one of y, and where fewer than two rows are there.
    """
    w = weights(x, there)
    x, y = (F.normalize((v - (w * v).sum(0)) * (w > 0), dim=1, eps=1e-6) for v in (x, y))
    return (x.T @ y).square().mean()
