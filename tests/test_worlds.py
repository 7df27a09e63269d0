"""Worlds: a dial turns what it says, by as much as it says, and nothing else."""

import inspect
from dataclasses import fields
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dmdlite
from dmdlite import DataError
from dmdlite.data.toy import SIZES, known, make_toy
from dmdlite.data.worlds import SENSES, World, spelled, toy_name
from dmdlite.experiments.study import drawn_again

SMALL = (300, 1, 300)
NAMES = tuple(SENSES)


@cache
def made(**dials):
    return known(5, SMALL, World(**dials))[1]


def clips_of(split="train", **dials):
    return made(**dials)[split]


def column(clips, name, i=None):
    return np.array([clip[name] if i is None else clip[name][i] for clip in clips])


def rows_of(clips, m):
    return np.concatenate([clip["x"][m] for clip in clips])


def same(clips, others, *names):
    """Whether these numbers of all clips are the same, to the last bit."""
    pairs = list(zip(clips, others, strict=True))
    found = [
        all(np.array_equal(a["x"][m], b["x"][m]) for a, b in pairs) for m in names if m in NAMES
    ]
    return all(found) and all(
        np.array_equal(column(clips, n), column(others, n)) for n in names if n not in NAMES
    )


ABOUT = ("y", "sentiment", "common", *(f"private_{m}" for m in NAMES), "misleading", "events")


@pytest.mark.parametrize(
    ("dial", "value", "changed"),
    [
        ("noise", (2, 1, 1), ("language",)),
        ("noise", (1, 1, 0.5), ("audio",)),
        ("reach", (0.95, 0.1, 0.7), ("vision",)),
        ("lag", 0.0, ("vision", "audio")),  # language's is 0
        ("missing", (0.06, 0.04, 0.5), ("audio",)),
        ("misleading", 0.5, ("language", "misleading")),
        ("binding", 0.5, ("y", "sentiment")),
        ("reliability", 1.0, ("language",)),
        ("shift", 0.5, (*NAMES, *(f"private_{m}" for m in NAMES))),
        ("label_noise", 1.0, ("y",)),
    ],
)
def test_a_dial_leaves_all_else_to_the_last_bit(dial, value, changed):
    plain, turned = clips_of(), clips_of(**{dial: value})
    assert same(plain, turned, *(set(ABOUT + NAMES) - set(changed)))
    assert not any(same(plain, turned, name) for name in changed)


def test_noise_is_so_many_times_as_large():
    """The same draws: a noise twice as large adds the noise that is there once more."""
    more = rows_of(clips_of(noise=(2, 3, 1)), "language") - rows_of(clips_of(), "language")
    assert more.std() == pytest.approx(0.5, rel=0.02)
    assert abs(more.mean()) < 0.01
    more = rows_of(clips_of(noise=(2, 3, 1)), "vision") - rows_of(clips_of(), "vision")
    assert more.std() == pytest.approx(2 * 1.5, rel=0.02)


def test_what_is_not_reached_shows_nothing():
    shown, hidden = (clips_of(reach=(q, 0.7, 0.7)) for q in (1.0, 0.0))
    bumps = rows_of(shown, "language") - rows_of(hidden, "language")
    assert bumps.std() > 0.5
    half = rows_of(clips_of(reach=(0.5, 0.7, 0.7)), "language") - rows_of(hidden, "language")
    assert (half**2).sum() / (bumps**2).sum() == pytest.approx(0.5, abs=0.1)


def test_without_lags_all_modalities_show_an_event_at_once():
    """An event's bump, found as the difference to a world that shows none."""

    def centre(m, lag):
        part = [(q if n == m else 0.0) for n, q in zip(NAMES, (1.0,) * 3, strict=True)]
        pair = (clips_of(reach=reach, lag=lag) for reach in (tuple(part), (0.0,) * 3))
        offsets = []
        for a, b in zip(*pair, strict=True):
            power = ((a["x"][m] - b["x"][m]) ** 2).sum(1)
            if a["events"] == 2 and abs(np.diff(a["times"])[0]) > 2 and len(power):
                t = np.arange(len(power)) / SENSES[m].rate
                near = np.abs(t - a["times"][0]) < 0.9
                if power[near].sum() > 0:
                    offsets.append(
                        (t[near] * power[near]).sum() / power[near].sum() - a["times"][0]
                    )
        return np.median(offsets)

    assert centre("vision", 1.0) == pytest.approx(-0.3, abs=0.12)
    assert centre("vision", 0.0) == pytest.approx(0.0, abs=0.12)
    assert centre("audio", 2.0) == pytest.approx(0.4, abs=0.12)


def test_missing_and_misleading_have_their_shares():
    data = make_toy(5, (600, 1, 1), World(missing=(0.0, 1.0, 0.5), misleading=0.4))["train"]
    assert data.present.float().mean(0).tolist() == pytest.approx([1, 0, 0.5], abs=0.07)
    assert float(data.factors["misleading"].mean()) == pytest.approx(0.4, abs=0.07)


def test_binding_is_the_share_that_no_modality_tells_alone():
    """At 0 the mean valence decides, at 1 it tells nothing; the labels' spread stays."""
    rng = np.random.default_rng(0)
    counts = 2 + rng.poisson(2.5, size=4000)
    draws = []
    for count in counts:
        emphasis = rng.gamma(2.0, size=count)
        draws.append((rng.normal() + 0.7 * rng.normal(size=count), emphasis / emphasis.mean()))
    means = np.array([valence.mean() for valence, _ in draws])
    for r in (0.0, 0.3, 1.0):
        found = np.array([World(binding=r).sentiment(v, g, 0.0) for v, g in draws])
        assert found.std() == pytest.approx(1.45 * 1.078, rel=0.06)
        assert np.corrcoef(found, means)[0, 1] ** 2 == pytest.approx(1 - r, abs=0.03)
    usual = np.array([World().sentiment(v, g, 0.0) for v, g in draws])
    assert np.corrcoef(usual, means)[0, 1] ** 2 == pytest.approx(1 - 0.033, abs=0.015)


def test_how_reliable_language_is_differs_and_can_be_seen():
    clips = [c for c in clips_of(reliability=1.0, reach=(0.0, 0.7, 0.7)) if len(c["x"]["language"])]
    manner = column(clips, "private_language", 2)
    plain = [c for c in clips_of(reach=(0.0, 0.7, 0.7)) if len(c["x"]["language"])]
    more = [a["x"]["language"] - b["x"]["language"] for a, b in zip(clips, plain, strict=True)]
    # sigma exp(p - 1) - sigma times the same draws
    expected = 0.5 * np.abs(np.exp(manner - 1) - 1)
    drawn = np.random.default_rng(0).normal(size=(100_000, 3))
    power = [World(reliability=0.7).unreliable("language", p) ** 2 for p in drawn]
    assert np.mean(power) == pytest.approx(1, rel=0.05)
    assert [x.std() for x in more] == pytest.approx(expected, rel=0.4)
    seen = np.array([x["x"]["language"].mean(0) for x in clips])
    weights = np.linalg.lstsq(seen[:150], manner[:150], rcond=None)[0]
    assert np.corrcoef(seen[150:] @ weights, manner[150:])[0, 1] > 0.5


@pytest.mark.parametrize("w", [0.3, 0.8])
def test_shift_turns_round_at_test(w):
    for split, sign in (("train", 1), ("test", -1)):
        clips = clips_of(split, shift=w)
        sentiment = column(clips, "sentiment")
        manners = [column(clips, f"private_{m}", 1) for m in NAMES]
        goes_with = np.mean([np.corrcoef(manner, sentiment)[0, 1] for manner in manners])
        assert goes_with == pytest.approx(sign * w, abs=0.12)
        assert np.std(manners) == pytest.approx(1, abs=0.1)


def test_label_noise_is_the_annotators_and_spares_the_test():
    plain = column(clips_of(), "y")
    inside = np.abs(plain) < 1  # where little is cut
    for size in (0.3, 0.6):
        error = (column(clips_of(label_noise=size), "y") - plain)[inside]
        assert error.std() == pytest.approx(size, rel=0.2)
    told = clips_of(label_noise=0.5, label_noise_from="audio")
    error, manner = column(told, "y") - plain, column(told, "private_audio", 1)
    assert np.corrcoef(error[inside], manner[inside])[0, 1] > 0.95
    assert same(clips_of("test"), clips_of("test", label_noise=2.0), *ABOUT)


NUMBER = st.floats(0.02, 1).map(lambda x: round(x, 3))


@given(
    seed=st.integers(0, 99),
    noise=NUMBER,
    reach=st.tuples(NUMBER, NUMBER, NUMBER),
    shift=NUMBER,
    train=st.integers(0, 9999),
)
def test_a_world_is_read_as_it_is_spelled(seed, noise, reach, shift, train):
    three = ":".join(map(str, reach))
    name = f"toy:noise={noise},seed={seed},reach={three},shift={shift},train={train}"
    world = World(noise=(noise,) * 3, reach=reach, shift=shift)
    assert spelled(name) == (seed, (train, *SIZES[1:]), world)
    assert spelled(toy_name(name, 7)) == (7, (train, *SIZES[1:]), world)


def test_short_names():
    assert spelled("toy") == spelled("toy:0") == (0, SIZES, World())
    assert spelled("toy:7") == spelled("toy:seed=7") == (7, SIZES, World())
    assert toy_name("toy", 3) == toy_name("toy:5", 3) == toy_name("toy:seed=9", 3) == "toy:3"


def test_a_draw_of_a_world_is_that_world_with_another_seed():
    name = "toy:seed=2,noise=3,train=20,valid=5,test=5"
    found = drawn_again(name, 4)["train"].fingerprint()
    expected = make_toy(6, (20, 5, 5), World(noise=(3, 3, 3)))["train"].fingerprint()
    assert found == expected == dmdlite.load_dataset(toy_name(name, 6))["train"].fingerprint()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("toy:abc", "write toy:SEED with a whole number"),
        ("toy:loud=2", "toy:DIAL=VALUE,... with noise, reach"),
        ("toy:noise=", "noise: numbers joined by colons, got ''"),
        ("toy:noise=a", "noise: numbers joined by colons"),
        ("toy:noise=1:2", "noise: 3 numbers or one"),
        ("toy:noise=0", "noise: from 0.01 to 1000, got"),
        ("toy:noise=nan", "noise: from 0.01 to 1000, got"),
        ("toy:noise=inf", "noise: from 0.01 to 1000, got"),
        ("toy:shift=1:1", "shift: 1 numbers or one"),
        ("toy:shift=1.5", "shift: from 0 to 1, got 1.5"),
        ("toy:shift=-1", "shift: from 0 to 1, got -1.0"),
        ("toy:seed=1.5", "seed: a whole number, got '1.5'"),
        ("toy:train=-3", "train: a whole number, got '-3'"),
        ("toy:noise=1,noise=2", "says a dial twice"),
        ("toy:missing=1", "missing: language cannot always be"),
        ("toy:seconds=9:3", "seconds: shortest and longest"),
        ("toy:label_noise_from=touch,label_noise=1", "label_noise_from: language, vision, audio"),
        ("toy:label_noise_from=audio", "does nothing without label_noise"),
    ],
)
def test_what_cannot_be_a_world_is_said(name, message):
    with pytest.raises(DataError) as refused:
        dmdlite.load_dataset(name)
    assert message in str(refused.value)


def test_every_dial_is_described():
    described = inspect.getdoc(World)  # Python 3.13 takes the indentation off by itself
    assert all(f"\n    {field.name}" in described for field in fields(World)[:-1])
    assert "`label_noise_from`" in World.__doc__
