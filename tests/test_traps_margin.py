"""What the checks of chapter 5 say: to wrong answers beside those of `test_traps_build`, and to
right answers written another way than the solution."""

import torch
import torch.nn.functional as F
from sklearn.linear_model import LinearRegression

from dmdlite.losses import sentiment_class
from tests.chapters import space, told


def explained(x, p):
    """The part of x that a linear map of p explains, both centred."""
    a = p - p.mean(0)
    return a @ torch.linalg.lstsq(a, x - x.mean(0)).solution


def in_place(x, p):
    x -= x.mean(0)
    private = explained(x, p)
    return x - private, private


def triplet_loss(classes_of=sentiment_class, slope_of=lambda s: s, kept=None, stops=False):
    """Eq. 4 with a margin by distance as loops, with a mistake if one is asked for."""

    def distance_margin_loss(common, labels, slope=0.15):
        M, unit = common.shape[1], F.normalize(common, dim=-1)
        found = space("05")["triplets"](classes_of(labels).tolist(), M)
        if kept:
            found = kept(classes_of(labels).tolist(), M)
        costs = [
            slope_of(slope) * (labels[a] - labels[c]).abs()
            - unit[a, i] @ unit[b, j]
            + unit[a, i] @ unit[c, k]
            for (a, i), (b, j), (c, k) in found
        ]
        return torch.stack(costs).relu().mean() if costs or stops else common.sum() * 0

    return distance_margin_loss


def all_of(positive, negative):
    """Triplets whose modalities pass two conditions."""

    def triplets(classes, M):
        codes = [(b, m) for b in range(len(classes)) for m in range(M)]
        same = [(i, j) for i in codes for j in codes if classes[i[0]] == classes[j[0]]]
        same = [(i, j) for i, j in same if positive(i, j)]
        other = {i: [k for k in codes if classes[i[0]] != classes[k[0]]] for i in codes}
        return [(i, j, k) for i, j in same for k in other[i] if negative(i, k)]

    return triplets


def other_modality(i, j):
    return i[1] != j[1]


def same_modality(i, k):
    return i[1] == k[1]


def nan_without_triplets(common, labels, slope=0.15):
    cosine, classes = space("05")["all_cosines"](common), sentiment_class(labels)
    positive, negative = space("05")["flags"](classes, common.shape[1])
    margin = slope * (labels[:, None] - labels).abs()
    far = cosine.diagonal(dim1=1, dim2=3).transpose(1, 2)
    cost = margin[:, None, None] - cosine.flatten(2)[..., None] + far[:, :, None]
    chosen = positive.flatten(2)[..., None] & negative[:, :, None]
    return (cost.relu() * chosen).sum() / chosen.sum()


def centred(x):
    return x - x.mean(0)


def r2(a, b):
    left = b - a @ torch.linalg.lstsq(a, b).solution
    return 1 - left.square().sum() / centred(b).square().sum()


def correlations(common, private):
    """Squared correlations, weighed by the private features' variances: white codes only."""
    a, b = centred(common), centred(private)
    squared = (a.T @ b).square() / (a.square().sum(0)[:, None] * b.square().sum(0))
    return float((squared.sum(0) * b.var(0)).sum() / b.var(0).sum())


def canonical(common, private):
    a, b = (torch.linalg.qr(centred(x))[0] for x in (common, private))
    return float(torch.linalg.svdvals(a.T @ b).square().mean())


def fitted(common, private):
    """Right, another way: with scikit-learn."""
    found = LinearRegression().fit(common.numpy(), private.numpy())
    left = private.numpy() - found.predict(common.numpy())
    return 1 - left.var(0).sum() / private.numpy().var(0).sum()


def of_each_feature(common, private):
    a, b = centred(common), centred(private)
    return 1 - (b - a @ torch.linalg.lstsq(a, b).solution).var(0) / b.var(0)


def numpy_logits(unit, pooled, present):
    """Right, another way: the division by hand, an array of NumPy."""
    lengths = pooled.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    return unit(pooled / lengths, present=present).logits.detach().numpy()


def one_by_one(unit, pooled, present):
    """Right, another way: a loop over codes that are there."""
    codes = torch.zeros_like(pooled)
    for b, m in present.nonzero().tolist():
        codes[b, m] = pooled[b, m] / pooled[b, m].norm()
    return unit(codes, present)[0]


def by_norm(normalise, in_place=False):
    def direction_logits(unit, pooled, present):
        if in_place:
            pooled /= pooled.norm(dim=-1, keepdim=True).clamp(min=1e-9)
        return unit(normalise(pooled), present).logits

    return direction_logits


CASES = {  # check -> (answer, what is said of it)
    "check_distance": [
        (triplet_loss(), "correct"),
        (triplet_loss(slope_of=lambda s: 0.15), "slope = 0.3: expected 0.8184"),
        (triplet_loss(lambda y: y), "classes are sentiment_class(labels)"),
        (triplet_loss(torch.sign), "classes are sentiment_class(labels)"),
        (
            triplet_loss(kept=all_of(lambda i, j: True, same_modality)),
            "a positive is of another modality than its",
        ),
        (
            triplet_loss(kept=all_of(lambda i, j: i != j, same_modality)),
            "a positive is of another modality than its",
        ),
        (
            triplet_loss(kept=all_of(other_modality, lambda i, j: True)),
            "a negative is of its anchor's modality",
        ),
        (
            triplet_loss(kept=all_of(other_modality, other_modality)),
            "a negative is of its anchor's modality",
        ),
        (nan_without_triplets, "one class, no triplets: 0, got nan"),
        (triplet_loss(stops=True), "it stops with RuntimeError: stack expects"),
        (lambda c, y, slope=0.15: None, "it returned None: is a `return` missing?"),
        (lambda c, y, slope=0.15: triplet_loss()(c, y, slope).item(), "correct"),
        (lambda c, y, slope=0.15: triplet_loss()(c.double(), y.double(), slope), "correct"),
        (lambda c, y, slope=0.15: triplet_loss()(c[:, :2], y, slope), "expected 0.4895"),
    ],
    "check_redundancy": [
        (fitted, "correct"),
        (lambda c, p: r2(centred(c), centred(p)), "correct"),
        (r2, "a copy moved by 5: take the means off first"),
        (correlations, "common's features may correlate"),
        (canonical, "a share of the whole variance, not the mean"),
        (lambda c, p: 1 - float(r2(centred(c), centred(p))), "that share is left over"),
        (lambda c, p: float(r2(centred(c), centred(p))) ** 0.5, "independent codes: near 0"),
        (lambda c, p: None, "it returned None: is a `return` missing?"),
        (of_each_feature, "expected one number"),
    ],
    "check_directions": [
        (by_norm(lambda x: F.normalize(x, dim=1)), "not of unit length over d: dim=-1"),
        (by_norm(lambda x: F.normalize(x, dim=0)), "not of unit length"),
        (by_norm(F.normalize), "not of unit length over d: dim=-1"),
        (by_norm(lambda x: F.normalize(x.flatten(1)).view_as(x)), "not of unit length"),
        (by_norm(lambda x: F.normalize(x, p=1, dim=-1)), "the length is a root of squares"),
        (by_norm(lambda x: F.layer_norm(x, x.shape[-1:])), "not of unit length"),
        (by_norm(lambda x: x / (x.norm(dim=-1, keepdim=True) + 1)), "not of unit length"),
        (by_norm(lambda x: x, in_place=True), "it changes `pooled`"),
        (
            by_norm(lambda x: x / x.square().sum(-1, keepdim=True).clamp(min=1e-9)),
            "not of unit length",
        ),
        (lambda u, x, here: F.normalize(u(x, here).logits, dim=-1), "not of unit length"),
        (lambda u, x, here: u(F.normalize(x, dim=-1), here), "one tensor, not a GDOutput"),
        (lambda u, x, here: None, "it returned None: is a `return` missing?"),
        (numpy_logits, "no gradient: nothing learns"),
        (one_by_one, "correct"),
    ],
}
test_an_answer_is_told_what_it_is = told(
    [("05", check, *case) for check, cases in CASES.items() for case in cases]
)
