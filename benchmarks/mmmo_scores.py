"""Cross-validation on the 120 complete videos of ICT-MMMO, and the settings that were tried.

python benchmarks/mmmo_scores.py needs the data (python data_scripts/fetch.py mmmo --allow-missing)
and writes two files under benchmarks/results. mmmo_settings.json has DMD under every setting, on
folds of their own (seed 100); mmmo_crossval.json has what `dmdlite crossval --data mmmo
--incomplete` prints (seed 0), so that what was chosen on the former is scored on other folds.
"""

import numpy as np
from common import write_result
from joblib import Parallel, delayed
from sklearn.model_selection import KFold

from dmdlite import MultimodalDataset, load_dataset
from dmdlite.crossval import (
    SMALL_MODEL,
    SMALL_TRAINING,
    cross_validate,
    dmd,
    split_complete,
    summarise,
)
from dmdlite.data import concatenate
from dmdlite.features import standardize
from dmdlite.metrics import sentiment_metrics

FOLDS, REPEATS = 5, 3
# name -> (changes to the model, changes to the training, whether incomplete videos join)
SETTINGS = {
    "as in crossval.py": ({}, {}, False),
    "as in crossval.py, incomplete too": ({}, {}, True),
    "dim 8": ({"dim": 8, "gd_hidden": 8}, {}, False),
    "dim 32": ({"dim": 32, "heads": 4}, {}, False),
    "kernel size 1": ({"kernel_size": 1}, {}, False),
    "dropout 0.5": ({"embed_dropout": 0.5, "output_dropout": 0.5}, {}, False),
    "weight decay 0.1": ({}, {"weight_decay": 0.1}, False),
    "slower": ({}, {"learning_rate": 5e-4, "epochs": 60}, False),
    "slower, incomplete too": ({}, {"learning_rate": 5e-4, "epochs": 60}, True),
    "no distillation": ({"lambda_ddl": 0.0}, {}, False),
    "no distillation, no decoupling": ({"lambda_ddl": 0.0, "lambda_dec": 0.0}, {}, False),
}


def out_of_fold(
    name: str, repeat: int, data: MultimodalDataset, extra: MultimodalDataset
) -> dict[str, float]:
    """Scores of one setting over one shuffle into folds."""
    model, training, incomplete = SETTINGS[name]
    prediction = np.zeros(len(data))
    splitter = KFold(FOLDS, shuffle=True, random_state=100 + repeat)
    for fold, (inside, outside) in enumerate(splitter.split(prediction)):
        train = data.subset(inside)
        train = concatenate([train, extra]) if incomplete else train
        scaled = standardize(train, data.subset(outside))
        seed = 100 + 1000 * repeat + fold
        prediction[outside] = dmd(*scaled, seed, SMALL_MODEL | model, SMALL_TRAINING | training)
    return {"system": name, "repeat": repeat, **sentiment_metrics(prediction, data.labels)}


def show(table: list[dict]) -> None:
    for line in table:
        cells = (f"{m} {line[m]:.3f} ± {line[m + '_sd']:.3f}" for m in ("corr", "mae", "acc2"))
        print(f"{line['system']:36}", *cells, sep="  ")


def main() -> None:
    data, extra = split_complete(concatenate(list(load_dataset("mmmo").values())))
    jobs = [(name, repeat) for name in SETTINGS for repeat in range(REPEATS)]
    rows = Parallel(n_jobs=-1)(delayed(out_of_fold)(*job, data, extra) for job in jobs)
    about = {"folds": FOLDS, "repeats": REPEATS, "complete": len(data), "incomplete": len(extra)}
    table = summarise(rows)
    show(table)
    write_result("mmmo_settings", device="cpu", seed=100, **about, summary=table, rows=rows)
    rows = cross_validate(data, FOLDS, REPEATS, seed=0, extra=extra)
    table = summarise(rows)
    show(table)
    write_result("mmmo_crossval", device="cpu", seed=0, **about, summary=table, rows=rows)


if __name__ == "__main__":
    main()
