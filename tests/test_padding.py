"""Padded arrays to ragged data sets: what is real, where a clip starts, what is counted."""

import numpy as np
import pytest

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
        "a": {"not_finite": 2, "left": 2, "right": 1, "gaps": 0, "beyond": 0},
        "b": {"not_finite": 0, "left": 1, "right": 3, "gaps": 3, "beyond": 0},
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
    assert repaired["a"] == {"not_finite": 0, "right": 0, "gaps": 4, "beyond": 0}


def test_unaligned_clips_start_each_at_their_own_first_step():
    a, b = np.zeros((1, 4, 1)), np.zeros((1, 6, 1))
    a[0, 2:], b[0, 5] = 1, 1
    data, _ = from_padded({"a": a, "b": b}, np.zeros(1), "u", "demo", aligned=False)
    assert (data.steps["a"].tolist(), data.steps["b"].tolist()) == ([0, 1], [0])
    with pytest.raises(DataError, match="must have the same T"):
        from_padded({"a": a, "b": b}, np.zeros(1), "u", "demo")
