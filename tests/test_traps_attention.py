"""What the checks of chapter 7 say: to wrong answers beside those of `test_traps_build`, and to
right answers written another way than the solution."""

from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F

from tests.chapters import space, told


def attention(scale=lambda Q, V: Q.shape[-1] ** 0.5, dim=-1, before=None, after=None):
    """Masked attention with one step exchanged; zeros for a clip without a source step."""

    def attend(Q, K, V, mask):
        scores = Q @ K.transpose(1, 2) / scale(Q, V)
        scores = before(scores, mask) if before else scores.masked_fill(~mask[:, None], -1e9)
        W = scores.softmax(dim)
        W = after(W, mask) if after else W
        return (W @ V) * mask.any(1)[:, None, None]

    return attend


def zero_scores(scores, mask):
    return scores * mask[:, None]


def no_mask(scores, mask):
    return scores


def by_length(Q, K, V, mask):
    out = torch.zeros(len(Q), Q.shape[1], V.shape[-1])
    for b, n in enumerate(mask.sum(1).tolist()):
        if n:
            out[b] = space("07")["attention_weights"](Q[b], K[b, :n]) @ V[b, :n]
    return out


def evenly_if_none(Q, K, V, mask):
    scores = Q @ K.transpose(1, 2) / Q.shape[-1] ** 0.5
    return scores.masked_fill(~mask[:, None], -1e9).softmax(-1) @ V


def zeroed_in_place(Q, K, V, mask):
    V[~mask] = 0
    return attention()(Q, K, V, mask)


def in_numpy(Q, K, V, mask):
    """Right, another way: loops over NumPy's float64."""
    Q, K, V = (x.double().numpy() for x in (Q, K, V))
    out = np.zeros((*Q.shape[:2], V.shape[-1]))
    for b, t in np.ndindex(out.shape[:2]):
        e = [np.exp(Q[b, t] @ k / Q.shape[-1] ** 0.5) for k in K[b]] * mask[b].numpy()
        if e.sum():
            out[b, t] = e @ V[b] / e.sum()
    return out


def seconds(later):
    """A future mask from target times, source times, slack and the source's step."""

    def mask_in_seconds(T, S, target_rate, source_rate, slack=0.0):
        target, source = torch.arange(T)[:, None] / target_rate, torch.arange(S) / source_rate
        return later(target, source, slack)

    return mask_in_seconds


def multiplied(T, S, target_rate, source_rate, slack=0.0):
    return torch.arange(S) * source_rate <= torch.arange(T)[:, None] * target_rate + slack + 1e-6


def slack_in_steps(T, S, target_rate, source_rate, slack=0.0):
    return torch.arange(S) / source_rate <= (torch.arange(T)[:, None] + slack) / target_rate + 1e-6


def one_rate(T, S, target_rate, source_rate, slack=0.0):
    return torch.arange(S) / target_rate <= torch.arange(T)[:, None] / target_rate + slack + 1e-6


def in_fractions(T, S, target_rate, source_rate, slack=0.0):
    """Right, another way: exact times, as an array of NumPy."""
    a, b, c = (Fraction(x).limit_denominator(1000) for x in (target_rate, source_rate, slack))
    return np.array([[s / b <= t / a + c for s in range(S)] for t in range(T)])


def prior_of(sharpness, normalise=lambda prior: prior / prior.sum(), M_of=lambda M: M):
    """A prior from one number an edge."""

    def sharpness_prior(weights, M):
        prior = torch.zeros(M_of(M), M_of(M))
        for (i, j), W in weights.items():
            prior[i, j] = sharpness(W)
        return normalise(prior)

    return sharpness_prior


def sharp(W, over=None, entropy=lambda W: torch.special.entr(W).sum(-1).mean()):
    return (1 - entropy(W) / np.log(over or W.shape[-1])).clamp(min=0)


def xlogx(W):
    return -(W * W.log()).sum(-1).mean()


def of_the_mean(W):
    return torch.special.entr(W.mean(0)).sum()


def prior_in_numpy(weights, M):
    """Right, another way: in NumPy."""
    prior = np.zeros((M, M))
    for edge, W in weights.items():
        W = W.double().numpy()
        entropy = -np.where(W > 0, W * np.log(np.where(W > 0, W, 1)), 0).sum(1)
        prior[edge] = np.mean(1 - entropy / np.log(W.shape[1]))
    return prior / prior.sum()


CASES = {  # check -> (answer, what is said of it)
    "check_attention": [
        (attention(), "correct"),
        (in_numpy, "correct"),
        (lambda Q, K, V, m: in_numpy(Q, K, V, m).tolist(), "correct"),
        (
            lambda Q, K, V, m: F.scaled_dot_product_attention(Q, K, V, m[:, None]).nan_to_num(),
            "correct",
        ),
        (attention(lambda Q, V: Q.shape[-1]), "by the root of d, not by d"),
        (attention(lambda Q, V: V.shape[-1] ** 0.5), "d is the width of queries and keys, not of"),
        (attention(lambda Q, V: V.shape[1] ** 0.5), "differs from the vectorised one"),
        (attention(lambda Q, V: 1), "divide the scores by the root of d"),
        (attention(dim=1), "the softmax runs over source steps"),
        (attention(before=zero_scores), "a score of 0 is still read: e^0 = 1"),
        (attention(before=no_mask), "mask the padded source steps"),
        (
            attention(before=no_mask, after=lambda W, mask: W * mask[:, None]),
            "mask before the softmax",
        ),
        (
            attention(before=lambda s, mask: s.masked_fill(mask[:, None], -1e9)),
            "True is a real step: read it",
        ),
        (by_length, "real steps are not always the first"),
        (evenly_if_none, "clip 0 has no source step: zeros"),
        (zeroed_in_place, "it changes `V`, which it was given: work on a copy"),
        (
            lambda Q, K, V, m: space("07")["attention_weights"](Q, K, m[:, None]).nan_to_num(),
            "expected shape [4, 3, 5]",
        ),
        (lambda Q, K, V, m: None, "it returned None: is a `return` missing?"),
        (lambda Q, K, V, m: attention()(Q, K, V, m)[1], "expected shape [4, 3, 5]"),
    ],
    "check_seconds": [
        (in_fractions, "correct"),
        (seconds(lambda t, s, slack: s - t - slack < 1e-4), "correct"),
        (
            seconds(lambda t, s, slack: s <= t + slack),
            "a step just slack seconds later may be read",
        ),
        (
            seconds(lambda t, s, slack: s + slack <= t + 1e-6),
            "up to slack seconds later: add it to the target",
        ),
        (seconds(lambda t, s, slack: s <= t + 1e-6), "use the slack"),
        (
            seconds(lambda t, s, slack: s > t + slack + 1e-6),
            "True where a step may be read, False where it",
        ),
        (seconds(lambda t, s, slack: (s <= t + slack + 1e-6).T), "expected shape [3, 6]"),
        (seconds(lambda t, s, slack: (s <= t + slack + 1e-6).float()), "bool"),
        (seconds(lambda t, s, slack: (s - t).abs() <= slack + 1e-6), "expected"),
        (multiplied, "a step's time is its number divided by the"),
        (slack_in_steps, "the slack is in seconds, not in steps"),
        (one_rate, "seconds, not steps"),
        (lambda *a, **k: None, "it returned None: is a `return` missing?"),
    ],
    "check_prior": [
        (prior_of(sharp), "correct"),
        (prior_in_numpy, "correct"),
        (lambda w, M: prior_in_numpy(w, M).tolist(), "correct"),
        (
            prior_of(lambda W: sharp(W, entropy=xlogx)),
            "NaN: 0 ln 0 counts as 0, and one sum divides",
        ),
        (
            prior_of(lambda W: sharp(W, entropy=of_the_mean)),
            "the mean of entropies, not the entropy of a mean",
        ),
        (prior_of(lambda W: sharp(W, over=len(W))), "S counts source steps, not target steps"),
        (prior_of(lambda W: sharp(W, over=4)), "S is each edge's own"),
        (prior_of(lambda W: W.amax(-1).mean()), "even weights have no sharpness"),
        (prior_of(lambda W: 1 - sharp(W)), "even weights have no sharpness"),
        (prior_of(sharp, lambda prior: prior), "one sum divides all: they sum to"),
        (
            prior_of(sharp, lambda p: p.flatten().softmax(0).view_as(p)),
            "even weights have no sharpness",
        ),
        (
            prior_of(sharp, lambda p: p / p.sum(1, keepdim=True)),
            "NaN: 0 ln 0 counts as 0, and one sum divides",
        ),
        (
            prior_of(sharp, lambda p: p.T / p.sum()),
            "transposed: the row is the source, the teacher",
        ),
        (prior_of(sharp, M_of=lambda M: 3), "expected shape [2, 2]"),
        (lambda w, M: None, "it returned None: is a `return` missing?"),
    ],
}
test_an_answer_is_told_what_it_is = told(
    [("07", check, *case) for check, cases in CASES.items() for case in cases]
)
