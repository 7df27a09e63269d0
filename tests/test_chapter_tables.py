"""The tables chapter and the one on paper and code: their checks refuse wrong answers."""

import itertools
import math

import numpy as np
import pytest
import torch

from dmdlite.attention import attention_mask
from dmdlite.experiments import tables
from tests.chapters import chapter

TABLES, CODE = chapter("11_the_tables"), chapter("12_paper_against_code")


def test_triplet_share_by_counting():
    """Two clips of one class and one of another, two modalities: by hand."""
    labels = torch.tensor([1.0, 1.0, -2.0])
    of_eq_4, crossing = CODE["triplet_shares"](labels, modalities=2)
    # Anchors: four codes of class 1, two of class -2. Class 1: positives 3, of them 2 in the other
    # modality; negatives 2, of them 1 in the same. Class -2: positives 1, crossed; negatives 4, 2.
    assert of_eq_4 == pytest.approx((4 * 2 * 1 + 2 * 1 * 2) / (4 * 3 * 2 + 2 * 1 * 4))
    assert crossing == pytest.approx((4 * 2 + 2 * 1) / (4 * 3 + 2 * 1))


def test_steps_by_hand():
    assert CODE["steps"](1284) == (8, 4)
    assert CODE["steps"](320) == (2, 0)
    assert CODE["steps"](100) == (0, 100)


def test_hidden_counts_the_mask():
    q, s = torch.ones(1, 7, dtype=torch.bool), torch.ones(1, 4, dtype=torch.bool)
    allowed = attention_mask(q, s, causal=True)
    assert CODE["hidden"](7, 4) == pytest.approx(1 - allowed.float().mean().item())


def one_sided(differences):
    n = len(differences)
    means = [np.mean(np.array(s) * differences) for s in itertools.product((1, -1), repeat=n)]
    return float(np.mean(np.array(means) >= differences.mean() - 1e-12))


def strictly_farther(differences):
    n = len(differences)
    means = [abs(np.mean(np.array(s) * differences)) for s in itertools.product((1, -1), repeat=n)]
    return float(np.mean(np.array(means) > abs(differences.mean()) + 1e-12))


def half_power(mean, sd, sweeps=400):
    rng = np.random.default_rng(0)
    for n in range(2, 61):
        d = rng.normal(mean, sd, size=(sweeps, n))
        if np.mean([TABLES["paired_p"](x, np.zeros(n)) < 0.05 for x in d]) >= 0.5:
            return n
    return None


def ignores_the_mean(mean, sd, sweeps=400):
    return 10


def gap_to_the_best(rows, system, base):
    def gap(name):
        language, *others = tables.alone(rows, name, "acc2")
        return language - np.max(others, axis=0)

    return 1 - gap(system) / gap(base)


def the_other_way_round(rows, system, base):
    def gap(name):
        language, *others = tables.alone(rows, name, "acc2")
        return language - np.mean(others, axis=0)

    return 1 - gap(base) / gap(system)


def with_replacement(labels, size):
    _, counts = np.unique(labels.numpy(), return_counts=True)
    share = counts / len(labels)
    return float(1 - np.sum(share * (1 - share) ** (size - 1)))


def any_partner(labels, size):
    n = len(labels)
    _, counts = np.unique(labels.numpy(), return_counts=True)
    alone = math.prod((n - c) / n for c in counts)
    return 1 - alone


def without_reach(T, S):
    return sum(max(0, S - 1 - t) for t in range(T)) / (T * S)


def off_by_one(T, S):
    return sum(max(0, S - (t + abs(S - T))) for t in range(T)) / (T * S)


def as_it_lies(unit, features):
    return unit(features).weights.mean(0)


def rotations_only(unit, features):
    m = features.shape[1]
    return torch.stack([unit(features.roll(k, 1)).weights.mean(0) for k in range(m)]).mean(0)


@pytest.mark.parametrize(
    ("ns", "check", "answer"),
    [
        (TABLES, "check_flip", one_sided),
        (TABLES, "check_flip", strictly_farther),
        (TABLES, "check_seeds", half_power),
        (TABLES, "check_seeds", ignores_the_mean),
        (TABLES, "check_gap", gap_to_the_best),
        (TABLES, "check_gap", the_other_way_round),
        (CODE, "check_share", with_replacement),
        (CODE, "check_share", any_partner),
        (CODE, "check_hidden", without_reach),
        (CODE, "check_hidden", off_by_one),
        (CODE, "check_place", as_it_lies),
        (CODE, "check_place", rotations_only),
    ],
)
def test_wrong_answers_are_refused(capsys, ns, check, answer):
    ns["attempt"](ns[check], answer)
    assert capsys.readouterr().out.startswith("not yet: ")
