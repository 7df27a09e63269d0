"""What the checks of chapter 13 say: to further answers that a learner may write, to answers of
another type, and to right ones written another way than the solution."""

import itertools

import numpy as np
import torch

from tests.chapters import told


def nothing(*_, **__):
    return None


def split(columns, change=lambda W: W):
    def factors(weights, rank):
        U, S, Vh = torch.linalg.svd(change(weights), full_matrices=False)
        return columns(U, S, Vh, rank)

    return factors


def products_of(U, S, Vh, r):
    return U[:, :r] * S[:r], Vh[:r].T


def peeled(weights, rank, copy):
    """One factor after the other, by power iteration."""
    left, found = weights.clone() if copy else weights, []
    for _ in range(rank):
        b = torch.ones(weights.shape[1], 1)
        for _ in range(500):
            b = left.T @ (left @ b)
            b = b / b.norm()
        a = left @ b
        left -= a @ b.T
        found.append((a, b))
    return torch.cat([a for a, _ in found], 1), torch.cat([b for _, b in found], 1)


def peels_the_input(weights, rank):
    return peeled(weights, rank, copy=False)


def by_power_iteration(weights, rank):
    """Right, another way."""
    return peeled(weights, rank, copy=True)


def by_eigenvectors(weights, rank):
    """Right, another way: NumPy, float64, a list."""
    W = weights.double().numpy()
    vectors = np.linalg.eigh(W.T @ W)[1][:, ::-1][:, :rank].copy()
    return [W @ vectors, vectors]


def from_the_end(weights, rank):
    vectors = torch.linalg.eigh(weights.T @ weights)[1][:, :rank]
    return weights @ vectors, vectors


def resampled(win=lambda a, b: a.mean(1) < b.mean(1), seeded=True, size=None, count=None):
    def ahead(a, b, draws=2000, seed=0):
        rng = np.random.default_rng(seed if seeded is True else seeded)
        picks = rng.integers(len(a), size=(count or draws, size or len(a)))
        return np.mean(win(np.asarray(a)[picks], np.asarray(b)[picks]))

    return ahead


def one_draw_for_all(a, b, draws=2000, seed=0):
    picks = np.random.default_rng(seed).integers(len(a), size=len(a))
    return float(np.mean([a[picks].mean() < b[picks].mean() for _ in range(draws)]))


def half_a_tie(a, b):
    gap = b.mean(1) - a.mean(1)
    return (gap > 0) + 0.5 * (gap == 0)


def sign_flips(a, b, draws=2000, seed=0):
    signs = np.random.default_rng(seed).choice([1, -1], size=(draws, len(a)))
    return np.mean((signs * (b - a)).mean(1) < (b - a).mean())


def subtracts_in_place(a, b, draws=2000, seed=0):
    b -= a
    picks = np.random.default_rng(seed).integers(len(b), size=(draws, len(b)))
    return np.mean(b[picks].mean(1) > 0)


def by_counts(a, b, draws=2000, seed=0):
    """Right, another way: how often a draw holds each clip."""
    N = len(a)
    times = np.random.default_rng(seed).multinomial(N, np.full(N, 1 / N), size=draws)
    return torch.tensor((times @ (np.asarray(b) - np.asarray(a)) > 0).mean())


def by_choice(a, b, draws=2000, seed=0):
    """Right, another way: torch, one draw after the other."""
    generator, gain = torch.Generator().manual_seed(seed), torch.tensor(b) - torch.tensor(a)
    means = [
        gain[torch.randint(len(gain), (len(gain),), generator=generator)].mean()
        for _ in range(draws)
    ]
    return sum(float(x) > 0 for x in means) / draws


def pairs(join=lambda a, b: (a[:, :, None] * b[:, None, :]).flatten(1), of=None, first=list):
    def pairwise_products(vectors):
        parts = first(vectors)
        for a, b in (of or (lambda v: itertools.combinations(v, 2)))(vectors):
            parts.append(join(a, b))
        return torch.cat(parts, 1)

    return pairwise_products


def three_only(vectors):
    a, b, c = vectors
    return torch.cat([a, b, c, *(pairs(first=lambda _: [])([a, b, c]),)], 1)


def with_triples(vectors):
    join = "bi,bj,bk->bijk"
    triples = [torch.einsum(join, *v).flatten(1) for v in itertools.combinations(vectors, 3)]
    return torch.cat([pairs()(vectors), *triples], 1)


def batch_of_five(vectors):
    return pairs(lambda a, b: (a[:, :, None] * b[:, None, :]).reshape(5, -1))(vectors)


def clips_mixed(a, b):
    return (a.roll(1, 0)[:, :, None] * b[:, None, :]).flatten(1)


def by_one_matrix(vectors):
    """Right, another way: the blocks above the diagonal of one outer product, in float64."""
    x = torch.cat(vectors, 1).double()
    owner = torch.repeat_interleave(torch.tensor([v.shape[1] for v in vectors]))
    i, j = (owner[:, None] < owner).nonzero().T
    return torch.cat([x[:, i] * x[:, j], x], 1)


def by_loops(vectors):
    """Right, another way: entry by entry, in NumPy."""
    rows = []
    for clip in zip(*[v.numpy() for v in vectors], strict=True):
        row = [x for v in clip for x in v]
        for k, v in enumerate(clip):
            row += [x * y for u in clip[:k] for x in v for y in u]
        rows.append(row)
    return np.array(rows)


CASES = [  # chapter, check, answer, what is said of it
    ("13", "check_factors", nothing, "A and B, got NoneType"),
    ("13", "check_factors", lambda W, rank: W[:, :rank], "A and B, got Tensor"),
    ("13", "check_factors", split(lambda U, S, Vh, r: (U, S, Vh)), "too many values"),
    ("13", "check_factors", split(lambda U, S, Vh, r: (U[:, :r], Vh[:r].T)), "are missing"),
    (
        "13",
        "check_factors",
        split(lambda U, S, Vh, r: (U[:, :r] * S[:r], Vh[:r].T * S[:r])),
        "are in both",
    ),
    ("13", "check_factors", from_the_end, "the largest singular values"),
    (
        "13",
        "check_factors",
        split(lambda U, S, Vh, r: (U[:, :r] * S[:r], Vh[:, :r])),
        "from W, the best 3",
    ),
    (
        "13",
        "check_factors",
        split(lambda U, S, Vh, r: products_of(U, S, Vh, r)[::-1]),
        "not yet",
    ),
    ("13", "check_factors", split(products_of, lambda W: W - W.mean(0)), "not yet"),
    ("13", "check_factors", lambda W, rank: (W, torch.eye(W.shape[1])), "got shape [5, 5]"),
    ("13", "check_factors", peels_the_input, "it changes `weights`"),
    ("13", "check_factors", by_power_iteration, "correct"),
    ("13", "check_factors", by_eigenvectors, "correct"),
    ("13", "check_ahead", nothing, "returned None"),
    ("13", "check_ahead", resampled(lambda a, b: a < b, count=50), "one clip decides"),
    ("13", "check_ahead", one_draw_for_all, "not yet"),
    ("13", "check_ahead", resampled(half_a_tie), "a tie is not ahead: 0, got 0.50"),
    ("13", "check_ahead", resampled(lambda a, b: np.median(b - a, 1) > 0), "one clip decides"),
    ("13", "check_ahead", resampled(size=100), "not yet"),
    ("13", "check_ahead", sign_flips, "not yet"),
    ("13", "check_ahead", resampled(seeded=None), "the same seed"),
    ("13", "check_ahead", resampled(seeded=0), "every seed gives the same"),
    ("13", "check_ahead", resampled(count=2001), "of `draws` draws"),
    ("13", "check_ahead", subtracts_in_place, "it changes `b`"),
    ("13", "check_ahead", by_counts, "correct"),
    ("13", "check_ahead", by_choice, "correct"),
    ("13", "check_pairwise", nothing, "returned None"),
    ("13", "check_pairwise", lambda vectors: vectors, "not a list"),
    ("13", "check_pairwise", pairs(first=lambda vectors: vectors), "it changes `vectors`"),
    ("13", "check_pairwise", pairs(first=lambda _: []), "every entry itself"),
    ("13", "check_pairwise", with_triples, "no products of three"),
    ("13", "check_pairwise", three_only, "not enough values to unpack"),
    ("13", "check_pairwise", batch_of_five, "not yet"),
    ("13", "check_pairwise", pairs(clips_mixed), "other entries"),
    ("13", "check_pairwise", pairs(lambda a, b: (a[:, :, None] + b[:, None]).flatten(1)), "other"),
    ("13", "check_pairwise", pairs(of=lambda v: itertools.permutations(v, 2)), "nothing twice"),
    ("13", "check_pairwise", pairs(of=lambda v: itertools.product(v, v)), "not yet"),
    ("13", "check_pairwise", by_one_matrix, "correct"),
    ("13", "check_pairwise", by_loops, "on Tensor that requires grad"),
]
test_an_answer_is_told_what_it_is = told(CASES)
