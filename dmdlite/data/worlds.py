"""What can be turned in the toy, and how a world is spelled (Chapter 14).

load_dataset("toy:seed=7,noise=1:2:2,binding=0.5,train=8000")
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import numpy as np

from ..errors import DataError
from .dataset import SPLITS

Each = tuple[float, float, float]  # a number for language, vision and audio
SIZES = (1000, 250, 500)  # clips
SPREAD = 1.61  # standard deviation of the sentiment
# Variance over clips of mean v_k and of mean (g_k - 1) v_k, as K = 2 + Poisson(2.5) leaves them
VARIANCES = (1.124, 0.0388)


MANY = {"noise": 3, "reach": 3, "missing": 3, "seconds": 2}  # numbers of a dial that has several
# The least and the most of every dial's numbers
LIMITS = {
    **dict.fromkeys(("reach", "missing", "misleading", "binding", "shift"), (0, 1)),
    **dict.fromkeys(("lag", "reliability", "label_noise", "pace"), (0, 100)),
    **dict.fromkeys(("noise", "seconds"), (0.01, 1000)),
}


@dataclass(frozen=True)
class Sense:
    """How one modality shows the world."""

    width: int  # D_m
    rate: float  # steps a second
    lag: float  # l_m, seconds
    bump: float  # b_m, seconds
    valence: float  # a_m, gain of what is felt
    emphasis: float  # h_m, gain of how strongly
    noise: float  # sigma_m
    shown: float = math.nan  # q_m, probability that it shows an event; the world says
    missing: float = math.nan  # probability that a clip lacks it; the world says


_SENSES = {
    "language": Sense(24, 1.5, 0.0, 0.30, 1.4, 0.0, 0.5),
    "vision": Sense(16, 2.0, -0.3, 0.45, 0.25, 0.8, 1.5),
    "audio": Sense(8, 3.0, 0.2, 0.35, 0.25, 1.0, 1.5),
}


@dataclass(frozen=True)
class World:
    """A dial a field. As they stand they make the toy that `data.toy` describes; a dial turns what
    it says and leaves all else as it was, to the last bit, but for `seconds` and `pace`, with
    which other numbers are drawn.

    In the equations of `data.toy`, with c the clip:

        noise        sigma_m is noise_m times as large
        reach        q_m
        lag          l_m is lag times as large; 0: all modalities show an event at once
        missing      probability that a clip lacks the modality
        misleading   probability that s = -1
        seconds      shortest and longest clip
        pace         K = max(1, Poisson(pace seconds)) events
        binding      share r of the events' variance that no modality tells alone:
                     mean_k g_k v_k becomes  1.017 sqrt(1 - r) mean_k v_k
                                             + 5.474 sqrt(r) mean_k (g_k - 1) v_k,
                     of the same variance (without `pace`); where nothing is said r is 0.033
        reliability  language's noise is  sigma exp(r p_language[2] - r^2), r the dial:  it differs
                     by clip, of the same mean power, and p_language[2] is seen in its features
        shift        p_m[1] becomes  w z + sqrt(1 - w^2) p_m[1],  z the sentiment over its standard
                     deviation, w = shift in train and valid, -shift in test. A clip is a speaker
                     of its own, so no speaker is in two splits
        label_noise  standard deviation of what annotators of train and valid add to the sentiment:
                     N(0, 1) times it, or, with `label_noise_from`, that modality's p_m[1] times it.
                     Test keeps true labels

    Raises DataError for a dial that is out of its range.
    """

    noise: Each = (1.0, 1.0, 1.0)
    reach: Each = (0.95, 0.7, 0.7)
    lag: float = 1.0
    missing: Each = (0.06, 0.04, 0.04)
    misleading: float = 0.1
    seconds: tuple[float, float] = (4.0, 10.0)
    pace: float | None = None
    binding: float | None = None
    reliability: float = 0.0
    shift: float = 0.0
    label_noise: float = 0.0
    label_noise_from: str | None = None

    def __post_init__(self) -> None:
        for name, (least, most) in LIMITS.items():
            found = getattr(self, name)
            numbers = [] if found is None else np.atleast_1d(np.array(found, dtype=float))
            if not all(least <= x <= most for x in numbers):
                raise DataError(f"{name}: from {least} to {most}, got {found}")
            if name in MANY and len(numbers) != MANY[name]:
                raise DataError(f"{name}: {MANY[name]} numbers, got {found}")
        if self.seconds[0] > self.seconds[1]:
            raise DataError(f"seconds: shortest and longest, got {self.seconds}")
        if self.missing[0] == 1:  # who has nothing else has language
            raise DataError(f"missing: language cannot always be, got {self.missing}")
        if self.label_noise_from not in (None, *_SENSES):
            raise DataError(f"label_noise_from: {', '.join(_SENSES)}, got {self.label_noise_from}")
        if self.label_noise_from and not self.label_noise:
            raise DataError("label_noise_from: does nothing without label_noise")

    @property
    def senses(self) -> dict[str, Sense]:
        """How each modality shows this world."""
        turned = zip(_SENSES.items(), self.noise, self.reach, self.missing, strict=True)
        return {
            m: replace(s, noise=s.noise * noise, shown=reach, lag=s.lag * self.lag, missing=missing)
            for (m, s), noise, reach, missing in turned
        }

    def events(self, rng: np.random.Generator, seconds: float) -> int:
        """K of a clip."""
        if self.pace is None:
            return 2 + rng.poisson(2.5)
        return max(1, rng.poisson(self.pace * seconds))

    def unreliable(self, m: str, private: np.ndarray) -> float:
        """By how much modality m's noise is larger in the clip with this p_m."""
        r = self.reliability
        return float(np.exp(r * private[2] - r**2)) if m == "language" else 1.0

    def sentiment(self, valence: np.ndarray, emphasis: np.ndarray, manner: float) -> float:
        """What a clip's annotators agree on: of v_k and g_k [K], and sum_m p_m[0] / sqrt(3)."""
        felt = np.mean(emphasis * valence)
        if self.binding is not None:
            alone, bound = np.mean(valence), np.mean((emphasis - 1) * valence)
            r, (a, b) = self.binding, VARIANCES
            felt = np.sqrt((1 - r) * (a + b) / a) * alone + np.sqrt(r * (a + b) / b) * bound
        return 1.45 * felt + 0.4 * manner - 0.15


SENSES = World().senses  # in the toy as it is


def spelled(name: str) -> tuple[int, tuple[int, int, int], World]:
    """Seed, sizes and world of a toy's name.

    "toy", "toy:7", or "toy:DIAL=VALUE,...": a dial of `World`, `seed`, or `train`, `valid` and
    `test` for how many clips. Several numbers are joined by colons: "toy:seed=7,noise=1:2:2". One
    number stands for all modalities. Raises DataError that says what cannot be read.
    """
    said = name.partition(":")[2]
    if said.isascii() and said.isdigit():
        said = f"seed={said}"
    known = {field.name: field.default for field in fields(World)}
    dials, counts = {}, {"seed": 0, **dict(zip(SPLITS, SIZES, strict=True))}
    parts = list(filter(None, said.split(",")))
    if len({part.partition("=")[0] for part in parts}) < len(parts):
        raise DataError(f"{name}: says a dial twice")
    for part in parts:
        dial, equals, value = part.partition("=")
        if not equals or dial not in known | counts:
            raise DataError(
                f"{name}: write toy:SEED with a whole number, for example toy:7, or "
                f"toy:DIAL=VALUE,... with {', '.join(known | counts)}"
            )
        if dial in counts:
            if not (value.isascii() and value.isdigit()):
                raise DataError(f"{name}: {dial}: a whole number, got {value!r}")
            counts[dial] = int(value)
        else:
            dials[dial] = value if dial == "label_noise_from" else _numbers(name, dial, value)
    seed, *sizes = counts.values()
    return seed, tuple(sizes), World(**dials)


def _numbers(name: str, dial: str, value: str) -> float | tuple[float, ...]:
    """One number or, where the dial takes several, as many."""
    try:
        numbers = tuple(map(float, value.split(":")))
    except ValueError:
        raise DataError(f"{name}: {dial}: numbers joined by colons, got {value!r}") from None
    many = MANY.get(dial, 1)
    numbers *= many if len(numbers) == 1 else 1
    if len(numbers) != many:
        raise DataError(f"{name}: {dial}: {many} numbers or one, got {value!r}")
    return numbers if many > 1 else numbers[0]


def toy_name(name: str, seed: int) -> str:
    """The same toy with another seed."""
    turned = turn(name, f"seed={seed}")
    return turned.replace("seed=", "") if "," not in turned else turned


def turn(name: str, dials: str) -> str:
    """The name of a toy like this with some dials turned: "toy:seed=7,noise=2", "noise=3"."""
    toy, _, said = name.partition(":")
    if toy != "toy":
        raise DataError(f"{name}: only a toy has dials")
    said = f"seed={said}" if said.isascii() and said.isdigit() else said
    parts = [part for part in f"{dials},{said}".split(",") if part]
    names = [part.partition("=")[0] for part in parts]
    kept = [part for i, part in enumerate(parts) if names[i] not in names[:i]]
    return "toy:" + ",".join(kept) if kept else "toy"
