"""Ridge regression on time averages: the floor that sequence models must beat (Chapter 1)."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import RidgeCV

from ..data import MultimodalDataset
from ..data.scaling import time_pooled


def ridge(train: MultimodalDataset, test: MultimodalDataset) -> np.ndarray:
    """Predictions [N_test]; the penalty is chosen on `train` by efficient leave-one-out."""
    model = RidgeCV(np.logspace(-1, 5, 25))
    return model.fit(time_pooled(train), train.labels).predict(time_pooled(test))
