"""The scores chapter: its code against dmdlite, its checks against right and wrong answers."""

import numpy as np
import pytest

from dmdlite.metrics import floors, sentiment_metrics
from tests.chapters import chapter

NAME = "02_keeping_score"


@pytest.fixture(scope="module")
def ns():
    return chapter(NAME)


def test_the_chapters_scores_are_dmdlites(ns):
    rng = np.random.default_rng(0)
    for _ in range(20):
        p, y = rng.normal(scale=2, size=30), rng.normal(scale=2, size=30).round()
        truth = sentiment_metrics(p, y)
        assert ns["corr"](p, y) == pytest.approx(truth["corr"])
        assert ns["acc2"](p, y) == pytest.approx(truth["acc2"])
        for limit, name in ((3, "acc7"), (2, "acc5")):
            agree = ns["classes"](p, limit) == ns["classes"](y, limit)
            assert np.mean(agree) == pytest.approx(truth[name])


def test_intervals_hold_the_score_and_narrow_with_more_clips(ns):
    rng = np.random.default_rng(0)
    y = rng.normal(size=800)
    p = y + rng.normal(size=800)
    widths = []
    for n in (200, 800):
        low, middle, high = ns["interval"](ns["acc2"], p[:n], y[:n])
        assert low < middle < high
        widths.append(high - low)
    assert widths[1] < 0.7 * widths[0]


def test_exercise_one_by_running_it():
    labels = np.repeat([-1.0, 0.0, 1.0], [379, 30, 277])
    scores = sentiment_metrics(np.full(686, 0.001), labels)
    found = [scores[k] for k in ("acc2", "acc2_has_zero", "acc7", "corr")]
    assert found == pytest.approx([0.422, 0.448, 0.044, 0.0], abs=5e-4)


def positive_only(p, y):
    hit = ((p >= 0) & (y >= 0)).sum()
    return np.mean((p >= 0) == (y >= 0)), 2 * hit / ((p >= 0).sum() + (y >= 0).sum())


def weighted_by_prediction(p, y):
    return sentiment_metrics(y, p)["acc2_has_zero"], sentiment_metrics(y, p)["f1_has_zero"]


def strictly_behind(a, b, y, resamples=2000, seed=0):
    rows = np.random.default_rng(seed).integers(0, len(y), (resamples, len(y)))
    right = [((m > 0) == (y > 0))[rows].mean(1) for m in (a, b)]
    return float(np.mean(right[0] < right[1]))


def missing_ones_counted(logits, present, labels):
    floor = floors(labels)["acc2"]
    return [{**sentiment_metrics(x, labels), "floor": floor} for x in logits.T]


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        ("check_has_zero", positive_only),
        ("check_has_zero", weighted_by_prediction),
        ("check_share", strictly_behind),
        ("check_share", lambda a, b, y: 0.0),
        ("check_unimodal", missing_ones_counted),
    ],
)
def test_wrong_answers_are_refused(ns, capsys, check, answer):
    ns["attempt"](ns[check], answer)
    assert capsys.readouterr().out.startswith("not yet: ")
