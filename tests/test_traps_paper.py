"""What the checks of chapter 12 say: to further answers that a learner may write, to answers of
another type, and to right ones written another way than the solution."""

import itertools
import math
from fractions import Fraction

import numpy as np
import torch

from dmdlite import losses
from tests.chapters import space, told


def nothing(*_):
    return None


def share(alone, weigh=lambda n, N, classes: n / N, rounded=False, kept=False):
    """One less the mean over classes of the chance to be alone."""

    def expected_share(labels, size):
        if rounded:
            labels = losses.sentiment_class(labels)
        N, counts = len(labels), labels.unique(return_counts=True)[1].tolist()
        found = sum(weigh(n, N, len(counts)) * alone(n, N, size) for n in counts)
        return found if kept else 1 - found

    return expected_share


def exact(n, N, size):
    return math.comb(N - n, size - 1) / math.comb(N - 1, size - 1)


def any_pair(labels, size):
    """The chance that somebody in the batch has a partner."""
    batches = [set(b) for b in itertools.combinations(labels.tolist(), size)]
    return sum(len(b) < size for b in batches) / len(batches)


def drawn(labels, size):
    return space("12")["partner_share"](labels, size)


def rounds_in_place(labels, size):
    return share(exact)(labels.round_(), size)


def by_products(labels, size):
    """Right, another way: one neighbour after the other, as an array over clips."""
    labels = labels.numpy().astype(float)
    N, n = len(labels), (labels[:, None] == labels).sum(1)
    alone = np.ones(N)
    for i in range(size - 1):
        alone *= np.clip(N - n - i, 0, None) / (N - 1 - i)
    return torch.tensor(1 - alone.mean())


def by_fractions(labels, size):
    """Right, another way: exact, class by class."""
    labels, found = labels.tolist(), Fraction(0)
    for y in set(labels):
        n, N = labels.count(y), len(labels)
        found += Fraction(n, N) * (
            1 - Fraction(math.comb(N - n, size - 1), math.comb(N - 1, size - 1))
        )
    return float(found)


def hides(hidden, over=lambda T, S: T * S, least=0):
    def hidden_share(T, S):
        return sum(max(least, hidden(t, T, S)) for t in range(T)) / over(T, S)

    return hidden_share


def rest(t, T, S):
    return S - 1 - t - abs(S - T)


def allowed(T, S):
    return 1 - hides(rest)(T, S)


def triangle(T, S):
    return T * (T - 1) / 2 / (T * S)


def all_pairs_listed(T, S):
    pairs = [(t, s) for t in range(T) for s in range(S) if s > t + abs(S - T)]
    return len(pairs) / (T * S)


def packed(T, S):
    return float((1 - np.tri(T, S, abs(S - T), dtype=np.int8)).mean())


def two_loops(T, S):
    """Right, another way: pair by pair, nothing kept."""
    return sum(s > t + abs(S - T) for t in range(T) for s in range(S)) / (T * S)


def closed_form(T, S):
    """Right, another way: a triangular number."""
    n = max(0, S - 1 - abs(S - T))
    return (n * (n + 1) - max(0, n - T) * max(0, n - T + 1)) / 2 / (T * S)


def places(weights=lambda W, order: W, batch=lambda W: W.mean(0), orders=None, move=None):
    def by_place(unit, features):
        found = []
        for order in (orders or (lambda M: itertools.permutations(range(M))))(features.shape[1]):
            order = list(order)
            x = move(features, order) if move else features[:, order]
            found.append(batch(weights(unit(x).weights, order)))
        return torch.stack(found).mean(0)

    return by_place


def turned_back(W, order):
    back = np.argsort(order).tolist()
    return W[:, back][:, :, back]


def in_place(features, order):
    features[:] = features[:, order]
    return features


def of_features(features, order):
    torch.manual_seed(len(order))
    return features[:, :, torch.randperm(features.shape[-1])]


def there_and_back(M):
    return [range(M), range(M)[::-1]]


def at_random(M):
    rng = np.random.default_rng(0)
    return [rng.permutation(M) for _ in range(200)]


def fed_with_zeros(unit, features):
    return unit(torch.zeros_like(features)).weights.mean(0)


def by_clip(unit, features):
    """Right, another way: clip by clip, in NumPy and float64."""
    M, total, n = features.shape[1], 0.0, 0
    for order in itertools.permutations(range(M)):
        for x in features:
            total, n = total + unit(x[None, list(order)]).weights[0].double().numpy(), n + 1
    return total / n


def all_orders_at_once(unit, features):
    """Right, another way: the orders as one large batch."""
    M = features.shape[1]
    orders = torch.tensor([*itertools.permutations(range(M))])
    return unit(features[:, orders].flatten(0, 1)).weights.mean(0)


CASES = [  # chapter, check, answer, what is said of it
    ("12", "check_share", nothing, "returned None"),
    ("12", "check_share", lambda y, size: (y[:, None] == y).sum(1), "one number, got shape [6]"),
    ("12", "check_share", share(exact, kept=True), "not those alone"),
    ("12", "check_share", share(exact, lambda n, N, k: 1 / k), "not every class"),
    ("12", "check_share", share(lambda n, N, size: (1 - n / N) ** (size - 1)), "its own N - 1"),
    (
        "12",
        "check_share",
        share(lambda n, N, size: (1 - (n - 1) / (N - 1)) ** (size - 1)),
        "without replacement",
    ),
    ("12", "check_share", share(lambda n, N, size: exact(n, N, size + 1)), "not yet"),
    ("12", "check_share", share(exact, rounded=True), "[0.8, 0.8002, 1.2]"),
    ("12", "check_share", any_pair, "not the chance of any pair"),
    ("12", "check_share", drawn, "by counting"),
    ("12", "check_share", lambda y, _: share(exact)(y, 16), "not yet"),
    ("12", "check_share", rounds_in_place, "not yet"),
    ("12", "check_share", by_products, "correct"),
    ("12", "check_share", by_fractions, "correct"),
    ("12", "check_hidden", nothing, "returned None"),
    ("12", "check_hidden", allowed, "not those allowed"),
    ("12", "check_hidden", hides(lambda t, T, S: rest(t, T, S) + 1), "not >="),
    ("12", "check_hidden", hides(lambda t, T, S: S - 1 - t), "up to t + |S - T|"),
    ("12", "check_hidden", hides(lambda t, T, S: S - 1 - t - S + T), "T=496, S=46"),
    ("12", "check_hidden", hides(rest, over=lambda T, S: T * T), "T=3, S=5"),
    ("12", "check_hidden", hides(rest, over=lambda T, S: S * S), "T=3, S=5"),
    ("12", "check_hidden", hides(rest, over=lambda T, S: 1), "not yet"),
    ("12", "check_hidden", hides(rest, least=-1000), "T=496, S=46"),
    ("12", "check_hidden", triangle, "T=496, S=46"),
    ("12", "check_hidden", all_pairs_listed, "all pairs"),
    ("12", "check_hidden", packed, "a mask of all pairs"),
    ("12", "check_hidden", space("12")["hidden"], "a mask of all pairs"),
    ("12", "check_hidden", two_loops, "correct"),
    ("12", "check_hidden", closed_form, "correct"),
    ("12", "check_place", nothing, "returned None"),
    ("12", "check_place", places(turned_back), "do not turn W back"),
    ("12", "check_place", places(batch=lambda W: W), "shape [3, 3], got shape [7, 3, 3]"),
    ("12", "check_place", places(batch=lambda W: W[0]), "a mean over the clips"),
    ("12", "check_place", places(batch=lambda W: W.sum(0)), "no prior"),
    ("12", "check_place", places(orders=there_and_back), "over all M! orders"),
    ("12", "check_place", places(orders=at_random), "over all M! orders"),
    ("12", "check_place", places(orders=lambda M: itertools.permutations(range(3))), "not yet"),
    ("12", "check_place", places(move=in_place), "it changes `features`"),
    ("12", "check_place", places(move=of_features), "no prior"),
    ("12", "check_place", fed_with_zeros, "as they are"),
    ("12", "check_place", by_clip, "correct"),
    ("12", "check_place", all_orders_at_once, "correct"),
]
test_an_answer_is_told_what_it_is = told(CASES)
