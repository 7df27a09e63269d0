"""Whether an edge function says more than a linear one can (chapter 6, Section 7)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLIPS, FEATURES = 64, 16


def cycle(weights: Tensor) -> Tensor:
    """Weights [B, 3, 3], none of them 0 off the diagonal -> [B]: ln of w01 w12 w20 over
    w02 w21 w10, the two ways round a cycle.

    A linear g gives 0 in every clip: a teacher's part and a student's part cancel.
    """
    log = weights.detach().double().log()
    one_way = log[:, 0, 1] + log[:, 1, 2] + log[:, 2, 0]
    return one_way - (log[:, 0, 2] + log[:, 2, 1] + log[:, 1, 0])


def require_more_than_linear(unit_class: type[nn.Module], least: float = 0.01) -> None:
    """That a unit of width 16, as its constructor leaves it, prefers one way round a cycle, and
    not the same one by as much in every clip.

    Raises AssertionError where the preference's standard deviation over clips is below `least`,
    where half of the clips or more have a weight of 0, and where a second call gives other weights.
    """
    torch.manual_seed(0)
    unit, x = unit_class(FEATURES), 2 * torch.randn(CLIPS, 3, FEATURES)
    with torch.no_grad():
        weights, again = unit(x)[1], unit(x)[1]
    assert torch.equal(weights, again), "a second call with the same features gave other weights"
    whole = (weights + torch.eye(3) > 0).all(2).all(1)  # softmax rounds a weight below 1e-45 to 0
    assert whole.sum() > CLIPS / 2, (
        f"expected six weights above 0 in most clips, got them in {int(whole.sum())} of {CLIPS}; "
        "scores that lie a hundred apart leave one edge: make them smaller"
    )
    spread = float(cycle(weights[whole]).std())
    assert spread >= least, (
        f"ln of the ratio of the two ways round a cycle: expected it to differ by {least} or more "
        f"between clips, got {spread:.1e}; terms of one end, or alike in both directions, cancel"
    )
