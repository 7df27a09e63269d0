"""What can be wrong with a file: parts that are gone, too many or exchanged, what describes clips,
and the bytes."""

import copy

import numpy as np

from . import array_mutants  # noqa: F401, whose kinds it makes known
from .kinds import KINDS, alike, array, kind, one

WORDS = ("raw_text", "texts", "said", "split", "group")
ODD = ["café", "\U0001f600", "a\nb", "\x1b[31mred", "a\tb", "\u202eright", "\ud800", "\x00", "a\rb"]
ODD += [*["a/b", "..", ",", '"', "'", "nan", "#2", "-1", "\u2028"], " v0$_$1 ", "a" * 300]


# A whole part, or two


@kind
def drop(parts, rng):
    del parts[one(parts, rng)]


@kind
def nothing(parts, rng):
    parts[one(parts, rng)] = None


@kind
def swap(parts, rng):
    a, b = one(parts, rng), one(parts, rng)
    parts[a], parts[b] = parts[b], parts[a]


@kind
def swap_alike(parts, rng):
    """The same part of two splits or clips; else two of as many axes."""
    a = one(parts, rng)
    found = alike(parts, a)
    found = found if found[1:] else [p for p in parts if np.ndim(parts[p]) == np.ndim(parts[a])]
    b = found[rng.integers(len(found))]
    parts[a], parts[b] = parts[b], parts[a]


@kind
def rename(parts, rng):
    place = one(parts, rng)
    words = place.split("/")
    i, odd = rng.integers(len(words)), ODD[rng.integers(len(ODD))]
    new = (words[i].upper(), f"{words[i]}s", f"{words[i]} ", "dev", "train", odd)[rng.integers(6)]
    parts["/".join([*words[:i], new, *words[i + 1 :]])] = parts.pop(place)


@kind
def rename_all(parts, rng):
    """The first word of every place that shares it: a split, a file."""
    first = one(parts, rng).split("/")[0]
    new = ("dev", "validation", "Train", "x", f"{first}2")[rng.integers(5)]
    for place in [p for p in parts if p.split("/")[0] == first]:
        parts["/".join([new, *place.split("/")[1:]])] = parts.pop(place)


@kind
def extra(parts, rng):
    """Something more: under a new name, or as lengths of what has none."""
    place, value = one(parts, rng), parts[one(parts, rng)]
    end = ("2", "_lengths", "/more", "s")[rng.integers(4)]
    if end == "_lengths" and np.ndim(parts[place]):
        value = rng.integers(0, 9, size=len(parts[place]))
    parts.setdefault(place + end, copy.deepcopy(value))


@kind
def empty(parts, rng):
    """All parts of a split or file, or one, without a row."""
    place = one(parts, rng)
    start = place.split("/")[0] if rng.integers(4) else place
    for p, value in parts.items():
        if p.startswith(start) and np.ndim(value):
            parts[p] = value[:0]


# What describes clips


def put(parts, rng, roles, values):
    """One of `values` at one or a few entries of a part, or at all."""
    place = one(parts, rng, *roles)
    if place is None or not np.size(parts[place]):
        return
    x, value = array(parts[place]), values[rng.integers(len(values))]
    numbers = isinstance(value, int | float) and x.dtype.kind in "fi"
    x = x.astype(np.result_type(x, type(value)) if numbers else object)
    for i in rng.permutation(x.size)[: (1, 1, 1, 2, 5, x.size)[rng.integers(6)]]:
        x[np.unravel_index(i, x.shape)] = value
    parts[place] = x if x.ndim else x[()]


@kind
def lengths(parts, rng):
    put(parts, rng, ["lengths"], (0, 1, 99, 2**40, -1, np.nan, 2.5, np.inf, "3"))


@kind
def labels(parts, rng):
    values = (3.01, -3.5, 7.0, 100.0, 1e300, np.nan, np.inf, None, "good", "", "1.5", 0.0, 0.3)
    put(parts, rng, ["labels"], values)


@kind
def ids(parts, rng):
    put(parts, rng, ["ids"], ("", " ", None, np.nan, 7, b"caf\xe9", *ODD))


@kind
def words(parts, rng):
    put(parts, rng, WORDS, ("", None, "dev", "train", *ODD))


# All of them

# Under these a clip can get another's label, id or features, and nothing in the file tells.
MIXES = {"swap", "swap_alike", "rename", "extra", "cut", "repeat", "shift", "reshape", "mix"}
MIXES |= {"damage"}


def mutated(parts, mutations):
    """A copy of the parts after `mutations`, (kind, seed) each."""
    parts = copy.deepcopy(parts)
    for name, seed in mutations:
        if name in KINDS and parts:
            KINDS[name](parts, np.random.default_rng(seed))
    return parts


def damage(raw, rng):
    """The bytes of a file with one of them changed, with some gone, or cut short."""
    a, b = sorted(rng.integers(len(raw) + 1, size=2))
    x, how = bytearray(raw), rng.integers(6)
    if how < 4 and a < len(raw):
        sign = (rng.choice([*b' ,;\t\n"_-0']), rng.integers(256))
        x[a] = sign[how] if how < 2 else x[a] ^ 1 << rng.integers(8)
    elif how == 4:
        del x[a:]
    else:
        del x[a : min(b, a + 9)]
    return bytes(x)
