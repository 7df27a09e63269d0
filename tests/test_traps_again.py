"""What a second hostile learner tried in chapters 1 to 3: each was accepted once."""

import numpy as np
import torch
from scipy import linalg

from dmdlite.checks import attempt
from dmdlite.metrics import floors, sentiment_metrics
from tests.chapters import book, space, told


def last_of(x, mask, one=False):
    last = (torch.arange(mask.shape[1]) * mask).amax(1)
    if one:
        taken = x.gather(1, last[:, None, None].expand(-1, 1, x.shape[-1])).squeeze()
        return taken * mask.any(1, keepdim=True)
    return x[torch.arange(len(x)), last] * (last > 0)[:, None]


def read_off_zeros(batch, F):
    rows = []
    for i, x in enumerate(batch.features.values()):
        real = (x != 0).any(-1)
        mean = x.sum(1)[:, :F] / real.sum(1, keepdim=True).clamp(min=1)
        known = mean[batch.present[:, i]]
        scaled = (mean - known.mean(0)) / known.std(0, correction=0)
        rows.append(scaled * batch.present[:, i, None])
    return torch.stack(rows, dim=1)


def other_columns(batch, F):
    return book("01", "unit_inputs")(batch, 8)[..., 8 - F :]


def nan_without_a_class(p, y):
    total = 0.0
    for positive in (True, False):
        hit = (((p >= 0) == positive) & ((y >= 0) == positive)).sum()
        with np.errstate(invalid="ignore"):
            precision = hit / max(((p >= 0) == positive).sum(), 1)
            recall = hit / ((y >= 0) == positive).sum()
            both = precision + recall
            f1 = 2 * precision * recall / both if both != 0 else 0
        total += ((y >= 0) == positive).mean() * f1
    return np.mean((p >= 0) == (y >= 0)), total


def resampled(draw, tie=0.0, seeded=True):
    def share_not_ahead(a, b, y, resamples=2000, seed=0):
        rng = np.random.default_rng(seed if seeded else None)
        rows = np.array([draw(rng, len(y)) for _ in range(resamples)])
        acc2 = space("02")["acc2"]
        A, B = acc2(a[rows], y[rows]), acc2(b[rows], y[rows])
        return 1.0 if (A == B).all() else float(np.mean((A < B) + (1 - tie) * (A == B)))

    return share_not_ahead


def always_2000(a, b, y, resamples=2000, seed=0):
    return book("02", "share_not_ahead")(a, b, y, 2000, seed)


def of_three(logits, present, labels):
    found = []
    for m in range(3):
        here = present[:, m]
        scores = sentiment_metrics(logits[here, m], labels[here])
        found.append({**scores, "floor": floors(labels[here])["acc2"]})
    return found


def acc2_alone_right(logits, present, labels):
    found = book("02", "unimodal_scores")(logits, present, labels)
    every = [sentiment_metrics(x, labels) for x in logits.T]
    return [b | {k: a[k] for k in ("acc2", "floor")} for a, b in zip(found, every, strict=True)]


def nan_of_nobody(x, mask):
    m = mask[..., None]
    mean = (x * m).sum((0, 1)) / m.sum((0, 1))
    var = ((x - mean).square() * m).sum((0, 1)) / m.sum((0, 1))
    return (x - mean) / var.sqrt() * m


def features(change):
    def unit_features(batch, convs):
        rows = []
        for m, x in batch.features.items():
            y, mask = convs[m](x, batch.masks[m]), batch.masks[m]
            rows.append(change(y, mask))
        return torch.stack(rows, dim=1)

    return unit_features


CASES = [  # chapter, check, answer, what is said of it
    ("01", "check_last", last_of, "the first step alone"),
    ("01", "check_last", lambda x, m: last_of(x, m, True), "expected shape [6, 1]"),
    ("01", "check_last", lambda x, m: x.__setitem__(~m, 0), "it changes `x`"),
    ("01", "check_inputs", read_off_zeros, "means over real steps"),
    ("01", "check_inputs", other_columns, "not the first four columns"),
    ("02", "check_has_zero", nan_without_a_class, "expected ("),
    ("02", "check_share", resampled(lambda r, n: r.integers(0, max(n - 1, 1), n)), "8/27"),
    ("02", "check_share", resampled(lambda r, n: r.permutation(n)[: (n + 1) // 2]), "not 8/27"),
    ("02", "check_share", resampled(lambda r, n: r.integers(0, n, n), tie=0.5), "not 8/27"),
    (
        "02",
        "check_share",
        resampled(lambda r, n: r.integers(0, n, n), seeded=False),
        "the seed is not used",
    ),
    ("02", "check_share", always_2000, "one resample: 0 or 1"),
    ("02", "check_unimodal", of_three, "out of bounds"),
    ("02", "check_unimodal", acc2_alone_right, "modality 0: expected"),
    ("03", "check_standardized", nan_of_nobody, "no clip has it: zeros, not NaN"),
    (
        "03",
        "check_unit_features",
        features(lambda y, m: y.sum(1) / m.sum(1, keepdim=True)),
        "missing: a row of zeros",
    ),
    (
        "03",
        "check_unit_features",
        features(lambda y, m: y.detach().sum(1) / m.sum(1, keepdim=True).clamp(min=1)),
        "these convolutions can never learn",
    ),
]

test_an_answer_is_told_what_it_is = told(CASES)


def causal(w, T):
    """SciPy's Toeplitz matrix."""
    column = np.zeros(T)
    column[: min(len(w), T)] = w.flip(0)[:T].numpy()
    return linalg.toeplitz(column, np.r_[column[0], np.zeros(T - 1)])


def test_kernels_longer_than_the_clip_and_other_types(capsys):
    attempt(space("03")["check_matrices"], book("03", "valid_matrix"), causal)
    assert capsys.readouterr().out == "correct\n"
