"""Cross-validation on the 120 complete videos of ICT-MMMO, and the settings that were tried.

python benchmarks/mmmo_scores.py needs the data (python data_scripts/fetch.py mmmo --allow-missing)
and writes files under benchmarks/results. mmmo_settings.json has DMD under every setting, on folds
of their own (seed 100); mmmo_crossval.json has what `dmdlite crossval --data mmmo --incomplete`
prints (seed 0), so that what was chosen on the former is scored on other folds; mmmo_parts.json has
DMD with parts left out, on those folds too. --only makes some of the three.
"""

import argparse

import numpy as np
from common import write_result
from joblib import Parallel, delayed
from sklearn.model_selection import KFold

from dmdlite import MultimodalDataset, load_dataset
from dmdlite.data import concatenate
from dmdlite.data.scaling import standardize
from dmdlite.experiments.crossval import (
    SMALL_MODEL,
    SMALL_TRAINING,
    cross_validate,
    dmd,
    split_complete,
    summarise,
)
from dmdlite.experiments.systems import NO_CA
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
PARTS = {  # name -> changes to the model
    "nothing but the task": NO_CA | {"homo_gd": False, "lambda_dec": 0.0},
    "FD": NO_CA | {"homo_gd": False},
    "FD, HomoGD": NO_CA,
    "FD, HomoGD, HeteroGD": {"cross_attention": False},
    "FD, HomoGD, attention": {"hetero_gd": False},
    "all: DMD": {},
}


def out_of_fold(
    name: str,
    setting: tuple,
    repeat: int,
    first: int,
    data: MultimodalDataset,
    extra: MultimodalDataset,
) -> dict[str, float]:
    """Scores of one setting over one shuffle into folds; `first` is the first shuffle's seed."""
    model, training, incomplete = setting
    prediction = np.zeros(len(data))
    splitter = KFold(FOLDS, shuffle=True, random_state=first + repeat)
    for fold, (inside, outside) in enumerate(splitter.split(prediction)):
        train = data.subset(inside)
        train = concatenate([train, extra]) if incomplete else train
        scaled = standardize(train, data.subset(outside))
        seed = first + 1000 * repeat + fold
        prediction[outside] = dmd(*scaled, seed, SMALL_MODEL | model, SMALL_TRAINING | training)
    return {"system": name, "repeat": repeat, **sentiment_metrics(prediction, data.labels)}


def show(table: list[dict]) -> None:
    for line in table:
        cells = (f"{m} {line[m]:.3f} ± {line[m + '_sd']:.3f}" for m in ("corr", "mae", "acc2"))
        print(f"{line['system']:36}", *cells, sep="  ")


def compare(settings: dict, first: int, data, extra) -> list[dict]:
    """Every setting over every shuffle."""
    jobs = [(n, s, repeat, first) for n, s in settings.items() for repeat in range(REPEATS)]
    return Parallel(n_jobs=-1)(delayed(out_of_fold)(*job, data, extra) for job in jobs)


def main() -> None:
    data, extra = split_complete(concatenate(list(load_dataset("mmmo").values())))
    made = {
        "settings": lambda: compare(SETTINGS, 100, data, extra),
        "crossval": lambda: cross_validate(data, FOLDS, REPEATS, seed=0, extra=extra),
        "parts": lambda: compare({n: (m, {}, False) for n, m in PARTS.items()}, 0, data, extra),
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=made, default=made, help="default: all")
    about = {"folds": FOLDS, "repeats": REPEATS, "complete": len(data), "incomplete": len(extra)}
    for name in parser.parse_args().only:
        rows = made[name]()
        table = summarise(rows)
        show(table)
        seed = 100 if name == "settings" else 0
        write_result(f"mmmo_{name}", device="cpu", seed=seed, **about, summary=table, rows=rows)


if __name__ == "__main__":
    main()
