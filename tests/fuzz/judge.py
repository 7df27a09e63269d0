"""Whether a data set, and the report on it, are what they must be. Raises Wrong where not."""

import numpy as np
from dmdlite_data.words import WORDS

from dmdlite.data.storage import manifest_of

from .parts import COUNT, label


class Wrong(AssertionError):
    """What a converter must not do."""


def must(holds, says):
    if not holds:
        raise Wrong(says)


def differences(found, expected, close):
    """Where a data set is not what was expected, to the last bit unless `close`."""
    if list(found) != list(expected):
        return [f"splits {list(found)}, not {list(expected)}"]
    return [x for split in found for x in _of_split(split, found[split], expected[split], close)]


def _of_split(split, data, wanted, close):
    n = len(wanted.ids)
    same = {
        "ids": list(data.ids) == wanted.ids,
        "labels": np.array_equal(data.labels.numpy(), wanted.labels, equal_nan=True),
        "texts": list(data.texts or [""] * n) == wanted.texts,
        "groups": list(data.groups or [""] * n) == wanted.groups,
        "modalities": data.modalities == tuple(wanted.x),
        "factors": data.factors.keys() == wanted.factors.keys(),
    }
    if all(same.values()):
        for k, values in wanted.factors.items():
            same[k] = np.array_equal(data.factors[k].numpy(), values, equal_nan=True)
        for m, clips in wanted.x.items():
            edges = data.offsets[m].tolist()
            for i in range(n):
                part, (steps, values) = slice(edges[i], edges[i + 1]), clips[i]
                same[f"times of {m}, clip {i}"] = data.steps[m][part].tolist() == steps.tolist()
                same[f"{m}, clip {i}"] = _alike(data.values[m][part].numpy(), values, close)
    return [f"{split}: {what}" for what, holds in same.items() if not holds]


def _alike(x, values, close):
    with np.errstate(over="ignore"):
        values = values.astype(x.dtype)
    if x.shape != values.shape or not np.isfinite(values).all() or not x.any(axis=1).all():
        return False
    return np.allclose(x, values, rtol=1e-5, atol=1e-6) if close else np.array_equal(x, values)


def check_report(found, told, out, err):
    """All that was repaired is on record and printed with its number, and nothing else."""
    for says in told.said:
        must(says in err, f"does not say {says!r}: {err}")
    repaired, lines = manifest_of("demo")["repaired"], out.split("\n")
    for split, data in found.items():
        start = next(i for i, line in enumerate(lines) if line.startswith(f"{split}: "))
        end = next(i for i, line in enumerate(lines) if i > start and not line.startswith("  "))
        y = data.labels[data.labelled]
        shown = f"labels {y.min():.2f} to {y.max():.2f}" if len(y) else "no labels: to predict only"
        must(lines[start] == f"{split}: {len(data)} samples, {shown}", lines[start])
        wanted = {place: n for place, n in told.counts[split].items() if n}
        counts = {(w, what): n for w, c in repaired[split].items() for what, n in c.items() if n}
        must(counts == wanted, f"{split}: counts {counts}, not {wanted}")
        says = [(where, f"{n} {WORDS[what]}") for (where, what), n in wanted.items()]
        for m in data.modalities:
            says.append((m, f"missing in {int((data.lengths(m) == 0).sum())} samples"))
        for where, words in says:
            told_so = any(
                line.split()[0] == where and words in line for line in lines[start + 1 : end]
            )
            must(told_so, f"{split}, {where}: does not print {words!r}: {out}")


# The number of a clip, in what is stored of it


def numbers_in(data, i):
    """The numbers that the features of a clip hold."""
    parts = [data.values[m][data.offsets[m][i] : data.offsets[m][i + 1], 0] for m in data.values]
    values = np.concatenate([part.numpy() for part in parts])
    return {int(v) for v in values if v % 1 == 0.5 and 0 < v < COUNT + 1}


def numbers(found):
    """id -> the number of the clip, where its features show one."""
    seen = {clip: numbers_in(d, i) for d in found.values() for i, clip in enumerate(d.ids)}
    return {clip: min(found) for clip, found in seen.items() if found}


def check_numbers(found, known):
    """No clip has the label or the features of another."""
    for data in found.values():
        for i, clip in enumerate(data.ids):
            own = numbers_in(data, i) | ({known[clip]} if clip in known else set())
            y = float(data.labels[i])
            own |= {n for n in range(1, COUNT + 1) if abs(label(n) - y) < 1e-6}
            must(len(own) < 2, f"{clip} is made of clips {own}")
