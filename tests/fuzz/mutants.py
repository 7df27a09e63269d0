"""What can be wrong with a file, in small: each mutation changes one taken apart into parts.

A mutation is called with the parts, {place: value}, and a random generator. It changes the parts
in place, and does nothing where it finds nothing that it could change.
"""

import copy
from functools import wraps

import numpy as np

LABELS, IDS = ("labels", "label", "regression_labels"), ("id", "ids", "name")
WORDS = ("raw_text", "texts", "said", "split", "group")
FAR = (np.nan, np.inf, -np.inf, 1e300, -1e300, 1e-300, 65519.0, -0.0)
ODD = ["café", "\U0001f600", "a\nb", "\x1b[31mred", "a\tb", "\u202eright", "\ud800", "\x00", "a\rb"]
ODD += [*["a/b", "..", ",", '"', "'", "nan", "#2", "-1", "\u2028"], " v0$_$1 ", "a" * 300]
TYPES = ["f8", "f2", ">f4", "i8", "u1", "O", "U", "S", "?", "c8", "g"]


def role(place, value):
    """labels, ids, lengths, features, or the last word of the place."""
    last = place.rpartition("/")[2]
    if last in LABELS + IDS:
        return "labels" if last in LABELS else "ids"
    if last.endswith("lengths"):
        return "lengths"
    numbers = isinstance(value, np.ndarray) and value.dtype.kind in "fiu" and value.ndim > 1
    return "features" if numbers and last != "intervals" else last


def one(parts, rng, *roles):
    """A place, of one of these roles if any are named; None where there is none."""
    found = [p for p, value in parts.items() if not roles or role(p, value) in roles]
    return found[rng.integers(len(found))] if found else None


def alike(parts, place):
    """The places of the same part of every split or clip."""
    return [p for p in parts if p.rpartition("/")[2] == place.rpartition("/")[2]]


def array(value):
    """A value as an array of its own; text without a common width."""
    text = isinstance(value, list | tuple) and any(isinstance(v, str | bytes) for v in value)
    return np.array(value, dtype=object if text else None)


def of_array(*roles):
    """A mutation from a function (array, rng) -> array, for a part of one of these roles."""

    def kind(change):
        @wraps(change)
        def mutation(parts, rng):
            place = one(parts, rng, *roles)
            x = array(parts[place]) if place else np.zeros(())
            if x.ndim and x.size:
                parts[place] = change(x, rng)

        return mutation

    return kind


# A whole part, or two


def drop(parts, rng):
    del parts[one(parts, rng)]


def nothing(parts, rng):
    parts[one(parts, rng)] = None


def swap(parts, rng):
    a, b = one(parts, rng), one(parts, rng)
    parts[a], parts[b] = parts[b], parts[a]


def swap_alike(parts, rng):
    """The same part of two splits or clips; else two of as many axes."""
    a = one(parts, rng)
    found = alike(parts, a)
    found = found if found[1:] else [p for p in parts if np.ndim(parts[p]) == np.ndim(parts[a])]
    b = found[rng.integers(len(found))]
    parts[a], parts[b] = parts[b], parts[a]


def rename(parts, rng):
    place = one(parts, rng)
    words = place.split("/")
    i, odd = rng.integers(len(words)), ODD[rng.integers(len(ODD))]
    new = (words[i].upper(), f"{words[i]}s", f"{words[i]} ", "dev", "train", odd)[rng.integers(6)]
    parts["/".join([*words[:i], new, *words[i + 1 :]])] = parts.pop(place)


def rename_all(parts, rng):
    """The first word of every place that shares it: a split, a file."""
    first = one(parts, rng).split("/")[0]
    new = ("dev", "validation", "Train", "x", f"{first}2")[rng.integers(5)]
    for place in [p for p in parts if p.split("/")[0] == first]:
        parts["/".join([new, *place.split("/")[1:]])] = parts.pop(place)


def extra(parts, rng):
    """Something more: under a new name, or as lengths of what has none."""
    place, value = one(parts, rng), parts[one(parts, rng)]
    end = ("2", "_lengths", "/more", "s")[rng.integers(4)]
    if end == "_lengths" and np.ndim(parts[place]):
        value = rng.integers(0, 9, size=len(parts[place]))
    parts.setdefault(place + end, copy.deepcopy(value))


def empty(parts, rng):
    """All parts of a split or file, or one, without a row."""
    place = one(parts, rng)
    start = place.split("/")[0] if rng.integers(4) else place
    for p, value in parts.items():
        if p.startswith(start) and np.ndim(value):
            parts[p] = value[:0]


# Arrays


@of_array()
def cut(x, rng):
    """Less on one axis."""
    axis = rng.integers(x.ndim)
    n = x.shape[axis]
    kept = (slice(1, None), slice(n - 1), slice(n // 2), slice(0))[rng.integers(4)]
    return x.take(range(n)[kept], axis)


def cut_alike(parts, rng):
    """One step or column less, in the same part of every split or clip."""
    axis, kept = rng.integers(1, 3), (slice(1, None), slice(-1))[rng.integers(2)]
    for place in alike(parts, one(parts, rng)):
        x = array(parts[place])
        if x.ndim > axis:
            parts[place] = x.take(range(x.shape[axis])[kept], axis)


@of_array()
def repeat(x, rng):
    return np.concatenate([x, x[: rng.integers(1, len(x) + 1)]])


@of_array()
def shift(x, rng):
    return np.roll(x, 1, axis=rng.integers(x.ndim))


@of_array()
def retype(x, rng):
    try:
        with np.errstate(all="ignore"):
            return x.astype(TYPES[rng.integers(len(TYPES))])
    except (ValueError, TypeError, UnicodeEncodeError):
        return x  # text is no number


@of_array()
def reform(x, rng):
    """The same as lists, a list of arrays, a tuple, column by column."""
    return (x.tolist(), list(x), tuple(x.tolist()), np.asfortranarray(x))[rng.integers(4)]


@of_array()
def reshape(x, rng):
    """One axis more, two axes exchanged, or all in one."""
    a, b = rng.integers(x.ndim, size=2)
    return (x[None], x[:, None], x[..., None], x.swapaxes(a, b), x.reshape(-1))[rng.integers(5)]


@of_array("features", "labels", "lengths", "intervals")
def zero(x, rng):
    if x.dtype.kind in "fiu":
        x[(slice(None), rng.integers(len(x)), slice(len(x) // 2))[rng.integers(3)]] = 0
    return x


@of_array("features", "labels", "intervals")
def poke(x, rng):
    """A few values that are no numbers, or far from all others."""
    if x.dtype.kind in "fiu":
        x = x if x.dtype.kind == "f" else x.astype(np.float64)
        with np.errstate(over="ignore"):
            for value in rng.choice(FAR, size=rng.integers(1, 4)):
                x[np.unravel_index(rng.integers(x.size), x.shape)] = value
    return x


@of_array("features")
def turn(x, rng):
    """Time backwards: the padding on the other side."""
    return np.ascontiguousarray(x[:, ::-1]) if x.ndim == 3 else x


@of_array("features")
def scale(x, rng):
    """As after standardising: padding is not zero, but all alike."""
    return x * 2 - 1 if x.dtype.kind == "f" else x


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


def lengths(parts, rng):
    put(parts, rng, ["lengths"], (0, 1, 99, 2**40, -1, np.nan, 2.5, np.inf, "3"))


def labels(parts, rng):
    values = (3.01, -3.5, 7.0, 100.0, 1e300, np.nan, np.inf, None, "good", "", "1.5", 0.0, 0.3)
    put(parts, rng, ["labels"], values)


def ids(parts, rng):
    put(parts, rng, ["ids"], ("", " ", None, np.nan, 7, b"caf\xe9", *ODD))


def words(parts, rng):
    put(parts, rng, WORDS, ("", None, "dev", "train", *ODD))


@of_array("ids", "split", "labels")
def mix(x, rng):
    """In another order, or some a second time instead of others."""
    n = len(x)
    return x[rng.permutation(n) if rng.integers(2) else rng.integers(n, size=n)]
