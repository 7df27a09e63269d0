"""What a second hostile learner tried in chapters 4 to 7: each was accepted once."""

import torch
import torch.nn.functional as F

from tests.chapters import book, space, told


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
