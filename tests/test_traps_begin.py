"""What the checks of chapters 1 to 3 say: to the traps that they warn of, and to right answers
written another way than the solution."""

import numpy as np
import torch
import torch.nn.functional as F

from dmdlite.encoders import last_step, masked_mean
from dmdlite.metrics import floors, sentiment_metrics
from tests.chapters import space, told


def masked_maximum(x, mask):
    top = x.masked_fill(~mask[..., None], -torch.inf).amax(1)
    return torch.where(mask.any(1)[:, None], top, torch.zeros(()))


def falling_edge(x, mask):
    ends = mask & ~F.pad(mask[:, 1:], (0, 1))
    ends[:, -1] = False
    return (x * ends[..., None]).sum(1)


def by_counting(x, mask):
    rows = torch.arange(len(x))
    return x[rows, (mask.sum(1) - 1).clamp(min=0)] * mask.any(1)[:, None]


def has_zero(guess=np.greater_equal, guarded=True):
    def has_zero_scores(p, y):
        said, truth, total = guess(p, 0), y >= 0, 0.0
        for positive in (True, False):
            hit = ((said == positive) & (truth == positive)).sum()
            with np.errstate(invalid="ignore"):
                precision = hit / (said == positive).sum()
                recall = hit / (truth == positive).sum()
                f1 = 2 * precision * recall / (precision + recall)
            f1 = np.nan_to_num(f1) if guarded else f1
            total += (truth == positive).mean() * f1
        return np.mean(said == truth), total

    return has_zero_scores


def bootstrap(size=1, zero=False, paired=True):
    def share_not_ahead(a, b, y, resamples=2000, seed=0):
        rng = np.random.default_rng(seed)

        def score(p, rows):
            kept = np.ones_like(y[rows], dtype=bool) if zero else y[rows] != 0
            same = (p[rows] >= 0) == (y[rows] >= 0) if zero else (p[rows] > 0) == (y[rows] > 0)
            return (same & kept).sum(1) / kept.sum(1)

        shape = (resamples, int(size * len(y)))
        rows = rng.integers(0, len(y), size=shape)
        others = rows if paired else rng.integers(0, len(y), size=shape)
        return float(np.mean(score(a, rows) <= score(b, others)))

    return share_not_ahead


def unimodal(floor):
    def unimodal_scores(logits, present, labels):
        table = []
        for m, here in enumerate(present.T):
            scores = sentiment_metrics(logits[here, m], labels[here])
            table.append({**scores, "floor": floor(labels[here])})
        return table

    return unimodal_scores


def always_negative(labels):
    signs = labels[labels != 0]
    return float(np.mean(signs < 0))


def valid(w, T):
    return torch.stack([F.pad(w, (t, T - len(w) - t)) for t in range(T - len(w) + 1)])


def causal(pad):
    return lambda w, T: valid(w, T + pad(w))[:, pad(w) :]


def standard(real_of):
    def standardized(x, mask):
        real = real_of(x, mask)
        kept = x[real]
        scaled = (x - kept.mean(0)) / kept.std(0, correction=0)
        return scaled.masked_fill(~mask[..., None], 0)

    return standardized


def from_the_left(x, mask):
    return torch.arange(mask.shape[1]) < mask.sum(1, keepdim=True)


def features(conv):
    def unit_features(batch, convs):
        pairs = [(conv(convs[m], x, batch.masks[m]), m) for m, x in batch.features.items()]
        return torch.stack([masked_mean(x, batch.masks[m]) for x, m in pairs], 1)

    return unit_features


def unmasked(module, x, mask):
    return module.conv(x.transpose(1, 2)).transpose(1, 2)


test_an_answer_is_told_what_it_is = told(
    [
        ("01", "check_last", masked_maximum, ": expected ["),
        ("01", "check_last", falling_edge, "no padding at all"),
        ("01", "check_last", by_counting, "both sides"),
        ("01", "check_last", last_step, "correct"),
        ("02", "check_has_zero", has_zero(np.greater), "not yet"),
        ("02", "check_has_zero", has_zero(guarded=False), "nan"),
        ("02", "check_has_zero", has_zero(), "correct"),
        ("02", "check_share", bootstrap(size=0.5), "not 0.14"),
        ("02", "check_share", bootstrap(zero=True), "not 0.14"),
        ("02", "check_share", bootstrap(paired=False), "never ahead of itself"),
        ("02", "check_share", bootstrap(), "correct"),
        ("02", "check_unimodal", unimodal(always_negative), "best constant"),
        ("02", "check_unimodal", unimodal(lambda y: floors(y)["acc2"]), "correct"),
        ("03", "check_standardized", standard(lambda x, _: (x != 0).any(-1)), "in front"),
        ("03", "check_standardized", standard(from_the_left), "in front"),
        ("03", "check_standardized", standard(lambda _, mask: mask), "correct"),
        ("03", "check_unit_features", features(unmasked), "padded steps reaches real ones"),
        ("03", "check_unit_features", features(lambda f, x, mask: f(x, mask)), "correct"),
    ]
)


def test_matrices(capsys):
    chapter = space("03")
    for answer, said in (
        (causal(lambda w: 3), "expected shape [9, 9], got shape [11, 9]"),
        (causal(lambda w: len(w) - 1), "correct"),
    ):
        chapter["attempt"](chapter["check_matrices"], valid, answer)
        assert said in capsys.readouterr().out
