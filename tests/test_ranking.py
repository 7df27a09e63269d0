"""Rank intervals: what is sure is sure, what is chance is not, and tables say so."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel

import dmdlite
from dmdlite.data.groups import groups_of, groups_tested_on
from dmdlite.experiments.comparison import FAMILIES, comparison, cost_table, rank_table, ranks
from dmdlite.experiments.formatting import NONE, shown_p, values
from dmdlite.experiments.ranking import rank_intervals
from dmdlite.experiments.study import Study
from dmdlite.experiments.sweep import plan, sweep
from dmdlite.experiments.systems import SYSTEMS, TABLE_1
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
        errors = {"a": np.stack([shared] * 3), "b": np.stack([shared] * 3)}
        found = rank_intervals(errors, seed=trial)
        covered += found["mae_low"][0] <= 2 <= found["mae_high"][0]
    assert 80 <= covered <= 98


def test_clips_of_one_video_are_one_observation():
    """Twenty clips a video that all err alike: the interval is as wide as that of the videos."""
    rng = np.random.default_rng(3)
    by_video = rng.gamma(2, size=(3, 15))
    videos = np.repeat(np.arange(15), 20)
    by_clip = {"a": np.repeat(by_video, 20, axis=1), "b": np.repeat(by_video + 1, 20, axis=1)}
    whole = rank_intervals(by_clip, [videos] * 3)
    expected = rank_intervals({"a": by_video, "b": by_video + 1})
    pd.testing.assert_frame_equal(whole, expected)
    apart = rank_intervals(by_clip)
    width = lambda found: (found["mae_high"] - found["mae_low"]).iloc[0]  # noqa: E731
    assert width(whole) > 1.5 * width(apart)  # the seeds' share is in both


def test_draws_may_differ_in_size_and_large_videos_count_by_their_clips():
    errors = {"a": [np.array([1.0, 1, 4]), np.array([2.0, 2])], "b": [np.ones(3) * 5, np.ones(2)]}
    found = rank_intervals(errors, [("x", "x", "y"), ("x", "x")]).set_index("system")
    assert found["mae"].to_dict() == {"a": 2.0, "b": 3.0}  # every draw counts alike
    # Draw 1 is x alone (1), y alone (4) or both (2), in 1, 1 and 2 of 4 cases; draw 2 is always 2.
    # So of both: 1 in 1/16, 1.5 in 1/8, 2 in 5/8, 3 in 1/8, 4 in 1/16.
    assert found.loc["a", ["mae_low", "mae_high"]].tolist() == [1.0, 4.0]


@pytest.mark.parametrize(("folds", "draws"), [(0, True), (0, False), (3, True)])
def test_videos_that_ids_name_are_resampled_whole(toy, tmp_path, folds, draws):
    """Drawn again, they are of unequal size."""
    named = {
        split: replace(data, ids=tuple(f"{split}{i // 5}[{i % 5}]" for i in range(len(data))))
        for split, data in toy.items()
    }
    dmdlite.save_dataset(tmp_path / "named", named, source="a test")
    study = Study(str(tmp_path / "named"), folds=folds, training=(("epochs", 1),), device="cpu")
    own = plan(study, lambda _: [SYSTEMS["ridge"], SYSTEMS["MLP"]], 3, draws)
    rows = pd.DataFrame(sweep(own, tmp_path / "runs", 1, progress=False))
    found = ranks(own, tmp_path / "runs")
    assert found.set_index("system")["mae"].to_dict() == pytest.approx(
        rows.groupby("system")["mae"].mean().to_dict()
    )
    caption = rank_table(found, rows.assign(parameters=1)).caption
    assert f"over groups of test samples and {'draws' if draws else 'seeds'}." in caption


def test_tested_groups(toy):
    """A part's ids are read with the others': here one video a clip, and two in all."""
    ids = ("a_1", "a_2", "b_1"), ("b_2",), ("a_3", "b_3")
    splits = {
        split: replace(toy["train"].subset(range(len(own))), ids=own)
        for split, own in zip(("train", "valid", "test"), ids, strict=True)
    }
    assert groups_of(splits["test"]) == ()
    assert groups_tested_on(splits) == ("a", "b")
    on_record = splits | {"test": replace(splits["test"], groups=("x", "x"))}
    assert groups_tested_on(on_record) == ("x", "x")
    assert groups_tested_on({"all": splits["train"]}) == ()  # whose folds are by clip
    assert groups_tested_on(toy) == ()


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
    ranking = ranking.assign(resampled="test samples")
    best = lines(rank_table(ranking, rows))["1"]
    assert (best["system"], best["first (%)"]) == ("linear", "100")


def test_captions_say_where_nothing_was_searched():
    rows = planted(systems=TABLE_1).assign(parameters=1234.0, seconds=2.5, epochs=7)
    chosen = pd.DataFrame({"system": ["TFN"], "draw": 0, "dim": 16}).assign(
        learning_rate=5e-4, dropout=0.4
    )
    for table in (comparison(rows, 1, False), cost_table(rows, chosen, False)):
        assert "default" in table.caption
        assert "searched alike" not in table.caption
        assert "search chose" not in table.caption


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
