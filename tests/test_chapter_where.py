"""The chapter on where it pays: checks refuse wrong answers, take right ones in any dress."""

import numpy as np
import torch
from scipy.stats import t as student

from tests.chapters import told


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
    (fits_on_gaps, "fit one teacher, on all labelled clips"),
    (fits_on_all, "fitted on a label NaN"),
    (in_place, "it changes `y`"),
    (with_a_mean, "other predictions"),
    (on_half, "fit one teacher, on all labelled clips"),
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
    (lambda valid, test: valid.argmin(1), "which weight"),
    (lambda valid, test: test.mean(1), "what nobody trains"),
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


def one_sided(d):
    s = slopes_of(d)
    return s.mean(), half(s, student.ppf(0.95, len(s) - 1))


def shifts(d):
    d -= d.mean(1, keepdims=True)
    s = slopes_of(d)
    return s.mean(), half(s)


TREND = [
    (lambda d: (slopes_of(d, d.shape[1] - 1).mean(), 0.1), "a slope is the whole change"),
    (lambda d: (slopes_of(d).mean(), half(slopes_of(d), 1.96)), "few draws"),
    (lambda d: (slopes_of(d).mean(), half(slopes_of(d), ddof=0)), "with ddof=1"),
    (
        lambda d: (slopes_of(d).mean(), half(slopes_of(d)) * np.sqrt(len(d))),
        "divide by their root",
    ),
    (lambda d: (slopes_of(d).mean(), 2 * half(slopes_of(d))), "the whole width"),
    (pooled, "one number a draw"),
    (ends, "not last minus first"),
    (shifts, "it changes `d`"),
    (one_sided, "quantile at 0.975"),
    (lambda d: (slopes_of(d).mean(), half(slopes_of(d), 1.0)), "quantile is missing"),
    (lambda d: (d.mean(), half(d.mean(1))), "slope"),
    (by_sums, "correct"),
    (lambda d: [float(x) for x in by_sums(d)], "correct"),
]
test_trend = told([("14", "check_trend", *case) for case in TREND])


def graph(
    prediction,
    logits,
    present,
    masked=True,
    among=True,
    scale=True,
    turn=False,
    free=True,
    far=False,
):
    gap = (logits - prediction[:, None]).abs() * (-1 if far else 1)
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


def changes_input(prediction, logits, present):
    logits.data[~present] = 1e9
    return graph(prediction, logits, present)


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
    (lambda *a: graph(*a, far=True), "the farthest teaches"),
    (changes_input, "it changes `logits`"),
    (
        lambda p, z, here: graph(p, z, here) / graph(p, z, here).sum((1, 2), keepdim=True),
        "0 / 0 is NaN",
    ),
    (lambda p, z, here: graph(p, z, here)[:, :3, :3].mean(0), "expected shape"),
    (lambda p, z, here: graph(z[:, 0] * 0, z, here), "another graph"),
    (by_loops, "correct"),
    (graph, "correct"),
]
test_nearest_teaches = told([("14", "check_nearest", *case) for case in NEAREST_TEACHES])
