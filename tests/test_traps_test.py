"""What the checks of chapters 9 to 13 say: to the traps that they warn of, to answers that
stop, and to right answers written another way than the solution."""

import itertools
import math

import numpy as np
import torch
from torch import nn

import dmdlite
from tests.chapters import space, told


def without_reset(errors, patience):
    best = waited = 0
    for epoch, error in enumerate(errors):
        if error < errors[best]:
            best = epoch
        elif epoch:
            waited += 1
        if waited >= patience:
            return best + 1, epoch + 1
    return best + 1, len(errors)


def with_reset(errors, patience):
    """Right, another way: a counter."""
    best, waited = 0, 0
    for epoch, error in enumerate(errors):
        best, waited = (epoch, 0) if error < errors[best] else (best, waited + (epoch > 0))
        if waited >= patience:
            return best + 1, epoch + 1
    return best + 1, len(errors)


def rates(optimiser, written=None):
    def two_rates(model, rate, gd_rate):
        rate, gd_rate = written or (rate, gd_rate)
        of_units = [p for n, p in model.named_parameters() if n.startswith(("homo", "hetero"))]
        mine = set(map(id, of_units))
        rest = [p for p in model.parameters() if id(p) not in mine]
        return optimiser([{"params": rest}, {"params": of_units, "lr": gd_rate}], lr=rate)

    return two_rates


def overlapping(model, rate, gd_rate):
    groups = [{"params": model.parameters()}, {"params": model.homo.parameters(), "lr": gd_rate}]
    return torch.optim.Adam(groups, lr=rate)


def sensitivity(wrong_row):
    def edge_sensitivity(unit, features):
        before, found = unit(features).weights, []
        for m in range(features.shape[1]):
            shuffled = features.clone()
            shuffled[:, m] = features[:, m].roll(1, 0)
            found.append((unit(shuffled).weights - before).abs().mean(0))
        if wrong_row is not None:
            found[wrong_row] = found[wrong_row] * 2
        return torch.stack(found)

    return edge_sensitivity


def sign_flip(tolerance):
    def sign_flip_p(differences):
        signs = itertools.product((1, -1), repeat=len(differences))
        means = np.abs([np.mean(np.array(s) * differences) for s in signs])
        return float(np.mean(means >= abs(differences.mean()) - tolerance))

    return sign_flip_p


def seeds_of(sd_counts):
    def seeds_needed(mean, sd, sweeps=400):
        rng = np.random.default_rng(0)
        for n in range(2, 61):
            d = rng.normal(mean, sd if sd_counts else 1.0, size=(sweeps, n))
            p = [space("11")["paired_p"](x, np.zeros(n)) for x in d]
            if np.mean(np.array(p) < 0.05) >= 0.8:
                return n
        return None

    return seeds_needed


def share(replace):
    def expected_share(labels, size):
        N, alone = len(labels), 0.0
        for n in labels.unique(return_counts=True)[1].tolist():
            if replace:
                alone += n / N * (1 - (n - 1) / (N - 1)) ** (size - 1)
            else:  # one after the other
                ways = [max(0, N - n - i) / (N - 1 - i) for i in range(size - 1)]
                alone += n / N * math.prod(ways)
        return 1 - alone

    return expected_share


def masked_by(library):
    def hidden_share(T, S):
        t, s = library.arange(T)[:, None], library.arange(S)[None]
        return float((s > t + abs(S - T)).sum()) / (T * S)

    return hidden_share


def row_by_row(T, S):
    return float(np.clip(S - 1 - abs(S - T) - np.arange(T), 0, None).sum()) / (T * S)


def without_reach(T, S):
    return sum(max(0, S - 1 - t) for t in range(T)) / (T * S)


def reads_the_prior(unit, features):
    M = features.shape[1]
    equal = (1 - torch.eye(M)) / (M * (M - 1))
    return equal if unit.prior is None else (equal + unit.prior) / 2


def ahead_if(beats):
    def ahead(a, b, draws=2000, seed=0):
        gain = np.asarray(b) - np.asarray(a)
        picks = np.random.default_rng(seed).integers(len(gain), size=(draws, len(gain)))
        return float(beats(gain[picks].mean(1)).mean())

    return ahead


def normal_approximation(a, b, draws=2000, seed=0):
    gain = np.asarray(b) - np.asarray(a)
    if not gain.any():
        return 0.0
    error = gain.std() / len(gain) ** 0.5
    return float(0.5 * (1 + math.erf(gain.mean() / max(error, 1e-12) / 2**0.5)))


def by_loop(a, b, draws=2000, seed=0):
    """Right, another way."""
    rng, won = np.random.default_rng(seed), 0
    for _ in range(draws):
        i = rng.choice(len(a), len(a))
        won += np.mean(np.asarray(a)[i]) < np.mean(np.asarray(b)[i])
    return won / draws


def factored(columns):
    def factors(weights, rank):
        U, S, Vh = torch.linalg.svd(weights, full_matrices=False)
        return columns(U, S, Vh, rank)

    return factors


CASES = [  # chapter, check, answer, what is said of it
    ("09", "check_stopping", without_reset, "patience 2: (5, 7)"),
    ("09", "check_stopping", with_reset, "correct"),
    ("09", "check_rates", rates(torch.optim.AdamW), "an Adam optimiser"),
    ("09", "check_rates", rates(torch.optim.Adam, (1e-3, 1e-4)), "0.002, got 0.001"),
    ("09", "check_rates", overlapping, "ValueError: some parameters appear in more than one"),
    ("09", "check_rates", rates(torch.optim.Adam), "correct"),
    ("10", "check_sensitivity", sensitivity(1), "shuffled vision"),
    ("10", "check_sensitivity", sensitivity(0), "shuffled language"),
    ("10", "check_sensitivity", sensitivity(-1), "shuffled the fourth"),
    ("10", "check_sensitivity", sensitivity(None), "correct"),
    ("11", "check_flip", sign_flip(0.0), "(0.1, 0.1, 0.2, -0.3): 1.0"),
    ("11", "check_flip", sign_flip(1e-9), "correct"),
    ("11", "check_seeds", seeds_of(False), "mean 1.0, sd 2.0"),
    ("12", "check_share", share(True), "without replacement"),
    ("12", "check_share", share(False), "correct"),
    ("12", "check_hidden", masked_by(torch), "a mask of all pairs"),
    ("12", "check_hidden", masked_by(np), "a mask of all pairs"),
    ("12", "check_hidden", row_by_row, "correct"),
    ("12", "check_hidden", without_reach, "step t reads up to t + |S - T|"),
    ("12", "check_place", reads_the_prior, "AttributeError"),
    ("13", "check_ahead", ahead_if(lambda gain: gain >= 0), "a tie is not ahead"),
    ("13", "check_ahead", normal_approximation, "0.67"),
    ("13", "check_ahead", by_loop, "correct"),
    ("13", "check_factors", factored(lambda U, S, V, r: (U[:, :r] * S[:r], V[:r].T)), "correct"),
    ("13", "check_factors", factored(lambda U, S, V, r: (U[:, :r], V[:r].T)), "best"),
]
test_an_answer_is_told_what_it_is = told(CASES)


def test_a_crash_says_where(capsys):
    def divide(x):
        return x / nn.Linear

    dmdlite.checks.attempt(lambda answer: answer(1), divide)
    out = capsys.readouterr().out
    assert out.startswith("not yet: it stops with TypeError: unsupported operand")
    assert out.endswith("(at: return x / nn.Linear)\n")
