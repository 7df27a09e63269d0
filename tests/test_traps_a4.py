"""The tests of assignment A4 refuse plausible wrong answers, and accept right ones written
another way than the solution."""

import itertools

import torch

from tests.own_tests import accepts, refuses


def names(pairs=itertools.permutations, text="{} -> {}"):
    return lambda modalities: [text.format(a, b) for a, b in pairs(modalities, 2)]


def off_diagonal(w):
    return w.mean(0)[~torch.eye(w.shape[-1], dtype=torch.bool)]


def gaps(z):
    return (z[:, :, None] - z[:, None]).abs()


def voted(z, p):
    return (z * p).sum(1) / p.sum(1).clamp(min=1)


EDGES = {
    "edge_names": names(),
    "mean_weights": off_diagonal,
    "teaching": lambda w: w.mean(0).sum(1),
}


LOGITS = {
    "vote": voted,
    "agreement": lambda z: gaps(z).sum((1, 2)) / (z.shape[1] * (z.shape[1] - 1)),
}

test_a_right_answer_written_another_way_is_accepted = accepts(
    "a4",
    [
        EDGES | LOGITS,
        LOGITS | {"vote": lambda z, p: (z * p).sum(1).double() / p.sum(1).clamp(min=1)},
    ],
)

test_a_wrong_answer_is_refused = refuses(
    "a4",
    [
        EDGES | {"edge_names": names(itertools.combinations)},
        EDGES | {"edge_names": names(text="{1} -> {0}")},
        EDGES | {"mean_weights": lambda w: w.mean(0).flatten()},
        EDGES | {"mean_weights": lambda w: off_diagonal(w.transpose(1, 2))},
        EDGES | {"mean_weights": lambda w: w.mean(0)[w.mean(0) > 0]},
        EDGES | {"teaching": lambda w: w.mean(0).sum(0)},
        EDGES | {"teaching": lambda w: w.mean(0).mean(1)},
        LOGITS | {"vote": lambda z, p: z.mean(1)},
        LOGITS | {"vote": lambda z, p: (z * p).mean(1)},
        LOGITS | {"vote": lambda z, p: (z * p).sum(1) / p.sum(1)},
        LOGITS | {"agreement": lambda z: gaps(z).mean((1, 2))},
        LOGITS | {"agreement": lambda z: gaps(z).sum((1, 2))},
        LOGITS | {"agreement": lambda z: (z[:, 1:] - z[:, :-1]).abs().mean(1)},
        LOGITS | {"agreement": lambda z: z.amax(1) - z.amin(1)},
    ],
)
