"""Rank intervals: what is sure is sure, what is chance is not, and tables say so."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from dmdlite.experiments.comparison import FAMILIES, comparison, cost_table, rank_table
from dmdlite.experiments.formatting import NONE, shown_p, values
from dmdlite.experiments.ranking import rank_intervals
from dmdlite.experiments.systems import TABLE_1
from dmdlite.registry import MODELS
from tests.test_tables import lines, planted


def test_a_system_ahead_on_every_sample_is_first_for_sure():
    hard = np.random.default_rng(0).gamma(2, size=(3, 200))
    found = rank_intervals({"worse": hard + 0.1, "best": hard, "worst": hard + 0.2})
    assert found["system"].tolist() == ["best", "worse", "worst"]
    for column in ("rank", "rank_low", "rank_high"):
        assert found[column].tolist() == [1, 2, 3]
    assert found["first"].tolist() == [1, 0, 0]
    assert found["mae"].tolist() == pytest.approx(hard.mean() + np.array([0, 0.1, 0.2]))
    assert (found["mae_high"] - found["mae_low"] > 0.1).all()  # hard samples, for all of them


def test_alike_systems_share_the_ranks():
    rng = np.random.default_rng(1)
    errors = {name: rng.gamma(2, size=(5, 400)) for name in "abcd"}
    found = rank_intervals(errors)
    assert found["rank_low"].max() <= 2
    assert found["rank_high"].min() >= 3
    assert found["first"].sum() == pytest.approx(1, abs=0.01)


def test_intervals_cover_as_often_as_they_say():
    """Over many data sets, the true mean 2 lies in nine of ten intervals, or nearly."""
    rng = np.random.default_rng(2)
    covered = 0
    for trial in range(100):
        shared = rng.gamma(2, size=200)
        found = rank_intervals({"a": np.stack([shared] * 3), "b": np.stack([shared] * 3)}, trial)
        covered += found["mae_low"][0] <= 2 <= found["mae_high"][0]
    assert 80 <= covered <= 98


@given(seed=st.integers(0, 50), seeds=st.integers(1, 4))
def test_order_of_the_systems_does_not_matter(seed, seeds):
    rng = np.random.default_rng(seed)
    errors = {name: rng.gamma(2, size=(seeds, 30)) for name in "abc"}
    turned = dict(reversed(errors.items()))
    pd.testing.assert_frame_equal(rank_intervals(errors), rank_intervals(turned))


def test_the_comparison_has_fourteen_systems_and_both_settings():
    errors = (1.5, 1.1, 1.4)
    rows = planted(systems=TABLE_1, mae={"TFN": errors})
    table = lines(comparison(rows, 1))
    assert list(table) == [*TABLE_1, "DMD*", "floor"]
    assert len(MODELS) == 14
    assert table["DMD"]["ACC7, paper"] == "41.4 / 41.9"
    assert table["MISA"]["ACC2, paper"] == "83.4* / –"
    assert table["MICA"]["F1, paper"] == "– / 82.7"
    assert table["DMD*"]["ACC7, paper"] == "45.6 / –"
    assert table["DMD*"]["MAE, ours"] == table["ridge"]["F1, paper"] == NONE
    assert table["Graph-MFN"]["ACC7, paper"] == NONE  # MOSEI only
    assert lines(comparison(rows, 2))["Graph-MFN"]["ACC7, paper"] == "45.0 / –"
    assert table["DMD"]["p (Holm)"] == table["DMD"]["MAE − DMD's, 95 %"] == NONE
    p = ttest_rel(errors, values(rows, "DMD", "mae")).pvalue
    assert table["TFN"]["p (Holm)"] == shown_p(p)


def test_cost_and_ranks_in_tables():
    rows = planted(systems=TABLE_1).assign(parameters=1234.0, seconds=2.5, epochs=7)
    chosen = pd.DataFrame(
        {"system": list(MODELS), "draw": 0, "dim": 16, "learning_rate": 5e-4, "dropout": 0.4}
    )
    table = lines(cost_table(rows, chosen))
    assert table["TFN"]["parameters"] == "1,234"
    assert table["TFN"]["learning rate"] == "0.0005"
    assert table["ridge"]["width"] == table["ridge"]["epochs"] == NONE
    ranking = rank_intervals({s: np.full((2, 3), k) for k, s in enumerate(TABLE_1)})
    best = lines(rank_table(ranking, rows))["1"]
    assert (best["system"], best["first (%)"]) == ("linear", "100")


def test_what_every_draw_chose_is_counted():
    rows = planted(systems=("TFN",)).assign(seconds=2.5, epochs=7)
    rows["parameters"] = [1000.0 if seed else 2000.0 for seed in rows["seed"]]
    picked = [16] + [32] * (len(rows) - 1)
    chosen = pd.DataFrame({"system": "TFN", "draw": rows["seed"], "dim": picked})
    chosen = chosen.assign(learning_rate=5e-4, dropout=np.nan)
    table = cost_table(rows, chosen)
    own = lines(table)["TFN"]
    assert own["parameters"] == "1,000 – 2,000"
    assert own["width"] == f"32 ({len(rows) - 1}), 16 (1)"
    assert (own["learning rate"], own["dropout"]) == ("0.0005", NONE)
    assert f"chose in so many of {len(rows)} draws" in table.caption
    one = cost_table(rows[rows["seed"] == 0], chosen[chosen["draw"] == 0])
    assert "chose on seed 0." in one.caption
    assert lines(one)["TFN"]["width"] == "16"


def test_every_system_has_one_family():
    assert set(FAMILIES) == set(TABLE_1)
    assert len(set(FAMILIES.values())) == 7
