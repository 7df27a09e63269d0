"""How large a difference a sample of people could show: a bootstrap over people, not over clips."""

import numpy as np
import power
import pytest


def test_a_difference_that_is_the_persons_is_as_unsure_as_the_people_are_few():
    people = np.repeat(np.arange(16), 25)
    habit = np.random.default_rng(0).normal(0, 0.3, 16)
    found = power.seen(habit[people], people)
    assert found["mean"] == pytest.approx(habit.mean())
    error = habit.std(ddof=1) / np.sqrt(16)
    assert found["within_by_video"] == pytest.approx(2.131 * error, rel=0.03)
    assert found["least_seen_by_video"] == pytest.approx((2.131 + 0.866) * error, rel=0.03)
    as_strangers = (1.966 + 0.843) * habit.std() / np.sqrt(400)
    assert found["least_seen_by_clip"] == pytest.approx(as_strangers, rel=0.03)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    people, rng = np.repeat(np.arange(16), 5), np.random.default_rng(1)
    held = 0
    for _ in range(200):
        found = power.seen(rng.normal(0, 0.3, 16)[people] + rng.normal(0, 1, 80), people)
        held += abs(found["mean"]) < found["within_by_video"]
    assert 0.90 <= held / 200 <= 0.99


def test_large_groups_weigh_as_much_as_their_clips():
    values, groups = np.array([1.0, 1.0, 1.0, -3.0]), np.array([0, 0, 0, 1])
    means = power.over_groups(values, groups)
    assert set(means.round(6)) == {-3.0, 0.0, 1.0}
    assert np.mean(means == 0) == pytest.approx(0.5, abs=0.03)
