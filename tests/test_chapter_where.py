"""The chapter on where it pays: checks refuse wrong answers, take right ones in any dress."""

import numpy as np
import pytest
import torch
from scipy.stats import t as student

from dmdlite.experiments.curves import CURVES
from dmdlite.experiments.formatting import half_width
from dmdlite.experiments.results import ROWS
from dmdlite.experiments.slopes import chosen, differences, kept
from tests.chapters import told

OURS = "who errs less teaches"


def fitted(fit, x, y):
    known = ~np.isnan(y)
    return fit(x[known], y[known])(x)


def says_everything(fit, x, y):
    """True labels are replaced, too."""
    return fitted(fit, x, y)


def leaves_gaps(fit, x, y):
    return y.copy()


def fits_on_gaps(fit, x, y):
    return np.where(np.isnan(y), fit(x, np.nan_to_num(y))(x), y)


def fits_on_all(fit, x, y):
    """The trap: the teacher is fitted on NaN."""
    return np.where(np.isnan(y), fit(x, y)(x), y)


def in_place(fit, x, y):
    y[np.isnan(y)] = fitted(fit, x, y)[np.isnan(y)]
    return y


def with_a_mean(fit, x, y):
    fit(x[~np.isnan(y)], y[~np.isnan(y)])
    return np.where(np.isnan(y), np.nanmean(y), y)


def on_half(fit, x, y):
    places = np.flatnonzero(~np.isnan(y))[::2]
    return np.where(np.isnan(y), fit(x[places], y[places])(x), y)


def clip_by_clip(fit, x, y):
    """Right, another way: a list."""
    known = [i for i in range(len(y)) if y[i] == y[i]]
    say = fit(x[known], y[known])
    return [float(y[i]) if i in known else float(say(x[i : i + 1])[0]) for i in range(len(y))]


def as_tensor(fit, x, y):
    found = torch.as_tensor(y).clone()
    gaps = found.isnan()
    found[gaps] = torch.as_tensor(fit(x[~gaps.numpy()], y[~gaps.numpy()])(x[gaps.numpy()]))
    return found


PSEUDO_LABELS = [
    (says_everything, "replaces true labels"),
    (leaves_gaps, "still have no label"),
    (fits_on_gaps, "other predictions"),
    (fits_on_all, "fitted on a label NaN"),
    (in_place, "changes labels"),
    (with_a_mean, "other predictions"),
    (on_half, "other predictions"),
    (lambda fit, x, y: fitted(fit, x, y)[np.isnan(y)], "expected shape"),
    (lambda *_: None, "return"),
    (clip_by_clip, "correct"),
    (as_tensor, "correct"),
]
test_pseudo_labels = told([("14", "check_pseudo", *case) for case in PSEUDO_LABELS])


REPORTED = [
    (lambda valid, test: test.min(1), "a score nobody can get"),
    (lambda valid, test: valid.min(1), "the reader wants those of test"),
    (lambda valid, test: test[:, valid.mean(0).argmin()], "one weight is taken"),
    (lambda valid, test: test[np.arange(len(test)), valid.argmax(1)], "the lower, the better"),
    (lambda valid, test: test[np.arange(len(test)), valid.argmin(1)].mean(), "shape"),
    (lambda valid, test: test[valid.argmin(1)], "shape"),
    (lambda valid, test: test[:, 0], "got"),
    (lambda valid, test: [t[v.argmin()] for v, t in zip(valid, test, strict=True)], "correct"),
    (
        lambda valid, test: np.take_along_axis(test, valid.argmin(1)[:, None], 1)[:, 0],
        "correct",
    ),
    (
        lambda valid, test: torch.tensor(test).gather(
            1, torch.tensor(valid).argmin(1, keepdim=True)
        )[:, 0],
        "correct",
    ),
]
test_reported = told([("14", "check_reported", *case) for case in REPORTED])


def slopes_of(d, last=1.0):
    return np.polyfit(np.linspace(0, last, d.shape[1]), d.T, 1)[0]


def half(s, q=None, ddof=1):
    q = student.ppf(0.975, len(s) - 1) if q is None else q
    return q * s.std(ddof=ddof) / np.sqrt(len(s))


def pooled(d):
    """The trap: one line through all points, as if they were independent."""
    from scipy.stats import linregress

    at = np.tile(np.linspace(0, 1, d.shape[1]), len(d))
    line = linregress(at, d.ravel())
    return line.slope, student.ppf(0.975, d.size - 2) * line.stderr


def by_sums(d):
    """Right, another way."""
    at = torch.linspace(0, 1, d.shape[1], dtype=torch.float64)
    w = (at - at.mean()) / (at - at.mean()).square().sum()
    s = torch.tensor(d) @ w
    n = len(s)
    return s.mean(), student.ppf(0.975, n - 1) * s.std() / n**0.5


def ends(d):
    s = d[:, -1] - d[:, 0]
    return s.mean(), half(s)


def shifts(d):
    d -= d.mean(1, keepdims=True)
    s = slopes_of(d)
    return s.mean(), half(s)


TREND = [
    (lambda d: (slopes_of(d, d.shape[1] - 1).mean(), 0.1), "a slope is the whole change"),
    (lambda d: (slopes_of(d).mean(), half(slopes_of(d), 1.96)), "few draws"),
    (lambda d: (slopes_of(d).mean(), half(slopes_of(d), ddof=0)), "divide by n - 1"),
    (
        lambda d: (slopes_of(d).mean(), half(slopes_of(d)) * np.sqrt(len(d))),
        "divide by their root",
    ),
    (lambda d: (slopes_of(d).mean(), 2 * half(slopes_of(d))), "half of it"),
    (pooled, "half width"),
    (ends, "slope"),
    (shifts, "changes its input"),
    (lambda d: (d.mean(), half(d.mean(1))), "slope"),
    (by_sums, "correct"),
    (lambda d: [float(x) for x in by_sums(d)], "correct"),
]
test_trend = told([("14", "check_trend", *case) for case in TREND])


def graph(prediction, logits, present, masked=True, among=True, scale=True, turn=False, free=True):
    gap = (logits - prediction[:, None]).abs()
    teacher = (gap.masked_fill(~present, torch.inf) if masked else gap).argmin(1)
    rows = torch.nn.functional.one_hot(teacher, logits.shape[1]).float()
    edges = rows[:, :, None] * (1 - torch.eye(logits.shape[1]))
    if among:
        edges = edges * (present[:, :, None] & present[:, None])
    if scale:
        edges = edges / edges.sum((1, 2), keepdim=True).clamp(min=1)
    if not free:
        edges = edges + 0 * gap.sum()
    return edges.transpose(1, 2) if turn else edges


def by_loops(prediction, logits, present):
    """Right, another way: NumPy."""
    p, z, here = (x.detach().numpy() for x in (prediction, logits, present))
    found = np.zeros((*z.shape, z.shape[1]))
    for b in range(len(z)):
        own = np.flatnonzero(here[b])
        best = min(own, key=lambda i: abs(z[b, i] - p[b]))
        for j in own:
            if j != best:
                found[b, best, j] = 1 / (len(own) - 1)
    return found


NEAREST_TEACHES = [
    (lambda *a: graph(*a, masked=False), "another graph"),
    (lambda *a: graph(*a, among=False), "a missing modality teaches or learns"),
    (lambda *a: graph(*a, scale=False), "weights sum to"),
    (lambda *a: graph(*a, turn=True), "rows are teachers"),
    (lambda *a: graph(*a, free=False), "detach it"),
    (
        lambda p, z, here: graph(p, z, here) / graph(p, z, here).sum((1, 2), keepdim=True),
        "a clip with one modality has no edge",
    ),
    (lambda p, z, here: graph(p, z, here)[:, :3, :3].mean(0), "expected shape"),
    (lambda p, z, here: graph(z[:, 0] * 0, z, here), "another graph"),
    (by_loops, "correct"),
    (graph, "correct"),
]
test_nearest_teaches = told([("14", "check_nearest", *case) for case in NEAREST_TEACHES])


CURVE = kept(ROWS / "map")


def gain(curve, arm, base, measure, dose):
    """Mean and half the 95 % interval over draws."""
    found = differences(CURVE[curve], arm, base, measure)[dose]
    return found.mean(), half_width(found)


@pytest.mark.parametrize("dose", [30, 60, 120, 250])
def test_with_few_labels_a_fixed_teacher_pays(dose):
    mean, within = gain("labels", "language teaches", "nobody teaches", "weak_corr", dose)
    assert 0.05 <= round(mean, 2) <= 0.08
    assert mean - within > 0


def test_the_learned_graph_is_the_uniform_one_and_gets_part_of_the_lesson():
    for dose in (30, 60, 120, 250):
        mean, within = gain("labels", "learned graph", "uniform graph", "weak_corr", dose)
        assert abs(mean) + within < 0.035
    for dose, said in ((30, (-0.045, 0.031)), (250, (-0.024, 0.012))):
        found = gain("labels", "learned graph", "language teaches", "weak_corr", dose)
        assert found == pytest.approx(said, abs=6e-4)
    learned, taught = (
        gain("labels", arm, "nobody teaches", "weak_corr", 30)[0]
        for arm in ("learned graph", "language teaches")
    )
    assert learned / taught == pytest.approx(1 / 3, abs=0.03)
    edges = [c for c in CURVE["labels"] if c.startswith("homo_edge")]
    learned = CURVE["labels"].query("arm == 'learned graph' and weight == 2").groupby("dose")
    assert learned[edges].mean().stack().between(0.145, 0.195).all()


def test_the_teacher_is_pulled_down():
    heavy = CURVE["labels"].query("dose == 30 and weight == 2").groupby("arm")
    own = heavy["homo_language_corr"].mean().round(2)
    assert (own["learned graph"], own["uniform graph"]) == (0.58, 0.54)
    untaught = CURVE["labels"].query("dose == 30 and arm == 'nobody teaches'")
    assert round(untaught["homo_language_corr"].mean(), 2) == 0.65
    for arm in ("language teaches", "who errs less teaches"):
        assert own[arm] >= 0.65


def test_the_fused_prediction_gains_little_and_the_linear_model_is_level():
    taught = [a for a in CURVES["labels"].arms if "teaches" in a or "graph" in a]
    taught.remove("nobody teaches")
    for arm in taught:
        for dose in (120, 250):
            assert abs(gain("labels", arm, "nobody teaches", "mae", dose)[0]) < 0.02
        assert abs(gain("labels", arm, "linear", "mae", 30)[0]) < 0.02
        assert 0.015 < gain("labels", arm, "linear", "mae", 120)[0] < 0.035
    linear = chosen(CURVE["labels"].query("arm == 'linear'"), "mae").groupby("dose")["mae"].mean()
    assert linear.round(3)[[30, 120]].tolist() == [0.897, 0.749]
    found = gain("labels", "learned graph", "nobody teaches", "mae", 30)
    assert found == pytest.approx((-0.038, 0.030), abs=6e-4)
    found = gain("labels", "language teaches", "nobody teaches", "mae", 30)
    assert found == pytest.approx((-0.027, 0.024), abs=6e-4)


def test_ours_is_level_with_the_fixed_teacher_and_ahead_of_the_learned_graph():
    for dose in (30, 60, 120, 250):
        mean, within = gain("labels", OURS, "language teaches", "weak_corr", dose)
        assert abs(mean) + within < (0.01 if dose == 250 else 0.056)
    found = gain("labels", OURS, "learned graph", "weak_corr", 30)
    assert found == pytest.approx((0.051, 0.027), abs=6e-4)
