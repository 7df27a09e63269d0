"""What can be wrong with an array: its shape, its type, its values."""

import numpy as np

from .kinds import alike, array, kind, of_array, one

FAR = (np.nan, np.inf, -np.inf, 1e300, -1e300, 1e-300, 65519.0, -0.0)
TYPES = ["f8", "f2", ">f4", "i8", "u1", "O", "U", "S", "?", "c8", "g"]


@of_array()
def cut(x, rng):
    """Less on one axis."""
    axis = rng.integers(x.ndim)
    n = x.shape[axis]
    kept = (slice(1, None), slice(n - 1), slice(n // 2), slice(0))[rng.integers(4)]
    return x.take(range(n)[kept], axis)


@kind
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


@of_array("ids", "split", "labels")
def mix(x, rng):
    """In another order, or some a second time instead of others."""
    n = len(x)
    return x[rng.permutation(n) if rng.integers(2) else rng.integers(n, size=n)]
