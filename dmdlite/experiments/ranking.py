"""Who is ahead of whom, and how sure that is (Chapter 13)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import rankdata

LEVELS = (0.05, 0.95)  # of the intervals
DRAWS = 2000


def rank_intervals(errors: Mapping[str, np.ndarray], seed: int = 0) -> pd.DataFrame:
    """Mean error and rank of every system, each with a 90 % bootstrap interval.

    errors: system -> [seeds, N] absolute errors, the same N samples for all (or [draws of the data,
    N], each draw its own). Every resample takes samples, and seeds, with replacement: the same for
    all systems, so that what is hard for all does not count as a difference. Sorted by mean error.
    Columns: system, mae, mae_low, mae_high, rank (1 is the lowest error), rank_low, rank_high,
    first (share of resamples in which it leads).
    """
    names = list(errors)
    stacked = np.stack([errors[name] for name in names])  # [systems, seeds, N]
    _, seeds, samples = stacked.shape
    rng = np.random.default_rng(seed)
    by_sample = rng.multinomial(samples, np.full(samples, 1 / samples), DRAWS) / samples
    by_seed = rng.multinomial(seeds, np.full(seeds, 1 / seeds), DRAWS) / seeds
    drawn = np.einsum("ksn,ds,dn->dk", stacked, by_seed, by_sample, optimize=True)  # [draws, k]
    ranks = rankdata(drawn, axis=1, method="min")
    mean = stacked.mean((1, 2))
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
