"""Simple models on time averages: what a sequence model must beat (Chapter 1)."""

from __future__ import annotations

import warnings

import numpy as np

from ..data import MultimodalDataset
from ..data.scaling import time_pooled


def ridge(
    train: MultimodalDataset, test: MultimodalDataset, seed: int = 0, pooling: str = "mean"
) -> np.ndarray:
    """Predictions [N_test]; the penalty is chosen on `train` by efficient leave-one-out."""
    from sklearn.linear_model import RidgeCV  # half a second

    model = RidgeCV(np.logspace(-1, 5, 25))
    model.fit(time_pooled(train, pooling), train.labels)
    return model.predict(time_pooled(test, pooling))


def absolute_ridge(train: MultimodalDataset, test: MultimodalDataset, seed: int = 0) -> np.ndarray:
    """`ridge` with absolute instead of squared error, as most systems have; the penalty is chosen
    in five folds of `train`."""
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import LinearSVR

    model = LinearSVR(epsilon=0.0, random_state=seed, max_iter=20_000)  # |error| + penalty
    search = GridSearchCV(
        model, {"C": np.logspace(-4, 0, 9)}, scoring="neg_mean_absolute_error", cv=5
    )
    return search.fit(time_pooled(train), train.labels).predict(time_pooled(test))


def mlp(train: MultimodalDataset, test: MultimodalDataset, seed: int = 0) -> np.ndarray:
    """Predictions [N_test] of one hidden layer, stopped on a tenth of the training samples, where
    that is two or more."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    shape = {"hidden_layer_sizes": (64,), "alpha": 1.0, "max_iter": 500}
    model = MLPRegressor(**shape, early_stopping=len(train) >= 20, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(time_pooled(train), train.labels).predict(time_pooled(test))


SIMPLE = {"ridge": ridge, "ridge, absolute error": absolute_ridge, "MLP": mlp}
