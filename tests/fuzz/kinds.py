"""Kinds of mutations, and where in a file they strike.

A mutation is called with a file's parts, {place: value}, and a random generator. It changes the
parts in place, and does nothing where it finds nothing that it could change.
"""

from functools import wraps

import numpy as np

LABELS, IDS = ("labels", "label", "regression_labels"), ("id", "ids", "name")
KINDS = {}  # name -> mutation


def kind(mutation):
    """Makes a function a kind of mutation."""
    KINDS[mutation.__name__] = mutation
    return mutation


def of_array(*roles):
    """Makes a function (array, rng) -> array a kind of mutation, of parts of one of these roles."""

    def strike(change):
        @wraps(change)
        def mutation(parts, rng):
            place = one(parts, rng, *roles)
            x = array(parts[place]) if place else np.zeros(())
            if x.ndim and x.size:
                parts[place] = change(x, rng)

        return kind(mutation)

    return strike


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
