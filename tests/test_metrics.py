"""Scores by hand and against scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from dmdlite.metrics import floors, sentiment_metrics

PREDICTION = np.array([2.4, -0.2, 0.0, -2.6, 3.9, 0.5, -1.5, 1.2, 0.1, -3.0])
TARGET = np.array([2.0, 0.2, 0.0, -3.0, 3.0, 1.0, -1.8, -1.0, 0.0, -2.0])


def test_by_hand():
    scores = sentiment_metrics(PREDICTION, TARGET)
    # Rounded to 7 classes: p 2 0 0 -3 3 0 -2 1 0 -3; y 2 0 0 -3 3 1 -2 -1 0 -2 -> 7 of 10.
    assert scores["acc7"] == pytest.approx(0.7)
    # To 5 classes both -3 and -2 become -2 -> 8 of 10.
    assert scores["acc5"] == pytest.approx(0.8)
    # Without the two zeros: wrong are -0.2 / 0.2 and 1.2 / -1.0 -> 6 of 8.
    assert scores["acc2"] == pytest.approx(6 / 8)
    # With zeros, 0.0 and 0.1 against 0 are right -> 8 of 10.
    assert scores["acc2_has_zero"] == pytest.approx(8 / 10)
    assert scores["mae"] == pytest.approx(
        (0.4 + 0.4 + 0 + 0.4 + 0.9 + 0.5 + 0.3 + 2.2 + 0.1 + 1) / 10
    )
    # Each class: three right, one missed, one false -> F1 = 2 * 3 / (2 * 3 + 2).
    assert scores["f1"] == pytest.approx(0.75)


numbers = st.floats(-4, 4).map(lambda x: round(x, 1))


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=30))
def test_against_scikit_learn(pairs):
    p, y = np.array(pairs).T
    scores = sentiment_metrics(p, y)
    classes = [np.round(np.clip(a, -3, 3)).astype(int) for a in (y, p)]
    assert scores["acc7"] == pytest.approx(sk.accuracy_score(*classes))
    assert scores["mae"] == pytest.approx(sk.mean_absolute_error(y, p))
    assert scores["f1_has_zero"] == pytest.approx(sk.f1_score(y >= 0, p >= 0, average="weighted"))
    keep = y != 0
    if keep.any():
        truth, guess = y[keep] > 0, p[keep] > 0
        assert scores["acc2"] == pytest.approx(sk.accuracy_score(truth, guess))
        assert scores["f1"] == pytest.approx(sk.f1_score(truth, guess, average="weighted"))
    else:
        assert np.isnan(scores["acc2"])
    assert -1 - 1e-9 <= scores["corr"] <= 1 + 1e-9


def test_f1_is_weighted_by_true_support():
    # Swapping prediction and target, as some released code does, gives another number.
    p, y = np.array([1.0, 1, 1, 1, -1]), np.array([1.0, -1, -1, 1, -1])
    # F1 of the positives 4/6, of the negatives 1/2; true support 2 and 3.
    assert sentiment_metrics(p, y)["f1"] == pytest.approx(0.4 * 4 / 6 + 0.6 / 2)
    assert sentiment_metrics(y, p)["f1"] == pytest.approx(0.8 * 4 / 6 + 0.2 / 2)


def test_numpy_rounding_is_half_to_even():
    assert sentiment_metrics([0.5, 1.5, 2.5], [0.0, 2.0, 2.0])["acc7"] == 1


def test_constant_prediction_has_zero_correlation():
    assert sentiment_metrics([1.0, 1.0], [0.0, 2.0])["corr"] == 0


def test_floors_by_hand():
    target = np.array([2.0, 2.2, 1.8, -1.0, 0.0])
    floor = floors(target)
    assert floor["acc7"] == pytest.approx(3 / 5)
    assert floor["acc2"] == pytest.approx(3 / 4)
    assert floor["acc2_has_zero"] == pytest.approx(4 / 5)
    assert floor["mae"] == pytest.approx((0.2 + 0.4 + 0 + 2.8 + 1.8) / 5)
    assert floor["corr"] == 0
    # Chosen on other labels, the constant may be a poor one.
    assert floors(target, reference=np.array([-1.0, -1.0, -2.0]))["acc2"] == pytest.approx(1 / 4)


def test_no_constant_beats_its_floor():
    target = np.random.default_rng(0).uniform(-3, 3, 200).round(1)
    floor = floors(target)
    for constant in np.linspace(-3, 3, 61):
        scores = sentiment_metrics(np.full(200, constant), target)
        for name in ("acc7", "acc5", "acc2", "acc2_has_zero"):
            assert scores[name] <= floor[name] + 1e-9
        assert scores["mae"] >= floor["mae"] - 1e-9


@pytest.mark.parametrize(
    ("p", "y", "message"),
    [
        ([1.0], [1.0, 2.0], "two equal vectors"),
        ([], [], "two equal vectors"),
        ([[1.0]], [[1.0]], "two equal vectors"),
        ([np.nan], [1.0], "prediction holds 1 NaN"),
        ([1.0], [np.inf], "target holds 1 NaN or inf"),
    ],
)
def test_bad_input(p, y, message):
    with pytest.raises(ValueError, match=message):
        sentiment_metrics(p, y)


def test_tensors_of_any_type_are_read():
    p, y = torch.tensor([0.5, -1.0, 2.0], requires_grad=True), torch.tensor([1.0, -1.0, 3.0])
    expected = sentiment_metrics([0.5, -1.0, 2.0], [1, -1, 3])
    assert sentiment_metrics(p, y) == sentiment_metrics(p.bfloat16(), y.half()) == expected
