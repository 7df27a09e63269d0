"""The mutations by name, several of them on one file, and damage to its bytes."""

import copy

import numpy as np

from . import mutants

KINDS = [
    "drop",
    "nothing",
    "swap",
    "swap_alike",
    "rename",
    "rename_all",
    "extra",
    "empty",
    "cut",
    "cut_alike",
    "repeat",
    "shift",
    "retype",
    "reform",
    "reshape",
    "zero",
    "poke",
    "turn",
    "scale",
    "lengths",
    "labels",
    "ids",
    "words",
    "mix",
]
# Under these a clip can get another's label, id or features, and nothing in the file tells.
MIXES = {*["swap", "swap_alike", "rename", "cut", "repeat", "shift", "reshape", "mix", "damage"]}


def mutated(parts, mutations):
    """A copy of the parts after `mutations`, (kind, seed) each."""
    parts = copy.deepcopy(parts)
    for kind, seed in mutations:
        if kind in KINDS and parts:
            getattr(mutants, kind)(parts, np.random.default_rng(seed))
    return parts


def damage(raw, rng):
    """The bytes of a file, one of them changed, some gone, or cut short."""
    a, b = sorted(rng.integers(len(raw) + 1, size=2))
    x, how = bytearray(raw), rng.integers(6)
    if how < 4 and a < len(raw):
        x[a] = (rng.integers(256), rng.choice([*b' ,;\t\n"_-0']), x[a] ^ 1 << rng.integers(8))[
            how % 3
        ]
    elif how == 4:
        del x[a:]
    else:
        del x[a : min(b, a + 9)]
    return bytes(x)
