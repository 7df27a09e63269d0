"""The readers who were told how the toy is made."""

import numpy as np
import pytest

from dmdlite.baselines.simple import ridge
from dmdlite.data import toy
from dmdlite.data.scaling import standardize
from dmdlite.data.worlds import World
from dmdlite.experiments import ceiling


@pytest.fixture(scope="module")
def told():
    maps, clips = toy.known(3, (600, 1, 60))
    return maps, clips["test"]


def views_of(clip, maps, world=ceiling.TOY):
    return {m: ceiling.View(clip, m, maps[m], world) for m in toy.SENSES if len(clip["x"][m])}


def dense(clip, maps, shown, sign, world=ceiling.TOY):
    """The clip's numbers, each over its noise, and what each is a linear function of: written out
    from the equations of data.toy, one number at a time."""
    count = clip["events"]
    size = 2 * count + 2 + 9 * len(toy.SENSES)
    rows, seen = [], []
    for place, (m, sense) in enumerate(world.senses.items()):
        a, b = maps[m]
        worse = np.exp(world.reliability * clip["private_language"][2] - world.reliability**2)
        noise = sense.noise * (worse if m == "language" else 1)
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
                rows.append(row / noise)
                seen.append(x[d] / noise)
    return np.array(rows), np.array(seen)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "world", [ceiling.TOY, World(noise=(2, 0.5, 3), lag=1.5, reliability=0.7, shift=0.5)]
)
def test_the_posterior_is_that_of_the_equations(sign, world):
    maps, clips = toy.known(3, (0, 0, 3), world)
    rng = np.random.default_rng(0)
    for clip in clips["test"]:
        count = clip["events"]
        shown = {m: rng.random(count) < 0.6 for m in toy.SENSES}
        prior = ceiling.precision(count)
        views = views_of(clip, maps, world)
        mean, root, _ = ceiling.posterior(views, shown, prior, sign)
        design, seen = dense(clip, maps, shown, sign, world)
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
        logs.append(ceiling.posterior(views, shown, prior, sign)[2])
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
    parts = [valence, emphasis, rng.normal(size=(n, 2))]
    for _ in toy.SENSES:  # p (1 + 0.3 sin(turn + phase)) = p + p 0.3 cos(phase) sin + ...
        p, phase = rng.normal(size=(n, 3)), 2 * np.pi * rng.random((n, 1))
        parts += [p, 0.3 * np.cos(phase) * p, 0.3 * np.sin(phase) * p]
    found = np.linalg.inv(ceiling.precision(count))
    assert np.abs(found - np.cov(np.hstack(parts).T)).max() < 0.02


def test_the_sentiment_is_that_of_the_equations():
    rng = np.random.default_rng(1)
    valence, emphasis, manners = rng.normal(size=2), rng.normal(size=2), rng.normal(size=(3, 9))
    state = np.concatenate([valence, emphasis, rng.normal(size=2), manners.ravel()])
    felt = ((1 + emphasis) * valence).mean()
    manner = (manners[0, 0] + manners[1, 0] + manners[2, 0]) / 3**0.5
    expected = 1.45 * felt + 0.4 * manner - 0.15
    assert ceiling._sentiment(state, 2, ceiling.TOY) == pytest.approx(expected)


def test_events_are_shown_as_often_as_by_counting_all_cases(told):
    """Two events, the rest of the state known: four cases, each with its likelihood."""
    maps, clips = told
    clip = next(c for c in clips if c["events"] == 2 and len(c["x"]["vision"]))
    view, sense = ceiling.View(clip, "vision", maps["vision"]), toy.SENSES["vision"]
    rng = np.random.default_rng(0)
    state = 0.3 * rng.normal(size=2 * 2 + 2 + 9 * 3)  # faint events: no case is sure
    cases = [(a, b) for a in (False, True) for b in (False, True)]
    weights = []
    for case in cases:
        given = {m: np.array(case) for m in toy.SENSES}
        design, seen = dense(
            clip | {"x": {m: x if m == "vision" else x[:0] for m, x in clip["x"].items()}},
            maps,
            given,
            1,
        )
        fit = -((seen - design @ state) ** 2).sum() / 2
        prior = sum(np.log(sense.shown if shown else 1 - sense.shown) for shown in case)
        weights.append(fit + prior)
    exact = np.exp(np.array(weights) - max(weights))
    exact /= exact.sum()
    assert 0.02 < exact.max() < 0.98
    shown, counts = np.array([True, True]), dict.fromkeys(cases, 0)
    for _ in range(4000):
        shown = view.events_shown(state, 1, shown, rng)
        counts[tuple(bool(x) for x in shown)] += 1
    found = np.array([counts[case] for case in cases]) / 4000
    assert np.abs(found - exact).max() < 0.04


def test_who_knows_what_made_it_errs_by_rounding_alone(told):
    _, clips = told
    labels = np.array([clip["y"] for clip in clips])
    error = np.abs(ceiling.from_factors(clips) - labels)
    assert error.max() <= 0.1 + 1e-9
    assert 0.03 < error.mean() < 0.07  # of a uniform draw: 0.05


@pytest.mark.parametrize("binding", [None, 0.0, 1.0])
def test_without_noise_and_gaps_the_sentiment_is_read_off(binding):
    """But for two events at one moment, which cannot be told apart."""
    noise, reach = (0.04, 0.013, 0.013), (0.999,) * 3
    world = World(noise, reach, missing=(0, 0, 0), misleading=0.0, binding=binding)
    maps, clips = toy.known(5, (0, 0, 30), world)
    labels = np.array([clip["y"] for clip in clips["test"]])
    error = np.abs(ceiling.from_clips(clips["test"], maps, world, sweeps=30) - labels)
    assert np.median(error) < 0.1
    assert error.mean() < 0.25


def test_the_ceiling_is_above_ridge_and_below_what_made_the_clip(told):
    """Every fourth clip lacks a modality or misleads; which mislead, the reader is not told."""
    maps, clips = told
    labels = np.array([clip["y"] for clip in clips])
    read = np.abs(ceiling.from_clips(clips, maps, sweeps=40) - labels).mean()
    data = toy.make_toy(3, (600, 1, 60))  # the same clips
    train, test = standardize(data["train"], data["test"])
    rival = np.abs(ridge(train, test, pooling="sum") - test.labels.numpy()).mean()
    assert 0.1 < read < rival - 0.1
    again = ceiling.from_clips(clips[:5], maps, sweeps=40)
    assert (again == ceiling.from_clips(clips[:5], maps, sweeps=40)).all()
