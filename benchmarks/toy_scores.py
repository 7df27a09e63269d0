"""Scores on the toy's test split: DMD with five seeds beside simpler models and the floor.

python benchmarks/toy_scores.py writes benchmarks/results/toy_scores.json (about 6 minutes).
"""

import time
import warnings

import numpy as np
from common import write_result
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from dmdlite import DMD, MODALITIES, DMDConfig, TrainConfig, fit, load_dataset, predict
from dmdlite import seed_everything as seed_all
from dmdlite.baselines.simple import ridge
from dmdlite.data.scaling import standardize, time_pooled
from dmdlite.metrics import floors, sentiment_metrics

SEEDS = range(5)


def mlp(train, test, seed: int) -> np.ndarray:
    """A small network on time-pooled features, stopped on a tenth of the training clips."""
    shape = {"hidden_layer_sizes": (64,), "alpha": 1.0, "max_iter": 500}
    model = MLPRegressor(**shape, early_stopping=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(time_pooled(train), train.labels).predict(time_pooled(test))


def dmd(splits, seed: int) -> tuple[np.ndarray, dict]:
    """Default DMD; the test predictions, and how long it took to its best epoch."""
    seed_all(seed)
    model = DMD(DMDConfig.for_dataset(splits["train"]))
    start = time.perf_counter()
    history = fit(model, splits, TrainConfig(seed=seed))
    seconds = time.perf_counter() - start
    best = min(history, key=lambda row: row["valid_mae"])["epoch"]
    cost = {"epochs": len(history), "best_epoch": best}
    cost |= {"seconds": seconds, "seconds_to_best": seconds * best / len(history)}
    return predict(model, splits["test"]).numpy(), cost


def main() -> None:
    splits = load_dataset("toy")
    train, test = standardize(splits["train"], splits["test"])
    labels = test.labels.numpy()
    systems = {
        f"ridge on {m}": [sentiment_metrics(ridge(train.select(m), test.select(m)), labels)]
        for m in MODALITIES
    }
    systems["ridge on all"] = [sentiment_metrics(ridge(train, test), labels)]
    runs = [mlp(train, test, seed) for seed in SEEDS]
    systems["MLP on all"] = [sentiment_metrics(p, labels) for p in runs]
    runs = [dmd(splits, seed) for seed in SEEDS]
    systems["DMD"] = [sentiment_metrics(p, labels) for p, _ in runs]
    floor = floors(test.labels, train.labels)
    path = write_result(
        "toy_scores", seeds=list(SEEDS), floor=floor, systems=systems, dmd=[c for _, c in runs]
    )
    print(f"{'':20}" + "".join(f"{m:>16}" for m in ("acc2", "mae", "corr")))
    for name, scores in systems.items():
        values = [np.array([s[m] for s in scores]) for m in ("acc2", "mae", "corr")]
        cells = (f"{v.mean():8.3f} ± {v.std(ddof=len(v) > 1):.3f}" for v in values)
        print(f"{name:20}" + "".join(cells))
    print(f"{'floor':20}" + "".join(f"{floor[m]:8.3f}        " for m in ("acc2", "mae", "corr")))
    print(f"written to {path.relative_to(path.parents[2])}")


if __name__ == "__main__":
    main()
