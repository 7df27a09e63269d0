"""The embedded data set: a small world whose factors are known (Chapter 1).

The generative model. A clip lasts U(4, 10) seconds and holds K = 2 + Poisson(2.5) events.

    common factor     c      ~ N(0, I_3)      c_0 is the valence, c_1 and c_2 the topic
    private factors   p_m    ~ N(0, I_3)      one vector a modality: the speaker's manner
    event valence     v_k    = c_0 + 0.7 N(0, 1)
    event emphasis    g_k    ~ Gamma(2), scaled to mean 1 over the clip
    sentiment         y      = 1.45 (mean_k g_k v_k) + 0.4 sum_m p_m[0] / sqrt(3) - 0.15,
                               rounded to fifths (five annotators), cut to [-3, 3]

Event k happens at u_k ~ U(0, 1) of the clip. Modality m shows it with probability q_m, after a
lag l_m, as a bump of width b_m; language says what is felt, face and voice show how strongly:

    e_mk   = [a_m s v_k, h_m (g_k - 1), c_1, c_2]
    x_m(t) = A_m sum_k exp(-(t - u_k - l_m)^2 / 2 b_m^2) e_mk
             + 0.6 B_m p_m (1 + 0.3 sin(2 pi (t + phase))) + sigma_m N(0, I)

A_m and B_m are random maps, fixed by the seed. Each modality is sampled at its own rate, so the
sequences are unaligned and differ in length. Irregularities, each flagged in `factors`:
s = -1 in 10 % of the clips, where the words say the opposite of what is meant (`misleading`),
else s = 1; 6 % of the clips have no language, 4 % no vision, 4 % no audio (never all three).

What it is not: speech, faces, or a benchmark. Gains were set so that language is the strongest
modality and no modality alone suffices; they were not searched for a winner among models.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ..errors import DataError
from .dataset import SPLITS, MultimodalDataset
from .worlds import SENSES, SIZES, SPREAD, Sense, World

WORLDS = {
    "as it is": World(),
    "all clips 7 s": World(seconds=(7.0, 7.0)),
    "events by the second": World(pace=4.5 / 7),  # as many as in the first, on average
}


def make_toy(
    seed: int = 0, sizes: tuple[int, int, int] = SIZES, world: World | None = None
) -> dict[str, MultimodalDataset]:
    """The toy splits {"train", "valid", "test"}: same seed, same data, on every machine.

    `sizes` are the numbers of clips; `world` is another than the one above, see `worlds.World`.
    Each split's `factors` hold `common` [N, 3], `private_<m>` [N, 3], `misleading` [N] and
    `events` [N] (how many). Raises DataError for a split without a clip.
    """
    if min(sizes) < 1:
        raise DataError(f"toy: every split has a clip or more, got {sizes}")
    _, clips = known(seed, sizes, world)
    return {split: _dataset(found, split) for split, found in clips.items()}


def known(
    seed: int = 0, sizes: tuple[int, int, int] = SIZES, world: World | None = None
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict[str, list[dict]]]:
    """All there is to know of `make_toy`'s clips: A_m [4, D_m] and B_m [3, D_m] of every modality,
    and each split's clips: sequences `x`, label `y`, `sentiment` before it is rounded and cut,
    `seconds`, the events' `times` [K], and the factors."""
    world = world or World()
    rng, errors = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    maps = {m: (_map(rng, 4, s.width), _map(rng, 3, s.width)) for m, s in SENSES.items()}
    senses, clips = world.senses, {}
    for split, n in zip(SPLITS, sizes, strict=True):
        clips[split] = [_clip(rng, maps, world, senses, split == "test") for _ in range(n)]
        for clip in clips[split]:
            error = _label_error(clip, world, errors) if split != "test" else 0.0
            clip["y"] = float(np.clip(np.round(5 * (clip["sentiment"] + error)) / 5, -3, 3))
    return maps, clips


def _label_error(clip: dict, world: World, errors: np.random.Generator) -> float:
    """What this clip's annotators add to its sentiment."""
    m, drawn = world.label_noise_from, errors.normal()
    return world.label_noise * (drawn if m is None else clip[f"private_{m}"][1])


def _map(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """A random [rows, columns] map with orthonormal rows, scaled to keep unit step variance."""
    return np.linalg.qr(rng.normal(size=(columns, rows)))[0].T * np.sqrt(columns / rows)


def _dataset(clips: list[dict], split: str) -> MultimodalDataset:
    sequences = {m: [clip["x"][m] for clip in clips] for m in SENSES}
    names = ("common", *(f"private_{m}" for m in SENSES), "misleading", "events")
    factors = {name: np.array([clip[name] for clip in clips]) for name in names}
    return MultimodalDataset(
        values={m: torch.tensor(np.concatenate(x)).float() for m, x in sequences.items()},
        offsets={m: torch.tensor(np.cumsum([0, *map(len, x)])) for m, x in sequences.items()},
        labels=torch.tensor([clip["y"] for clip in clips], dtype=torch.float32),
        ids=tuple(f"toy_{split}_{i:04d}" for i in range(len(clips))),
        name="toy",
        factors={k: torch.tensor(f.astype(np.float32)) for k, f in factors.items()},
    )


def _clip(rng: np.random.Generator, maps: dict, world: World, senses: dict, tested: bool) -> dict:
    """One clip: its sequences `x`, and the factors that made it."""
    common = rng.normal(size=3)
    private = {m: rng.normal(size=3) for m in SENSES}
    seconds = rng.uniform(*world.seconds)
    events = world.events(rng, seconds)
    times = rng.uniform(0, seconds, size=events)  # [K]
    valence = common[0] + 0.7 * rng.normal(size=events)  # [K]
    emphasis = rng.gamma(2.0, size=events)  # [K]
    emphasis /= emphasis.mean()
    manner = sum(p[0] for p in private.values()) / np.sqrt(3)
    sentiment = world.sentiment(valence, emphasis, manner)
    for p in private.values():
        p[1] = _shifted(p[1], sentiment / SPREAD, -world.shift if tested else world.shift)
    misleading = rng.random() < world.misleading
    missing = [rng.random() < s.missing for s in senses.values()]
    if all(missing):
        missing[0] = False
    x = {}
    for (m, sense), gone in zip(senses.items(), missing, strict=True):
        said = -valence if misleading and m == "language" else valence
        topic = np.broadcast_to(common[1:], (events, 2))
        content = np.column_stack([sense.valence * said, sense.emphasis * (emphasis - 1), topic])
        sense = replace(sense, noise=sense.noise * world.unreliable(m, private[m]))
        x[m] = _sequence(rng, sense, maps[m], seconds, times, content, private[m])
        x[m] = x[m][:0] if gone else x[m]
    return {
        "x": x,
        "sentiment": float(sentiment),
        "seconds": seconds,
        "times": times,
        "common": common,
        **{f"private_{m}": p for m, p in private.items()},
        "misleading": misleading,
        "events": events,
    }


def _shifted(p: float, z: float, weight: float) -> float:
    """A standard normal number that goes with z."""
    return weight * z + np.sqrt(1 - weight**2) * p if weight else p


def _sequence(rng, sense: Sense, maps, seconds, times, content, private) -> np.ndarray:
    """[T, D]: one modality's view of a clip's events (`times` [K], `content` [K, 4])."""
    t = np.arange(0, seconds, 1 / sense.rate)  # [T]
    shown = rng.random(len(times)) < sense.shown  # [K]
    bumps = np.exp(-((t[:, None] - times - sense.lag) ** 2) / (2 * sense.bump**2)) * shown  # [T, K]
    drift = 1 + 0.3 * np.sin(2 * np.pi * (t / seconds + rng.random()))  # [T]
    noise = sense.noise * rng.normal(size=(len(t), sense.width))  # [T, D]
    event_map, private_map = maps
    return bumps @ content @ event_map + 0.6 * drift[:, None] * (private @ private_map) + noise
