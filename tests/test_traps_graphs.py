"""What the checks of chapter 6, Exercises 2 and 3, say: to wrong answers beside those of
`test_traps_build`, and to right answers written another way than the solution."""

import torch

from tests.chapters import space, told


def loops(size=None, clips=None, edge=lambda i, j: i != j, gap=abs, over=len):
    """Eq. 9 as loops, with one step exchanged."""

    def loss_by_loops(z, W):
        B, M = clips or len(z), size or z.shape[1]
        edges = [(i, j) for i in range(M) for j in range(M) if edge(i, j)]
        total = sum(
            float(W[b, i, j]) * gap(float(z[b, j] - z[b, i])) for b in range(B) for i, j in edges
        )
        return total / over(z)

    return loss_by_loops


def by_einsum(z, W):
    """Right, another way: in float64, without loops, as a tensor."""
    return torch.einsum("bij,bij->", W.double(), space("06")["gaps"](z).double()) / len(z)


def rescaled(kept, W, dim=1):
    return kept * (W.sum(dim, keepdim=True) / kept.sum(dim, keepdim=True).clamp(min=1e-12))


def heaviest(W, k, dim=1, largest=True):
    index = W.topk(k, dim=dim, largest=largest).indices
    return torch.zeros_like(W).scatter_(dim, index, W.gather(dim, index))


def sums_to_one(W, k):
    kept = heaviest(W, k)
    return kept / kept.sum(1, keepdim=True)


def over_the_graph(W, k):
    kept = heaviest(W, k)
    return kept * (W.sum((1, 2), keepdim=True) / kept.sum((1, 2), keepdim=True))


def of_the_graph(W, k):
    flat = heaviest(W.flatten(1), k).view_as(W)
    return rescaled(flat, W)


def nan_without_edges(W, k):
    kept = heaviest(W, k)
    return kept * (W.sum(1, keepdim=True) / kept.sum(1, keepdim=True))


def first_clip_only(W, k):
    return rescaled(heaviest(W, k), W)[:1]


def lightest(W, k):
    return rescaled(heaviest(W + 9 * torch.eye(W.shape[1]), k, largest=False), W)


def in_place(W, k):
    dropped = W.topk(W.shape[1] - k, dim=1, largest=False).indices
    sums = W.sum(1, keepdim=True)
    W.scatter_(1, dropped, 0.0)
    return W * (sums / W.sum(1, keepdim=True).clamp(min=1e-12))


def student_by_student(W, k):
    """Right, another way: loops."""
    found = torch.zeros_like(W)
    for b in range(len(W)):
        for j in range(W.shape[1]):
            column = W[b, :, j]
            best = sorted(range(len(column)), key=lambda i: -float(column[i]))[:k]
            if column[best].sum() > 0:
                found[b, best, j] = column[best] * (column.sum() / column[best].sum())
    return found


CASES = {  # check -> (answer, what is said of it)
    "check_loops": [
        (loops(), "correct"),
        (by_einsum, "correct"),
        (loops(size=3), "four modalities here: read M from z"),
        (loops(clips=1), "every clip counts, not only one"),
        (loops(gap=lambda g: g * g), "one edge L -> V: |0.5 - 2|"),
        (loops(gap=lambda g: max(g, 0)), "one edge L -> V: |0.5 - 2|"),
        (loops(edge=lambda i, j: i < j), "each pair has two edges"),
        (loops(edge=lambda i, j: i > j), "one edge L -> V: |0.5 - 2|"),
        (loops(over=lambda z: 1), "a mean over clips, not a sum"),
        (loops(over=lambda z: z.numel()), "one edge L -> V: |0.5 - 2|"),
        (
            loops(over=lambda z: z.numel() * (z.shape[1] - 1)),
            "one edge L -> V: |0.5 - 2|",
        ),
        (loops(over=lambda z: len(z) - 1 or 1), "expected 0.3934"),
        (lambda z, W: None, "it returned None: is a `return` missing?"),
        (lambda z, W: space("06")["gaps"](z) * W, "expected one number"),
        (lambda z, W: (space("06")["gaps"](z) * W).sum((1, 2)), "expected one number"),
    ],
    "check_top_k": [
        (student_by_student, "correct"),
        (in_place, "it changes `W`, which it was given: work on a copy"),
        (lambda W, k: student_by_student(W, k).double(), "correct"),
        (sums_to_one, "each student's weights sum to what they did"),
        (over_the_graph, "each student's weights sum to what they did"),
        (of_the_graph, "k = 1: one edge into each student"),
        (nan_without_edges, "a student without edges (a missing modality)"),
        (first_clip_only, "expected shape [2, 5, 5]"),
        (lightest, "k = 1 keeps 0.15 into L, 0.4 into V and 0.2"),
        (
            lambda W, k: rescaled(heaviest(W, min(k + 1, W.shape[1])), W),
            "k = 1: one edge into each student",
        ),
        (
            lambda W, k: rescaled(heaviest(W, max(k - 1, 1)), W),
            "k = 2 keeps every edge of three modalities",
        ),
        (lambda W, k: rescaled(heaviest(W, k, 2), W, 2), "edges into a student are a column, W[b"),
        (
            lambda W, k: rescaled(heaviest(W, k), W, 2),
            "each student's weights sum to what they did",
        ),
        (lambda W, k: heaviest(W, k), "each student's weights sum to what they did"),
        (lambda W, k: heaviest(W, k) > 0, "each student's weights sum to what they did"),
        (lambda W, k: W.topk(k, dim=1).values, "expected shape [1, 3, 3]"),
        (lambda W, k: None, "it returned None: is a `return` missing?"),
    ],
}
test_an_answer_is_told_what_it_is = told(
    [("06", check, *case) for check, cases in CASES.items() for case in cases]
)
