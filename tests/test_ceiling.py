"""The readers who were told how the toy is made."""

from dataclasses import replace

import numpy as np
import pytest

from dmdlite.data import toy
from dmdlite.experiments import ceiling


@pytest.fixture(scope="module")
def told():
    maps, clips = toy.known(3, (4, 0, 60))
    return maps, clips["test"]


def views_of(clip, maps):
    return {m: ceiling.View(clip, m, maps[m]) for m in toy.SENSES if len(clip["x"][m])}


def dense(clip, maps, shown, sign):
    """The clip's numbers, each over its noise, and what each is a linear function of: written out
    from the equations of data.toy, one number at a time."""
    count = clip["events"]
    size = 2 * count + 2 + 9 * len(toy.SENSES)
    rows, seen = [], []
    for place, (m, sense) in enumerate(toy.SENSES.items()):
        a, b = maps[m]
        for step, x in enumerate(clip["x"][m]):
            t = step / sense.rate
            for d in range(sense.width):
                row = np.zeros(size)
                for k, u in enumerate(clip["times"]):
                    bump = np.exp(-((t - u - sense.lag) ** 2) / (2 * sense.bump**2)) * shown[m][k]
                    says = sign if m == "language" else 1
                    row[k] += bump * sense.valence * says * a[0, d]
                    row[count + k] += bump * sense.emphasis * a[1, d]
                    row[2 * count] += bump * a[2, d]
                    row[2 * count + 1] += bump * a[3, d]
                turn = 2 * np.pi * t / clip["seconds"]
                for j, drift in enumerate((1, np.sin(turn), np.cos(turn))):
                    at = 2 * count + 2 + 9 * place + 3 * j
                    row[at : at + 3] += 0.6 * drift * b[:, d]
                rows.append(row / sense.noise)
                seen.append(x[d] / sense.noise)
    return np.array(rows), np.array(seen)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_posterior_is_that_of_the_equations(told, sign):
    maps, clips = told
    rng = np.random.default_rng(0)
    for clip in clips[:3]:
        count = clip["events"]
        shown = {m: rng.random(count) < 0.6 for m in toy.SENSES}
        prior = ceiling.precision(count)
        views = views_of(clip, maps)
        mean, root, _ = ceiling.posterior(views, shown, prior, count, sign)
        design, seen = dense(clip, maps, shown, sign)
        total = design.T @ design + prior
        np.testing.assert_allclose(root @ root.T, total, rtol=1e-8, atol=1e-6)
        np.testing.assert_allclose(mean, np.linalg.solve(total, design.T @ seen), atol=1e-6)


def test_evidence_compares_the_two_signs_as_the_marginal_likelihood_does(told):
    maps, clips = told
    clip = next(c for c in clips if c["events"] == 3 and all(len(x) for x in c["x"].values()))
    shown = {m: np.ones(3, dtype=bool) for m in toy.SENSES}
    prior, views = ceiling.precision(3), views_of(clip, maps)
    logs, exact = [], []
    for sign in (1, -1):
        logs.append(ceiling.posterior(views, shown, prior, 3, sign)[2])
        design, seen = dense(clip, maps, shown, sign)
        covariance = np.eye(len(seen)) + design @ np.linalg.inv(prior) @ design.T
        half = np.linalg.slogdet(covariance)[1] / 2
        exact.append(-seen @ np.linalg.solve(covariance, seen) / 2 - half)
    assert logs[0] - logs[1] == pytest.approx(exact[0] - exact[1], abs=1e-4)


@pytest.mark.parametrize("count", [2, 5])
def test_the_prior_has_the_covariance_of_the_toys_draws(count):
    rng = np.random.default_rng(0)
    n = 200_000
    valence = rng.normal(size=(n, 1)) + 0.7 * rng.normal(size=(n, count))
    emphasis = rng.gamma(2.0, size=(n, count))
    emphasis = emphasis / emphasis.mean(1, keepdims=True) - 1
    found = np.linalg.inv(ceiling.precision(count))
    drawn = np.cov(np.hstack([valence, emphasis]).T)
    assert np.abs(found[: 2 * count, : 2 * count] - drawn).max() < 0.02


def test_who_knows_what_made_it_errs_by_rounding_alone(told):
    _, clips = told
    labels = np.array([clip["y"] for clip in clips])
    error = np.abs(ceiling.from_factors(clips) - labels)
    assert error.max() <= 0.1 + 1e-9
    assert 0.03 < error.mean() < 0.07  # of a uniform draw: 0.05


def test_without_noise_and_gaps_the_sentiment_is_read_off(monkeypatch):
    clear = {
        m: replace(s, noise=0.02, shown=0.999, missing=0.0, emphasis=max(s.emphasis, 0.5))
        for m, s in toy.SENSES.items()
    }
    monkeypatch.setattr(toy, "SENSES", clear)
    monkeypatch.setattr(ceiling, "SENSES", clear)
    maps, clips = toy.known(5, (0, 0, 30))
    labels = np.array([clip["y"] for clip in clips["test"]])
    error = np.abs(ceiling.from_clips(clips["test"], maps, sweeps=30) - labels)
    assert np.median(error) < 0.1
    assert error.mean() < 0.2  # two events at one moment cannot be told apart


def test_the_ceiling_is_above_every_model_and_below_what_made_the_clip(told):
    """Every fourth clip lacks a modality or misleads; which mislead, the reader is not told."""
    maps, clips = told
    labels = np.array([clip["y"] for clip in clips])
    read = np.abs(ceiling.from_clips(clips, maps, sweeps=40) - labels).mean()
    assert 0.1 < read < 0.62  # the linear model's is 0.69 over draws
    again = ceiling.from_clips(clips[:5], maps, sweeps=40)
    assert (again == ceiling.from_clips(clips[:5], maps, sweeps=40)).all()
