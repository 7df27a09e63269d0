"""Repeated k-fold cross-validation for data sets too small to spare a test split.

Every system sees the same folds. Features are standardised on the training fold alone, early
stopping looks at a fifth of the training fold, and scores come from out-of-fold predictions: one
value a repeat, over all samples.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold
from tqdm.auto import tqdm

from .config import DMDConfig, TrainConfig
from .data import MultimodalDataset, concatenate
from .features import standardize, time_pooled
from .metrics import sentiment_metrics
from .model import DMD
from .model_config import ConfigError
from .training import fit, predict, seed_everything

# What about a hundred samples can support.
SMALL_MODEL = {
    "dim": 16,
    "heads": 2,
    "layers": 1,
    "gd_hidden": 16,
    "embed_dropout": 0.2,
    "output_dropout": 0.4,
}
SMALL_TRAINING = {"epochs": 40, "batch_size": 16, "learning_rate": 2e-3, "stop_patience": 10}


def split_complete(
    dataset: MultimodalDataset,
) -> tuple[MultimodalDataset, MultimodalDataset]:
    """The samples with every modality, and those that lack one."""
    complete = dataset.present.all(1)
    return tuple(dataset.subset(part.nonzero().squeeze(1)) for part in (complete, ~complete))


def ridge(train: MultimodalDataset, test: MultimodalDataset) -> np.ndarray:
    """Ridge regression on time-pooled features: the floor that sequence models must beat.

    The penalty is chosen on `train` by efficient leave-one-out. Returns predictions [N_test].
    """
    model = RidgeCV(np.logspace(-1, 5, 25))
    return model.fit(time_pooled(train), train.labels).predict(time_pooled(test))


def dmd(
    train: MultimodalDataset, test: MultimodalDataset, seed: int, model: dict, training: dict
) -> np.ndarray:
    """DMD trained on four fifths of `train`, stopped on the last one. Predictions [N_test]."""
    splits = hold_out(train, seed)
    seed_everything(seed)
    network = DMD(DMDConfig.for_dataset(train, **model))
    fit(network, splits, TrainConfig(seed=seed, progress=False, **training))
    return predict(network, test).numpy()


def hold_out(train: MultimodalDataset, seed: int) -> dict[str, MultimodalDataset]:
    """{"train", "valid"}: a fifth of the complete samples is kept aside to stop on.

    Only complete ones, because the test's are.
    """
    complete = train.present.all(1).nonzero().squeeze(1)
    generator = torch.Generator().manual_seed(seed)
    chosen = complete[torch.randperm(len(complete), generator=generator)]
    valid = chosen[: len(complete) // 5]
    rest = torch.ones(len(train), dtype=torch.bool)
    rest[valid] = False
    return {"train": train.subset(rest.nonzero().squeeze(1)), "valid": train.subset(valid)}


def permuted(train: MultimodalDataset, seed: int) -> MultimodalDataset:
    """The same features with shuffled labels: what is learned from them is nothing."""
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    return replace(train, labels=train.labels[order])


def cross_validate(
    dataset: MultimodalDataset,
    folds: int = 5,
    repeats: int = 3,
    seed: int = 0,
    extra: MultimodalDataset | None = None,
    model: dict | None = None,
    training: dict | None = None,
    jobs: int = -1,
    progress: bool = True,
) -> list[dict]:
    """Out-of-fold scores of every system: one row a system and repeat.

    `extra` samples (incomplete ones, say) join every training fold of one more system and are
    never tested on. `model` and `training` override SMALL_MODEL and SMALL_TRAINING. Folds run
    in `jobs` processes (-1: one a core; tiny steps gain more from that than from threads).
    Raises ConfigError when there are too few samples for the folds.
    """
    if not 2 <= folds <= len(dataset) // 2:
        raise ConfigError(f"folds: from 2 to {len(dataset) // 2} for {len(dataset)} samples")
    if repeats < 1:
        raise ConfigError(f"repeats: 1 or more, got {repeats}")
    if not 0 <= seed < 2**31:
        raise ConfigError(f"seed: from 0 to {2**31 - 1}, got {seed}")
    if jobs == 0:
        raise ConfigError("jobs: a number of processes, or -1 for one a core, got 0")
    model, training = SMALL_MODEL | (model or {}), SMALL_TRAINING | (training or {})
    labels = dataset.labels.numpy()
    plan = [
        (repeat, fold, inside, outside)
        for repeat in range(repeats)
        for fold, (inside, outside) in enumerate(
            KFold(folds, shuffle=True, random_state=seed + repeat).split(labels)
        )
    ]
    results = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_fold)(
            dataset.subset(inside), dataset.subset(outside), extra,
            seed + 1000 * repeat + fold, model, training,
        )
        for repeat, fold, inside, outside in plan
    )  # fmt: skip
    out_of_fold: dict[tuple[str, int], np.ndarray] = {}
    bar = tqdm(results, total=len(plan), unit="fold", desc="cross-validation", disable=not progress)
    for (repeat, _, _, outside), predictions in zip(plan, bar, strict=True):
        for system, prediction in predictions.items():
            out_of_fold.setdefault((system, repeat), np.zeros_like(labels))[outside] = prediction
    return [
        {"system": system, "repeat": repeat, **sentiment_metrics(prediction, labels)}
        for (system, repeat), prediction in out_of_fold.items()
    ]


def _fold(train, test, extra, seed: int, model: dict, training: dict) -> dict[str, np.ndarray]:
    """Predictions on one test fold, by system."""
    scaled, scaled_test = standardize(train, test)
    control = permuted(scaled, seed)
    predictions = {
        "DMD": dmd(scaled, scaled_test, seed, model, training),
        "ridge": ridge(scaled, scaled_test),
        "DMD, permuted labels": dmd(control, scaled_test, seed, model, training),
        "ridge, permuted labels": ridge(control, scaled_test),
        "median": np.full(len(test), float(train.labels.median())),
    }
    if extra is not None:
        more, more_test = standardize(concatenate([train, extra]), test)
        predictions["DMD + incomplete"] = dmd(more, more_test, seed, model, training)
        predictions["ridge + incomplete"] = ridge(more, more_test)
    return predictions


def summarise(rows: list[dict], metrics: tuple[str, ...] = ("corr", "mae", "acc2")) -> list[dict]:
    """Mean and standard deviation over repeats: one row a system."""
    systems = list(dict.fromkeys(row["system"] for row in rows))
    table = []
    for system in systems:
        line: dict = {"system": system}
        for metric in metrics:
            values = [row[metric] for row in rows if row["system"] == system]
            line[metric] = float(np.mean(values))
            line[f"{metric}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        table.append(line)
    return table
