"""How much of the toy can be known: two readers who were told how it is made (Chapter 11).

`from_factors` knows all that made a clip; only rounding is left. `from_clips` sees the sequences
that a model sees, and knows what no model can: the random maps, when the events happen, and every
constant of `data.toy`. The rest it estimates, by Gibbs sampling. Given which events a modality
shows and whether the words mislead, all else is Gaussian but for two simplifications: the emphases
have a normal prior with their true mean and covariance, and the drift's sine and cosine are free.
So an ideal reader is at least this good.

In another world (`data.worlds`) both are told its dials, and how noisy language is in each clip.
They take no notice of what `shift` adds, since it turns round, and are asked for true labels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.linalg import solve_triangular

from ..data.worlds import SENSES, World

TOY = World()
DRIFTS = 3  # a drift's constant, sine and cosine


def from_factors(clips: list[dict]) -> np.ndarray:
    """[N] the sentiment before it is rounded."""
    return np.clip([clip["sentiment"] for clip in clips], -3, 3)


def from_clips(
    clips: list[dict], maps: dict, world: World = TOY, sweeps: int = 200, seed: int = 0
) -> np.ndarray:
    """[N] the median of each clip's posterior sentiment; `clips` and `maps` are `toy.known`'s."""
    rng = np.random.default_rng(seed)
    found = [np.median(sentiments(clip, maps, world, sweeps, rng)) for clip in clips]
    return np.clip(found, -3, 3)


def sentiments(
    clip: dict, maps: dict, world: World, sweeps: int, rng: np.random.Generator
) -> np.ndarray:
    """Draws of the sentiment from its posterior; a fifth of them first, which are not kept."""
    views = {m: View(clip, m, maps[m], world) for m in SENSES if len(clip["x"][m])}
    count = clip["events"]
    shown = {m: np.ones(count, dtype=bool) for m in views}
    found, prior = [], precision(count)
    for sweep in range(sweeps + sweeps // 5):
        sign, mean, root = _sign(views, shown, prior, world.misleading, rng)
        state = mean + solve_triangular(root, rng.normal(size=len(mean)), lower=True, trans="T")
        for m, view in views.items():
            shown[m] = view.events_shown(state, sign, shown[m], rng)
        if sweep >= sweeps // 5:
            found.append(_sentiment(state, count, world))
    return np.array(found)


def _sentiment(state: np.ndarray, count: int, world: World) -> float:
    valence, emphasis = state[:count], 1 + state[count : 2 * count]
    manner = state[2 * count + 2 :: 3 * DRIFTS].sum() / np.sqrt(3)  # each p_m's first number
    return world.sentiment(valence, emphasis, manner)


def _sign(views: dict, shown: dict, prior: np.ndarray, misleading: float, rng) -> tuple:
    """Whether the words mislead, drawn with everything Gaussian integrated out; and mean and
    Cholesky root of the precision of the rest, given that."""
    if "language" not in views:
        return 1, *posterior(views, shown, prior, 1)[:2]
    both = {sign: posterior(views, shown, prior, sign) for sign in (1, -1)}
    sign = -1 if drawn_by_odds(misleading, both[-1][2] - both[1][2], rng) else 1
    return sign, *both[sign][:2]


def drawn_by_odds(prior: float, evidence: float, rng: np.random.Generator) -> bool:
    """Whether a thing is so, drawn by its prior probability and the log evidence for it."""
    with np.errstate(divide="ignore"):  # what is never so, or always
        odds = np.log(prior) - np.log1p(-prior) + evidence
    return bool(np.log(rng.random()) < -np.logaddexp(0, -odds))


def posterior(
    views: dict, shown: dict, prior: np.ndarray, sign: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean, Cholesky root of the precision, and log evidence up to a constant, of the state:
    valences v [K], emphases less one [K], topic [2], and of each modality, in the order of
    SENSES, p_m times the drift's constant, sine and cosine [3 DRIFTS]."""
    total, linear = prior.copy(), np.zeros(len(prior))
    for m, view in views.items():
        part = view.coefficients(shown[m], sign, len(prior))
        scale = 1 / view.sense.noise**2
        total += scale * part.T @ view.gram @ part
        linear += scale * part.T @ view.seen
    root = np.linalg.cholesky(total)
    half = solve_triangular(root, linear, lower=True)
    mean = solve_triangular(root, half, lower=True, trans="T")
    return mean, root, float(half @ half / 2 - np.log(np.diag(root)).sum())


def precision(count: int) -> np.ndarray:
    """The inverse of the prior covariance of a state with so many events."""
    valence = 0.49 * np.eye(count) + 1  # v_k = c_0 + 0.7 N(0, 1)
    variance = (count - 1) / (2 * count + 1)  # of Gamma(2) over the mean of `count` of them
    together = np.eye(count) - 1 / count  # they sum to zero
    emphasis = variance * together * count / max(count - 1, 1) + 1e-6 * np.eye(count)
    manner = np.repeat([1.0, 0.045, 0.045], 3)  # 0.3 sin(. + phase): variance 0.09 / 2
    blocks = [valence, emphasis, np.eye(2), *[np.diag(manner)] * len(SENSES)]
    size = sum(map(len, blocks))
    inverse, at = np.zeros((size, size)), 0
    for block in blocks:
        inverse[at : at + len(block), at : at + len(block)] = np.linalg.inv(block)
        at += len(block)
    return inverse


class View:
    """What one modality shows of a clip, as products with its K + 3 functions of time (a bump an
    event, the drift's three) and its 7 directions (the rows of A_m and B_m)."""

    def __init__(self, clip: dict, m: str, maps: tuple, world: World = TOY):
        sense, unreliable = world.senses[m], world.unreliable(m, clip[f"private_{m}"])
        self.sense = replace(sense, noise=sense.noise * unreliable)
        self.count = clip["events"]
        self.first = 2 * self.count + 2 + 3 * DRIFTS * list(SENSES).index(m)  # of p_m in the state
        self.language = m == "language"
        x = clip["x"][m]  # [T, D]
        t = np.arange(len(x)) / self.sense.rate
        bumps = t[:, None] - clip["times"] - self.sense.lag
        turn = 2 * np.pi * t / clip["seconds"]
        drift = 0.6 * np.stack([np.ones_like(t), np.sin(turn), np.cos(turn)], axis=1)
        functions = np.hstack([np.exp(-(bumps**2) / (2 * self.sense.bump**2)), drift])  # [T, K + 3]
        directions = np.vstack(maps)  # [7, D]
        self.time, self.space = functions.T @ functions, directions @ directions.T
        self.products = functions.T @ x @ directions.T  # [K + 3, 7]
        self.gram, self.seen = np.kron(self.time, self.space), self.products.ravel()

    def gains(self, sign: int) -> tuple[float, float]:
        return self.sense.valence * (sign if self.language else 1), self.sense.emphasis

    def coefficients(self, shown: np.ndarray, sign: int, size: int) -> np.ndarray:
        """[7 (K + 3), size] from a state to the weights of (function, direction)."""
        k = np.arange(self.count)
        part = np.zeros((self.count + DRIFTS, 7, size))
        part[k, 0, k], part[k, 1, self.count + k] = np.outer(self.gains(sign), shown)
        part[k, 2, 2 * self.count] = part[k, 3, 2 * self.count + 1] = shown
        for j in range(DRIFTS):
            for i in range(3):
                part[self.count + j, 4 + i, self.first + 3 * j + i] = 1
        return part.reshape(-1, size)

    def events_shown(self, state: np.ndarray, sign: int, shown: np.ndarray, rng) -> np.ndarray:
        """Which events the modality shows, drawn one after the other given all else."""
        k = self.count
        ones = np.ones(k, dtype=bool)
        weights = (self.coefficients(ones, sign, len(state)) @ state).reshape(-1, 7)
        there = np.append(shown, np.ones(DRIFTS)).astype(float)
        for event in range(k):
            there[event] = 0
            rest = self.products[event] - self.time[event] @ (there[:, None] * weights) @ self.space
            own = weights[event]
            gain = own @ rest - self.time[event, event] * own @ self.space @ own / 2
            there[event] = drawn_by_odds(self.sense.shown, gain / self.sense.noise**2, rng)
        return there[:k].astype(bool)
