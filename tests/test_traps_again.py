"""What a second hostile learner tried in chapters 1 to 14: each was accepted once."""

import numpy as np
import torch
import torch.nn.functional as F
from scipy import linalg

from dmdlite.checks import attempt
from dmdlite.metrics import floors, sentiment_metrics
from tests.chapters import BOOK, solved, space, told


def book(number, name):
    """A chapter's own solution of this name."""
    (path,) = BOOK.glob(f"{number}_*.ipynb")
    return solved(path.stem, space(number))[name]


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


def half_to_private(x, p):
    common, _ = book("04", "split_by_truth")(x, p)
    return common / 2, x - common / 2


def steady(stop_cycle=False, stop_decoded=False, stop_again=False):
    def steady_regression(shallow, decoupler, masks):
        ns, total = space("04"), 0.0
        _, private, decoded, again = decoupler(shallow)
        for m, x in shallow.items():
            if stop_again:
                again = {m: decoupler.private[m](decoded[m].detach()) for m in shallow}
            rebuilt = decoded[m].detach() if stop_decoded else decoded[m]
            back = again[m].detach() if stop_cycle else again[m]
            total = total + ns["reconstruction_loss"](x.detach(), rebuilt, masks[m])
            total = total + ns["cycle_loss"](private[m].detach(), back, masks[m])
        return total

    return steady_regression


def margin(normalised=F.normalize, classes=None):
    def distance_margin_loss(common, labels, slope=0.15):
        ns, unit = space("05"), normalised(common, dim=-1)
        cosine = torch.einsum("bmd,cnd->bmcn", unit, unit)
        kinds = (classes or ns["sentiment_class"])(labels)
        positive, negative = ns["flags"](kinds, common.shape[1])
        cost = slope * (labels[:, None] - labels).abs()[:, None, None]
        near = cosine.diagonal(dim1=1, dim2=3).transpose(1, 2)[:, :, None]
        cost = (cost - cosine.flatten(2)[..., None] + near).relu()
        chosen = positive.flatten(2)[..., None] & negative[:, :, None]
        return (cost * chosen).sum() / chosen.sum().clamp(min=1)

    return distance_margin_loss


def half_up(labels):
    return (labels.sign() * (labels.abs() + 0.5).floor()).long()


def plain_unit(x, dim):
    return x / x.norm(dim=dim, keepdim=True)


def adjusted(common, private):
    n, d = common.shape
    return max(0.0, 1 - (1 - space("05")["share"](private, common)) * (n - 1) / (n - d - 1))


def directions(codes=lambda x: F.normalize(x, dim=-1), told=lambda present: present):
    return lambda unit, pooled, present: unit(codes(pooled), told(present)).logits


def never_called(unit, pooled, present):
    return unit.logit(F.normalize(pooled, dim=-1)).squeeze(-1)


def weighted_average(z, W):
    gaps = (z[:, None] - z[:, :, None]).abs()
    return ((W * gaps).sum((1, 2)) / W.sum((1, 2))).mean()


def first_of_ties(W, k):
    kth = W.topk(k, 1).values[:, -1:]
    kept = kth <= W
    kept = W * (kept & (kept.cumsum(1) <= k))
    return kept * W.sum(1, keepdim=True) / kept.sum(1, keepdim=True).clamp(min=1e-12)


def scaled_with_floor(W, k):
    kept = W * (W.topk(k, 1).values[:, -1:] <= W)
    return kept * W.sum(1, keepdim=True) / kept.sum(1, keepdim=True).clamp(min=0.1)


def attention(hide=-1e9, normalise=None):
    def attention_by_loops(Q, K, V, source_mask):
        scores = (Q @ K.transpose(1, 2) / Q.shape[-1] ** 0.5).masked_fill(
            ~source_mask[:, None], hide
        )
        W = scores.softmax(-1) if normalise is None else normalise(scores)
        return (W * source_mask.any(1)[:, None, None]) @ V

    return attention_by_loops


def bare_exp(scores):
    e = scores.exp()
    return e / e.sum(-1, keepdim=True).clamp(min=1e-30)


def in_seconds(tolerance=1e-6, ratio=None):
    def mask_in_seconds(T, S, target_rate, source_rate, slack=0.0):
        t, s = torch.arange(T)[:, None], torch.arange(S)
        if ratio is not None:
            return s <= t * ratio(target_rate, source_rate) + slack * source_rate + 1e-6
        return s / source_rate <= t / target_rate + slack + tolerance

    return mask_in_seconds


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
    ("04", "check_split", half_to_private, "private holds more than p can tell"),
    ("04", "check_steady", steady(stop_cycle=True), "the decoder learns as before"),
    ("04", "check_steady", steady(stop_decoded=True), "the decoder learns as before"),
    ("04", "check_steady", steady(stop_again=True), "the decoder learns as before"),
    ("04", "check_steady", steady(), "correct"),
    ("05", "check_distance", margin(), "correct"),
    ("05", "check_distance", margin(classes=half_up), "classes are sentiment_class"),
    ("05", "check_distance", margin(plain_unit), "a missing one: "),
    ("05", "check_redundancy", adjusted, "in sample"),
    ("05", "check_directions", directions(told=torch.ones_like), "tell the unit who is present"),
    ("05", "check_directions", directions(torch.detach), "not have been used in the graph"),
    (
        "05",
        "check_directions",
        directions(lambda x: x / x.norm(dim=-1, keepdim=True).clamp(min=0.3)),
        "scale matters still",
    ),
    (
        "05",
        "check_directions",
        directions(lambda x: (x / x.norm(dim=-1, keepdim=True)).nan_to_num()),
        "at a missing modality the slope is NaN",
    ),
    ("06", "check_loops", weighted_average, "expected 0.3934"),
    ("06", "check_top_k", first_of_ties, "the heavier one stays"),
    ("06", "check_top_k", lambda W, k: book("06", "top_k")(W, min(k, 2)), "of its own"),
    ("06", "check_top_k", scaled_with_floor, "every student keeps the sum"),
    ("07", "check_attention", attention(), "correct"),
    ("07", "check_attention", attention(-15.0), "scores of hundreds"),
    ("07", "check_attention", attention(-torch.inf, bare_exp), "scores of hundreds"),
    ("07", "check_seconds", in_seconds(0.03), "pairs, got"),
    ("07", "check_seconds", in_seconds(ratio=lambda a, b: b // a), "pairs, got"),
    ("07", "check_seconds", in_seconds(ratio=lambda a, b: round(b / a)), "pairs, got"),
    ("07", "check_seconds", in_seconds(), "correct"),
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
