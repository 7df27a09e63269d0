"""Padded arrays to ragged data sets: what is real, where a clip starts, what is counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmdlite import DataError
from dmdlite.data.padding import from_padded


def test_from_padded_detects_real_steps_and_counts_repairs():
    a = np.zeros((3, 5, 2))
    a[0, 2:4] = 1  # padded on both sides
    a[1, 4] = [np.nan, -np.inf]  # nothing but damage: becomes 0, so no real step
    a[2, :] = 2
    b = np.zeros((3, 5, 1))
    b[0, 1] = 1  # one step before a's first
    b[2, [0, 4]] = 3  # a gap
    data, repaired = from_padded({"a": a, "b": b}, np.array([1.0, 0.0, -1.0]), "uvw", "demo")
    assert repaired == {
        "a": {"not_finite": 2, "left": 2, "right": 1, "gaps": 0, "padding": 0},
        "b": {"not_finite": 0, "left": 1, "right": 3, "gaps": 3, "padding": 0},
    }
    assert data.lengths("a").tolist() == [2, 0, 5]
    assert data.steps["a"].tolist() == [1, 2, 0, 1, 2, 3, 4]
    assert data.steps["b"].tolist() == [0, 0, 4]
    assert data.present.tolist() == [[True, True], [False, False], [True, True]]
    with pytest.raises(DataError, match=r"a has shape \(3, 5\), expected \(3, T, D\)"):
        from_padded({"a": a[..., 0]}, np.zeros(3), "uvw", "demo")


def test_without_trimming_a_clip_starts_at_step_0():
    x = np.zeros((2, 4, 1))
    x[0, 2:] = 1
    x[1, [0, 3]] = 1
    data, repaired = from_padded({"a": x}, np.zeros(2), "uv", "demo", trim=False)
    assert data.steps["a"].tolist() == [2, 3, 0, 3]
    assert repaired["a"] == {"not_finite": 0, "right": 0, "gaps": 4, "padding": 0}


def test_unaligned_clips_start_each_at_their_own_first_step():
    a, b = np.zeros((1, 4, 1)), np.zeros((1, 6, 1))
    a[0, 2:], b[0, 5] = 1, 1
    data, _ = from_padded({"a": a, "b": b}, np.zeros(1), "u", "demo", aligned=False)
    assert (data.steps["a"].tolist(), data.steps["b"].tolist()) == ([0, 1], [0])
    with pytest.raises(DataError, match="must have the same T"):
        from_padded({"a": a, "b": b}, np.zeros(1), "u", "demo")


def padded(lengths, time=8, front=False, width=2):
    """Clips [N, T, D] whose step t of clip i holds 10 i + t + 1, on either side of zeros."""
    x = np.zeros((len(lengths), time, width), np.float32)
    for i, n in enumerate(lengths):
        first = time - n if front else 0
        x[i, first : first + n] = (10 * i + np.arange(n) + 1)[:, None]
    return x


def convert(x, lengths, **options):
    n = len(x)
    ids = [f"clip{i}" for i in range(n)]
    features, known = {"a": x, "b": np.ones((n, 1, 1))}, {"a": lengths}
    return from_padded(features, np.zeros(n), ids, "x", lengths=known, aligned=False, **options)


@pytest.mark.parametrize("front", [False, True])
def test_lengths_say_how_many_and_the_zeros_say_where(front):
    lengths = np.array([3, 8, 1, 0, 7])
    data, repairs = convert(padded(lengths, front=front), lengths)
    assert data.lengths("a").tolist() == lengths.tolist()
    for i, n in enumerate(lengths):
        found = data.values["a"][data.offsets["a"][i] : data.offsets["a"][i + 1], 0]
        assert found.tolist() == [10 * i + t + 1 for t in range(n)]
    removed = int((8 - lengths)[lengths > 0].sum())
    assert repairs["a"]["left" if front else "right"] == removed


@given(st.data())
def test_sides_may_differ_from_clip_to_clip(data):
    lengths = np.array(data.draw(st.lists(st.integers(0, 8), min_size=1, max_size=6)))
    sides = data.draw(st.lists(st.booleans(), min_size=len(lengths), max_size=len(lengths)))
    both = [padded(lengths, front=side) for side in (False, True)]
    x = np.stack([both[side][i] for i, side in enumerate(sides)])
    assert convert(x, lengths)[0].lengths("a").tolist() == lengths.tolist()


def test_lengths_that_fit_neither_side_are_refused():
    x = padded(np.array([3, 6]))
    x[1] = 0
    x[1, 1:6] = np.arange(5, 10)[:, None]  # five steps in the middle, and a length of four
    with pytest.raises(DataError, match="a: clip1 has 4 of 8 steps by its length, but steps"):
        convert(x, np.array([3, 4]))
    assert convert(x, np.array([3, 7]))[0].lengths("a").tolist() == [3, 5]  # one zero inside


def test_a_mask_says_which_steps_are_real():
    x, mask = np.ones((2, 4, 2)), np.zeros((2, 4), bool)  # a tokenizer's padding is not zero
    mask[0, :3] = mask[1, 2:] = True
    data, repairs = convert(x, mask)
    assert data.lengths("a").tolist() == [3, 2]
    assert repairs["a"]["padding"] == 3
    x[1, 3] = 0
    with pytest.raises(DataError, match="clip1 has zeros inside its mask and non-zero steps out"):
        convert(x, mask)


@pytest.mark.parametrize("front", [False, True])
def test_padding_that_was_standardised_is_all_alike(front):
    lengths = np.array([3, 8, 1, 7])
    x = (padded(lengths, front=front) - 5) / 3  # zeros became -5/3
    data, repairs = convert(x, lengths)
    assert data.lengths("a").tolist() == lengths.tolist()
    assert data.values["a"][0, 0] == pytest.approx((1 - 5) / 3)
    assert repairs["a"]["padding"] == (8 - lengths).sum()
    with pytest.raises(DataError, match="steps that are neither zero nor all alike"):
        convert(x[3:], lengths[3:])  # one step outside: nobody knows on which side
