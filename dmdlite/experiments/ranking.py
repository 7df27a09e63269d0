"""Who is ahead of whom, and how sure that is (Chapter 13)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

LEVELS = (0.05, 0.95)  # of the intervals
DRAWS = 2000


def rank_intervals(
    errors: Mapping[str, Sequence[np.ndarray]],
    groups: Sequence[Sequence[Hashable]] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Mean error and rank of every system, each with a 90 % bootstrap interval.

    errors: system -> a seed [N] absolute errors, the same N samples for all (or a draw of the data
    [N], each draw its own). groups: the group of each of them, the video say, a seed; by default
    each sample is one of its own. Every resample takes whole groups, and seeds, with replacement:
    the same for all systems, so that what is hard for all does not count as a difference. Sorted by
    mean error. Columns: system, mae, mae_low, mae_high, rank (1 is the lowest error), rank_low,
    rank_high, first (share of resamples in which it leads).
    """
    names = list(errors)
    by_seed = [np.stack(found) for found in zip(*errors.values(), strict=True)]  # [systems, N]
    units = [tuple(g) for g in groups or [range(found.shape[1]) for found in by_seed]]
    rng = np.random.default_rng(seed)
    weights = {unit: resampled(unit, rng) for unit in dict.fromkeys(units)}
    times = resampled(range(len(by_seed)), rng)
    parts = [weights[unit] @ found.T for unit, found in zip(units, by_seed, strict=True)]
    drawn = np.einsum("sdk,ds->dk", np.stack(parts), times)  # [draws, systems]
    ranks = rankdata(drawn.round(12), axis=1, method="min")  # equal errors are a tie
    mean = np.mean([found.mean(1) for found in by_seed], axis=0)
    low, high = np.quantile(drawn, LEVELS, axis=0)
    rank_low, rank_high = np.quantile(ranks, LEVELS, axis=0, method="nearest")
    table = pd.DataFrame(
        {
            "system": names,
            "mae": mean,
            "mae_low": low,
            "mae_high": high,
            "rank": rankdata(mean, method="min"),
            "rank_low": rank_low,
            "rank_high": rank_high,
            "first": (ranks == 1).mean(0),
        }
    )
    whole = ["rank", "rank_low", "rank_high"]
    return table.astype(dict.fromkeys(whole, int)).sort_values("mae", ignore_index=True)


def resampled(groups: Sequence[Hashable], rng: np.random.Generator) -> np.ndarray:
    """[DRAWS, N] what each sample counts in each resample of whole groups [N]; rows sum to 1."""
    names, member = np.unique(groups, return_inverse=True)
    times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)[:, member]
    return times / times.sum(1, keepdims=True)
