"""What the checks of chapter 11 say: to further answers that a learner may write, to answers of
another type, and to right ones written another way than the solution."""

import itertools

import numpy as np
from scipy import stats

from dmdlite.experiments import tables
from tests.chapters import told


def nothing(*_, **__):
    return None


def flipped(far=np.abs, statistic=np.mean, atol=1e-12, own=True, twice=False):
    """All 2^n flips; `far` says how far from zero a flip lies, and the data."""

    def sign_flip_p(differences):
        n = len(differences)
        flips = [statistic(np.array(s) * differences) for s in itertools.product((1, -1), repeat=n)]
        flips = np.array(flips[0 if own else 1 :])
        p = np.mean(far(flips) >= far(statistic(differences)) - atol)
        return min(1.0, 2 * p) if twice else p

    return sign_flip_p


def forgets_one_sign(differences):
    n = len(differences)
    means = [np.mean(np.array(s) * differences) for s in itertools.product((1, -1), repeat=n)]
    return np.mean(np.abs(means) >= differences.mean() - 1e-12)


def at_random(differences):
    rng = np.random.default_rng(0)
    signs = rng.choice([1, -1], size=(10_000, len(differences)))
    return np.mean(np.abs((signs * differences).mean(1)) >= abs(differences.mean()) - 1e-12)


def with_one_added(differences):
    n = len(differences)
    return (flipped()(differences) * 2**n + 1) / (2**n + 1)


def sign_test(differences):
    return stats.binomtest(int((differences > 0).sum()), len(differences)).pvalue


def flips_in_place(differences):
    whole, far = abs(differences.sum()), 0
    for k in range(2 ** len(differences)):
        for i in range(len(differences)):
            differences[i] = abs(differences[i]) * (1 - 2 * (k >> i & 1))
        far += abs(differences.sum()) >= whole - 1e-12
    return far / 2 ** len(differences)


def half_of_the_flips(differences):
    """Right, another way: the first sign stays, since a flip of all is as far."""
    first, *others = differences
    sums = np.array([first])
    for d in others:
        sums = np.concatenate([sums + d, sums - d])
    return float(
        np.mean(np.isclose(abs(sums), abs(sum(differences))) | far_from(sums, differences))
    )


def far_from(sums, differences):
    return abs(sums) > abs(sum(differences))


def by_recursion(differences):
    """Right, another way: a tree of sums, and a Python list."""

    def leaves(rest, total):
        return (
            leaves(rest[1:], total + rest[0]) + leaves(rest[1:], total - rest[0])
            if rest
            else [total]
        )

    total = sum(differences.tolist())
    found = leaves(differences.tolist(), 0.0)
    return sum(abs(x) > abs(total) - 1e-10 for x in found) / len(found)


def one_sample(d, crit=None, ddof=1, one_sided=False, df=None):
    n = d.shape[1]
    t = d.mean(1) / (d.std(1, ddof=ddof) / np.sqrt(n))
    level = 0.95 if one_sided else 0.975
    limit = (
        stats.norm.ppf(level) if crit == "z" else stats.t.ppf(level, (df or (lambda n: n - 1))(n))
    )
    return t > limit if one_sided else abs(t) > limit


def power(found_in, wanted=0.8, last=60, off=0, never=None):
    """The first n at which a test finds enough of the sweeps' differences."""

    def seeds_needed(mean, sd, sweeps=400):
        rng = np.random.default_rng(0)
        for n in range(2, last + 1):
            if np.mean(found_in(rng, mean, sd, (sweeps, n))) >= wanted:
                return n + off
        return never

    return seeds_needed


def sampled(**how):
    return lambda rng, mean, sd, size: one_sample(rng.normal(mean, sd, size), **how)


def two_groups(rng, mean, sd, size):
    a, b = rng.normal(mean, sd, size), rng.normal(0, sd, size)
    return stats.ttest_ind(a, b, axis=1).pvalue < 0.05


def against_zeros(rng, mean, sd, size):
    d = rng.normal(mean, sd, size)
    return stats.ttest_ind(d, np.zeros(size), axis=1).pvalue < 0.05


def by_formula(mean, sd, sweeps=400):
    n = int(np.ceil(((1.96 + 0.84) * sd / mean) ** 2))
    return max(2, n) if n <= 60 else None


def exactly(mean, sd, sweeps=400):
    """Right, another way: the noncentral t, no simulation."""
    for n in range(2, 61):
        limit, shift = stats.t.ppf(0.975, n - 1), abs(mean) / sd * n**0.5
        if stats.nct.sf(limit, n - 1, shift) >= 0.8:
            return n
    return None


def gaps_closed(of=lambda own, base: 1 - own / base, gap=None, paired=True, kind=None):
    def gap_closed(rows, system, base):
        found = []
        for name in (system, base):
            mine = rows[rows["system"] == name]
            mine = mine.sort_values("seed") if paired else mine
            own = [mine[f"homo_{m}_acc2"].to_numpy() for m in ("language", "vision", "audio")]
            found.append((gap or (lambda x, *others: x - np.mean(others, axis=0)))(*own))
        result = of(*found)
        return kind(result) if kind else result

    return gap_closed


def sorts_the_table(rows, system, base):
    rows.sort_values(["system", "seed"], inplace=True)
    return gaps_closed()(rows, system, base)


def by_pivot(rows, system, base):
    """Right, another way: a pandas Series by seed."""
    gap = rows["homo_language_acc2"] - rows[["homo_vision_acc2", "homo_audio_acc2"]].mean(axis=1)
    wide = rows.assign(gap=gap).pivot(index="seed", columns="system", values="gap")
    return 1 - wide[system] / wide[base]


def with_the_package(rows, system, base):
    own, others = (tables.alone(rows, name, "acc2") for name in (system, base))
    return list(1 - (own[0] - own[1:].mean(0)) / (others[0] - others[1:].mean(0)))


CASES = [  # chapter, check, answer, what is said of it
    ("11", "check_flip", nothing, "returned None"),
    ("11", "check_flip", lambda d: np.sign(d), "one number, got shape [3]"),
    ("11", "check_flip", forgets_one_sign, "far below zero is far, too"),
    ("11", "check_flip", flipped(lambda x: -x), "two-sided"),
    ("11", "check_flip", flipped(lambda x: x, twice=True), "far below zero is far, too"),
    ("11", "check_flip", flipped(own=False), "each once"),
    ("11", "check_flip", at_random, "each once"),
    ("11", "check_flip", with_one_added, "each once"),
    ("11", "check_flip", flipped(atol=1e-2), "small differences count, too"),
    ("11", "check_flip", flipped(statistic=np.median), "not yet"),
    ("11", "check_flip", sign_test, "the mean decides, not the signs"),
    ("11", "check_flip", flips_in_place, "it changes `differences`"),
    ("11", "check_flip", half_of_the_flips, "correct"),
    ("11", "check_flip", by_recursion, "correct"),
    ("11", "check_seeds", nothing, "got None"),
    ("11", "check_seeds", power(two_groups), "sd is of the differences"),
    ("11", "check_seeds", power(against_zeros), "n - 1 degrees of freedom"),
    ("11", "check_seeds", power(sampled(ddof=0)), "n - 1 degrees of freedom"),
    ("11", "check_seeds", power(sampled(crit="z")), "n - 1 degrees of freedom"),
    ("11", "check_seeds", power(sampled(one_sided=True)), "two-sided"),
    ("11", "check_seeds", power(sampled(), never=60), "None, got 60"),
    ("11", "check_seeds", power(sampled(), off=1), "the first that will do"),
    ("11", "check_seeds", power(sampled(), wanted=0.95), "the first that will do"),
    ("11", "check_seeds", by_formula, "n - 1 degrees of freedom"),
    ("11", "check_seeds", power(sampled()), "correct"),
    ("11", "check_seeds", exactly, "correct"),
    ("11", "check_gap", nothing, "returned None"),
    ("11", "check_gap", gaps_closed(kind=np.mean), "shape [4], got shape []"),
    ("11", "check_gap", gaps_closed(kind=lambda x: dict(enumerate(x))), "not a dict"),
    ("11", "check_gap", gaps_closed(paired=False), "by seed"),
    ("11", "check_gap", gaps_closed(lambda own, base: own / base), "not what is left"),
    ("11", "check_gap", gaps_closed(lambda own, base: 1 - base / own), "the base's gap"),
    ("11", "check_gap", gaps_closed(lambda own, base: base - own), "gaps of a"),
    ("11", "check_gap", gaps_closed(lambda o, b: np.clip(1 - o / b, 0, 1)), "stays as it is"),
    ("11", "check_gap", gaps_closed(lambda o, b: 1 - abs(o) / abs(b)), "below 0"),
    ("11", "check_gap", gaps_closed(gap=lambda x, v, a: x - v), "gaps of a"),
    ("11", "check_gap", sorts_the_table, "it changes `rows`"),
    ("11", "check_gap", by_pivot, "correct"),
    ("11", "check_gap", with_the_package, "correct"),
]
test_an_answer_is_told_what_it_is = told(CASES)
