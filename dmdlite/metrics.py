"""Scores of the field, exactly defined, with the floor a constant would reach (Chapter 2)."""

from __future__ import annotations

import numpy as np
import torch


def _array(a) -> np.ndarray:
    """Numbers from a list, an array, or a tensor of any type on any device, as float64."""
    return np.asarray(a.detach().double().cpu() if torch.is_tensor(a) else a, dtype=np.float64)


def _pair(prediction, target) -> tuple[np.ndarray, np.ndarray]:
    p, y = (_array(a) for a in (prediction, target))
    if p.ndim != 1 or p.shape != y.shape or not len(p):
        raise ValueError(f"prediction {p.shape} and target {y.shape} must be two equal vectors")
    for name, a in (("prediction", p), ("target", y)):
        if not np.isfinite(a).all():
            raise ValueError(f"{name} holds {int((~np.isfinite(a)).sum())} NaN or inf")
    return p, y


def _class_accuracy(p: np.ndarray, y: np.ndarray, limit: int) -> float:
    classes, truth = (np.round(np.clip(a, -limit, limit)) for a in (p, y))
    return float(np.mean(classes == truth))


def _correlation(p: np.ndarray, y: np.ndarray) -> float:
    if np.ptp(p) < 1e-12 or np.ptp(y) < 1e-12:
        return 0.0
    return float(np.corrcoef(p, y)[0, 1])


def _binary(p: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Accuracy and weighted F1 of two boolean vectors; NaN when there is no sample left."""
    from sklearn.metrics import f1_score  # half a second, which not everyone who imports us needs

    if not len(y):
        return float("nan"), float("nan")
    return float(np.mean(p == y)), float(f1_score(y, p, average="weighted"))


def sentiment_metrics(prediction, target) -> dict[str, float]:
    """Sentiment scores of predictions [N] against targets [N] in [-3, 3].

    acc7, acc5        round(clip) agrees, limits +-3 and +-2; numpy.round is half-to-even
    acc2, f1          "non-zero": samples with target 0 dropped, p > 0 against y > 0;
                      F1 weighted by true support. NaN if every target is 0
    acc2_has_zero,    "negative / non-negative": all samples, p >= 0 against y >= 0
    f1_has_zero
    mae               mean absolute error, unclipped
    corr              Pearson; 0 when either side is constant, where it is undefined

    Raises ValueError when the two differ in shape, are empty, or hold NaN or inf.
    """
    p, y = _pair(prediction, target)
    nonzero = y != 0
    acc2, f1 = _binary(p[nonzero] > 0, y[nonzero] > 0)
    acc2_has_zero, f1_has_zero = _binary(p >= 0, y >= 0)
    return {
        "acc7": _class_accuracy(p, y, 3),
        "acc5": _class_accuracy(p, y, 2),
        "acc2": acc2,
        "f1": f1,
        "acc2_has_zero": acc2_has_zero,
        "f1_has_zero": f1_has_zero,
        "mae": float(np.mean(np.abs(p - y))),
        "corr": _correlation(p, y),
    }


def floors(target, reference=None) -> dict[str, float]:
    """What the best constant reaches on targets [N]: a score below it has learned nothing.

    The constant is chosen on `reference` (default: the targets themselves); see `constants`.
    """
    y = _array(target)
    chosen = constants(y if reference is None else reference)
    return floors_of({k: np.full_like(y, c) for k, c in chosen.items()}, y)


def constants(reference) -> dict[str, float]:
    """The best constant prediction on the labels [N] that are not NaN: for each accuracy the
    majority class, for MAE the median. Raises ValueError where there is none."""
    r = _array(reference)
    r = r[~np.isnan(r)]
    if not len(r):
        raise ValueError("floors: the reference has no label")
    return {
        "acc7": _majority(np.round(np.clip(r, -3, 3))),
        "acc5": _majority(np.round(np.clip(r, -2, 2))),
        "acc2": _majority(np.where(r[r != 0] > 0, 1.0, -1.0)),
        "acc2_has_zero": _majority(np.where(r >= 0, 1.0, -1.0)),
        "mae": float(np.median(r)),
    }


def floors_of(predictions: dict[str, np.ndarray], target) -> dict[str, float]:
    """The floors on targets [N] of each metric's constants [N], which differ between folds.

    F1 has the constant of its accuracy; corr is 0.
    """
    y = _array(target)
    scores = {k: sentiment_metrics(p, y) for k, p in predictions.items()}
    best = {k: scores[k][k] for k in predictions}
    zero = scores["acc2_has_zero"]["f1_has_zero"]
    best |= {"f1": scores["acc2"]["f1"], "f1_has_zero": zero, "corr": 0.0}
    return {k: best[k] for k in sentiment_metrics(y, y)}


def _majority(classes: np.ndarray) -> float:
    if not len(classes):
        return 0.0
    values, counts = np.unique(classes, return_counts=True)
    return float(values[counts.argmax()])
