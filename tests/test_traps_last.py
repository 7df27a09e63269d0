"""What a second hostile learner tried in chapters 8 to 14: each was accepted once."""

import numpy as np
import torch
from torch import nn

from dmdlite.experiments import tables
from tests.chapters import book, told


def warm(detach=(), keep_own=False):
    """The total with a warm-up, and parts of it without a gradient."""

    def total_with(output, batch, homo, hetero, epoch, warmup):
        terms = output.losses(batch)
        own = output.config.lambda_ddl * (terms["homo"] + terms["hetero"])
        own = own.detach() if keep_own else own
        base = terms["total"] - own
        pull = min(1.0, epoch / warmup) * (homo * terms["homo"] + hetero * terms["hetero"])
        base = base.detach() if "base" in detach else base
        return base + (pull.detach() if "pull" in detach else pull) + 0 * terms["task"]

    return total_with


def for_three(fusion, pooled, memory):
    M = pooled.shape[1]
    first = [fusion.gates[m](pooled[:, m]).sigmoid().mean(1) for m in range(M)]
    second = [fusion.gates[M + m](memory[:, m]).sigmoid().mean(1) for m in range(M)]
    return (torch.stack(first, 1) + 2 * torch.stack(second, 1)) / 3


def late(errors, patience):
    best = 0
    for epoch, error in enumerate(errors):
        best = epoch if error < errors[best] else best
        if epoch - best >= max(patience, 2):
            return best + 1, epoch + 1
    return best + 1, len(errors)


def cut(limit):
    """Gradients cut after each part, as the release does with the sum."""

    def accumulate(model, parts, loss):
        model.zero_grad()
        total = sum(len(part) for part in parts)
        for part in parts:
            (loss(model, part) * len(part) / total).backward()
            limit(model.parameters())

    return accumulate


def rates(step=False, frozen=False, **options):
    def two_rates(model, rate, gd_rate):
        optimiser = book("09", "two_rates")(model, rate, gd_rate)
        groups = [{k: g[k] for k in ("params", "lr")} for g in optimiser.param_groups]
        optimiser = torch.optim.Adam(groups, **options)
        if step:
            for p in model.parameters():
                p.grad = torch.zeros_like(p)
            optimiser.step()
        model.homo.requires_grad_(not frozen)
        return optimiser

    return two_rates


def of_parts(dataset, error):
    """As if errors of modalities were to be added."""
    alone = {}
    for m in dataset.modalities:
        alone[m] = error(book("10", "without")(dataset, m, 1))
    pairs = [(a, b) for i, a in enumerate(alone) for b in list(alone)[i + 1 :]]
    return {(a, b): alone[a] + alone[b] - error(dataset) for a, b in pairs}


def without_columns(dataset, error):
    ms = dataset.modalities
    pairs = [(a, b) for i, a in enumerate(ms) for b in ms[i + 1 :]]
    rest = {p: [m for m in ms if m not in p] for p in pairs}
    return {p: error(dataset.select(*left)) if left else 0 for p, left in rest.items()}


def by_containing(rows, system, base):
    def gap(name):
        own = rows[rows["system"].str.startswith(name)].drop_duplicates("seed")
        language, *others = tables.alone(own.assign(system=name), name, "acc2")
        return language - np.mean(others, axis=0)

    return 1 - gap(system) / gap(base)


def of_eight_bits(differences):
    n = len(differences)
    signs = np.unpackbits(np.arange(2**n).astype(np.uint8)[:, None], axis=1)[:, -n:]
    means = abs(((1 - 2.0 * signs) * differences).mean(1))
    return float(np.mean(means >= abs(np.mean(differences)) - 1e-12))


def nearly_as_far(differences):
    n = len(differences)
    signs = np.array([[1 - 2 * (k >> i & 1) for i in range(n)] for k in range(2**n)])
    means = np.abs((signs * differences).mean(1))
    return float(np.mean(means >= 0.9 * abs(differences.mean()) - 1e-12))


def in_closed_form(T, S):
    return T * (T - 1) / 2 / (T * S) if S >= T else max(0, 2 * S - T - 1) * T / 2 / (T * S)


def rounded(labels, size):
    return book("12", "expected_share")(labels.double().round(decimals=1), size)


def pairs_of(vectors, change=lambda v: v):
    with torch.no_grad():
        return book("13", "pairwise_products")([change(v) for v in vectors])


def zero_is_missing(fit, x, y):
    filled = np.nan_to_num(y)
    known = ~np.isnan(y)
    return np.where(filled != 0, filled, fit(x[known], y[known])(x))


def all_of_a_tie(valid, test):
    return test[valid == valid.min(1, keepdims=True)]


def near_the_best(valid, test):
    return test[np.arange(len(test)), (valid <= valid.min(1, keepdims=True) + 0.05).argmax(1)]


def with_a_column(rows, system, base):
    rows["mine"] = 1
    return book("11", "gap_closed")(rows, system, base)


CASES = [  # chapter, check, answer, what is said of it
    ("08", "check_total", warm(), "correct"),
    ("08", "check_total", warm(("pull",)), "its gradient is not"),
    ("08", "check_total", warm(("base",)), "its gradient is not"),
    ("08", "check_total", warm(keep_own=True), "its gradient is not"),
    ("08", "check_gates", for_three, "the mean over its 4 + 6 gates"),
    ("09", "check_stopping", late, "patience 1 ends"),
    ("09", "check_accumulate", cut(lambda p: nn.utils.clip_grad_value_(p, 0.6)), "not "),
    ("09", "check_accumulate", cut(lambda p: nn.utils.clip_grad_norm_(p, 5.0)), "not "),
    ("09", "check_rates", rates(weight_decay=1e-2), "weight_decay is not"),
    ("09", "check_rates", rates(maximize=True), "maximize is not"),
    ("09", "check_rates", rates(step=True), "it has made a step already"),
    ("09", "check_rates", rates(frozen=True), "some parameters are frozen"),
    ("09", "check_rates", rates(), "correct"),
    ("10", "check_pairs", of_parts, "000050, got"),
    ("10", "check_pairs", without_columns, "`without` only empties one"),
    ("11", "check_gap", by_containing, "gaps of a"),
    ("11", "check_gap", lambda *a: tuple(map(float, book("11", "gap_closed")(*a))), "correct"),
    ("11", "check_gap", with_a_column, "it changes `rows`, which it was given"),
    ("11", "check_flip", of_eight_bits, "stops with"),
    ("11", "check_flip", nearly_as_far, "nearly as far is not as far"),
    ("12", "check_hidden", in_closed_form, "T=5, S=4"),
    ("12", "check_share", rounded, "equal to the last digit"),
    ("13", "check_pairwise", pairs_of, "detached"),
    ("14", "check_pseudo", zero_is_missing, "it replaces true labels"),
    ("14", "check_reported", all_of_a_tie, "expected shape [10]"),
    ("14", "check_reported", near_the_best, "10 draws, 3 weights"),
]

test_an_answer_is_told_what_it_is = told(CASES)
