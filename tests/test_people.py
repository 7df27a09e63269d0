"""What a sample of people can show: over people and shuffles, not over clips."""

import numpy as np
import people
import pytest
from scipy.stats import t


def test_a_difference_that_is_the_persons_is_as_unsure_as_the_people_are_few():
    who = np.repeat(np.arange(16), 25)
    habit = np.random.default_rng(0).normal(0, 0.3, 16)
    found = people.seen(np.stack([habit[who]] * 5), who)
    error = habit.std(ddof=1) / np.sqrt(16)
    assert found["mean"] == pytest.approx(habit.mean())
    assert found["within_shuffles"] == pytest.approx(0)
    assert found["within_groups"] == pytest.approx(t.ppf(0.975, 15) * error, rel=0.03)
    assert found["within_all"] == pytest.approx(found["within_groups"], rel=1e-6)
    assert found["least_seen"] == pytest.approx((2.131 + 0.866) * error, rel=0.03)
    as_strangers = t.ppf(0.975, 399) * habit.std() / np.sqrt(400)
    assert found["within_clips"] == pytest.approx(as_strangers, rel=0.05)


def test_a_difference_that_is_the_shuffles_is_as_unsure_as_they_are_few():
    shuffles = np.array([0.1, -0.2, 0.3, 0.0, 0.2])
    found = people.seen(np.repeat(shuffles[:, None], 80, 1), np.repeat(np.arange(16), 5))
    expected = t.ppf(0.975, 4) * shuffles.std(ddof=1) / np.sqrt(5)
    assert found["within_groups"] == pytest.approx(0, abs=1e-9)
    assert found["within_all"] == pytest.approx(expected)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    who, rng = np.repeat(np.arange(16), 5), np.random.default_rng(1)
    held = {"within_all": 0, "within_groups": 0}
    for _ in range(150):
        person, shuffle = rng.normal(0, 0.3, 16)[who], rng.normal(0, 0.2, (5, 1))
        found = people.seen(person + shuffle + rng.normal(0, 0.5, (5, 80)), who)
        for kind in held:
            held[kind] += abs(found["mean"]) < found[kind]
    assert 0.91 <= held["within_all"] / 150 <= 0.99
    assert held["within_groups"] / 150 < 0.92  # shuffles are left out


def test_few_groups_are_not_taken_for_more_alike_than_they_are():
    habit = np.array([-1.0, 0.0, 1.0])
    found = people.seen(np.stack([habit] * 5), np.arange(3))
    assert found["within_groups"] == pytest.approx(t.ppf(0.975, 2) * 1 / np.sqrt(3), rel=0.05)


def test_large_groups_weigh_as_much_as_their_clips():
    values, groups = np.array([1.0, 1.0, 1.0, -3.0]), np.array([0, 0, 0, 1])
    means = people.over_groups(values, groups)
    assert set(means.round(6)) == {-3.0, 0.0, 1.0}
    assert np.mean(means == 0) == pytest.approx(0.5, abs=0.03)


def test_within_groups_a_habit_says_nothing_and_a_reading_all():
    rng, who = np.random.default_rng(0), np.repeat(np.arange(8), 10)
    habit, moment = rng.normal(size=8)[who], rng.normal(size=80)
    truth = habit + moment
    assert abs(people.within(habit + 1e-9 * rng.normal(size=80), truth, who)) < 0.35
    assert people.within(habit + moment, truth, who) == pytest.approx(1)
    assert people.within(moment, truth, who) == pytest.approx(1)
