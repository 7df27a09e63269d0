"""The chapter on the field: its checks refuse wrong answers, its ranking is what the rows say."""

from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
import torch

from dmdlite.baselines.tfn import outer_product
from dmdlite.experiments.results import load_rows
from tests.chapters import chapter

FIELD = chapter("13_the_field")


def svd(weights):
    return torch.linalg.svd(weights, full_matrices=False)


def scaled_twice(weights, rank):
    u, s, vh = svd(weights)
    return u[:, :rank] * s[:rank], vh[:rank].T * s[:rank]


def rows_for_columns(weights, rank):
    u, s, vh = svd(weights)
    return u[:, :rank] * s[:rank], vh[:rank]


def smallest_first(weights, rank):
    u, s, vh = svd(weights)
    return u[:, -rank:] * s[-rank:], vh[-rank:].T


def first_columns(weights, rank):
    """Keeps the first columns of W as they are: right at full rank only."""
    q = weights.shape[1]
    return weights[:, :rank], torch.eye(q)[:, :rank]


def at_full_rank(weights, rank):
    u, s, vh = svd(weights)
    return u * s, vh.T


def drawn_apart(a, b, draws=2000, seed=0):
    rng = np.random.default_rng(seed)
    picks = rng.integers(len(a), size=(2, draws, len(a)))
    return float((a[picks[0]].mean(1) < b[picks[1]].mean(1)).mean())


def by_clip(a, b, draws=2000, seed=0):
    """The share of clips on which A is ahead."""
    return float((a < b).mean())


def without_replacement(a, b, draws=2000, seed=0):
    rng = np.random.default_rng(seed)
    picks = [rng.permutation(len(a)) for _ in range(50)]
    return float(np.mean([a[p].mean() < b[p].mean() - 1e-9 for p in picks]))


def other_way_round(a, b, draws=2000, seed=0):
    rng = np.random.default_rng(seed)
    picks = rng.integers(len(a), size=(draws, len(a)))
    return float((a[picks].mean(1) > b[picks].mean(1)).mean())


def with_half_the_clips(a, b, draws=2000, seed=0):
    rng = np.random.default_rng(seed)
    picks = rng.integers(len(a), size=(draws, len(a) // 8))
    return float((a[picks].mean(1) < b[picks].mean(1)).mean())


def products(vectors, pairs):
    return [(a[:, :, None] * b[:, None, :]).flatten(1) for a, b in pairs]


def with_a_constant(vectors):
    ones = torch.ones(len(vectors[0]), 1)
    return torch.cat([ones, *vectors, *products(vectors, combinations(vectors, 2))], 1)


def pairs_alone(vectors):
    return torch.cat(products(vectors, combinations(vectors, 2)), 1)


def neighbours(vectors):
    return torch.cat([*vectors, *products(vectors, pairwise(vectors))], 1)


def with_squares(vectors):
    every = [(a, b) for i, a in enumerate(vectors) for b in vectors[i:]]
    return torch.cat([*vectors, *products(vectors, every)], 1)


def all_orders(vectors):
    ones = torch.ones(len(vectors[0]), 1)
    return outer_product([torch.cat([ones, v], 1) for v in vectors])[:, 1:]


def entry_by_entry(vectors):
    least = min(v.shape[1] for v in vectors)
    pairs = [a[:, :least] * b[:, :least] for a, b in combinations(vectors, 2)]
    return torch.cat([*vectors, *pairs], 1)


WRONG = {
    "check_factors": (scaled_twice, rows_for_columns, smallest_first, first_columns, at_full_rank),
    "check_ahead": (
        drawn_apart,
        by_clip,
        without_replacement,
        other_way_round,
        with_half_the_clips,
    ),
    "check_pairwise": (
        with_a_constant,
        pairs_alone,
        neighbours,
        with_squares,
        all_orders,
        entry_by_entry,
    ),
}


@pytest.mark.parametrize(
    ("check", "answer"),
    [(check, answer) for check, answers in WRONG.items() for answer in answers],
    ids=lambda x: x if isinstance(x, str) else x.__name__,
)
def test_wrong_answers_are_refused(check, answer, capsys):
    FIELD["attempt"](FIELD[check], answer)
    assert capsys.readouterr().out.startswith("not yet: ")


@pytest.mark.parametrize("data", ["toy", "mmmo-5folds", "mosi400_aligned-5folds"])
def test_the_ranking_is_of_the_rows(data):
    """Means of the committed ranking are those of the committed rows."""
    rows, ranks = load_rows(data, "table1"), load_rows(data, "table1_ranks")
    means = rows.groupby("system")["mae"].mean()
    found = ranks.set_index("system")["mae"]
    pd.testing.assert_series_equal(
        found.sort_index(), means.sort_index(), check_names=False, atol=1e-4
    )
    assert ranks["mae"].is_monotonic_increasing
    assert (ranks["rank_low"] <= ranks["rank"]).all()
    assert (ranks["rank"] <= ranks["rank_high"]).all()


@pytest.mark.parametrize("data", ["toy", "toy-draws", "mmmo-5folds", "mosi400_aligned-5folds"])
def test_the_chosen_settings_have_the_lowest_validation_error(data):
    chosen = load_rows(data, "table1_chosen")
    search = pd.concat([load_rows(data, "search"), load_rows(data, "search_yardsticks")])
    each = ["system", "draw"]
    assert search.groupby(each).size().eq(4).all()
    search = search[search["system"].isin(chosen["system"])].reset_index()
    best = search.loc[search.groupby(each)["valid_mae"].idxmin()]
    best = best.set_index(each)
    columns = ["dim", "learning_rate", "dropout"]
    found = chosen.set_index(each)[columns].sort_index().astype(float)
    pd.testing.assert_frame_equal(found, best[columns].sort_index().astype(float))
