"""What each part of DMD brings on the toy: the rows of Table 3, with seeds.

python benchmarks/ablation.py [--jobs 2] writes benchmarks/results/ablation.json (about 20 minutes
on 2 cores). FD is feature decoupling, CA cross-modal attention.

Every modality is scored too, on the test clips that have it: by its logit in either GD-Unit, and by
ridge regression on its pooled common code. The paper (Sec. 4.2, MOSEI) reports acc2 of vision 56.5
without and 61.8 with HomoGD, audio 54.4 and 64.1.
"""

import argparse

import numpy as np
import torch
from common import write_result
from joblib import Parallel, delayed
from sklearn.linear_model import RidgeCV

import dmdlite
from dmdlite.encoders import masked_mean
from dmdlite.experiments.systems import NO_CA
from dmdlite.metrics import floors, sentiment_metrics
from dmdlite.training import forward_all

UNSEEN = "FD + HomoGD, labels unseen by logits"
ROWS = {  # name -> settings, number of seeds
    "FD": (NO_CA | {"homo_gd": False}, 10),
    "FD + HomoGD": (NO_CA, 10),
    "FD + HomoGD, weight 0.5": (NO_CA | {"lambda_ddl": 0.5}, 5),
    "FD + HomoGD, weight 2": (NO_CA | {"lambda_ddl": 2.0}, 5),
    UNSEEN: (NO_CA, 5),
    "FD + HomoGD + HeteroGD": ({"cross_attention": False}, 5),
    "none": (NO_CA | {"homo_gd": False, "lambda_dec": 0.0}, 5),
    "FD + CA": ({"homo_gd": False, "hetero_gd": False}, 5),
    "FD + HomoGD + CA": ({"hetero_gd": False}, 5),
    "FD + HomoGD + CA + HeteroGD": ({}, 5),
}
SCORES = ("acc2", "mae", "corr")


class LabelsUnseen(dmdlite.DMD):
    """DMD to the letter of Eq. 11: the task loss is the fused prediction's alone."""

    def forward(self, batch):
        output = super().forward(batch)
        every_term = output.losses

        def losses(batch):
            terms = every_term(batch)
            task = (output.prediction - batch.labels).abs().mean()
            return terms | {"task": task, "total": terms["total"] - terms["task"] + task}

        output.losses = losses
        return output


def outputs(model, dataset) -> dict[str, torch.Tensor]:
    """Pooled common codes [N, M, d] and both units' logits [N, M]."""
    found = {"code": [], "homo": [], "hetero": []}
    for batch, output in forward_all(model, dataset):
        common = output.common.items()
        found["code"].append(torch.stack([masked_mean(x, batch.masks[m]) for m, x in common], 1))
        found["homo"].append(output.homo.logits)
        found["hetero"].append(output.hetero.logits)
    return {name: torch.cat(parts) for name, parts in found.items()}


def scored(prediction, labels) -> dict[str, float]:
    scores = sentiment_metrics(prediction, labels)
    return {name: round(scores[name], 4) for name in SCORES}


def run(name: str, settings: dict, seed: int) -> dict:
    """Train one row with one seed; its scores."""
    torch.set_num_threads(1)
    splits = dmdlite.load_dataset("toy")
    train, test = splits["train"], splits["test"]
    dmdlite.seed_everything(seed)
    kind = LabelsUnseen if name == UNSEEN else dmdlite.DMD
    model = kind(dmdlite.DMDConfig.for_dataset(train, **settings))
    dmdlite.fit(model, splits, dmdlite.TrainConfig(seed=seed, progress=False))
    seen, found = outputs(model, train), outputs(model, test)
    row = {"row": name, "seed": seed, "fused": scored(dmdlite.predict(model, test), test.labels)}
    for k, m in enumerate(test.modalities):
        here, there = test.present[:, k], train.present[:, k]
        probe = RidgeCV(np.logspace(-3, 4, 15)).fit(seen["code"][there, k], train.labels[there])
        labels = test.labels[here]
        row[m] = {unit: scored(found[unit][here, k], labels) for unit in ("homo", "hetero")}
        row[m]["probe"] = scored(probe.predict(found["code"][here, k]), labels)
    z = found["homo"][test.present.all(1)]
    edges = ~torch.eye(z.shape[1], dtype=torch.bool)
    row["gap"] = round(float((z[:, :, None] - z[:, None])[:, edges].abs().mean()), 4)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    jobs = [(n, s, seed) for n, (s, seeds) in ROWS.items() for seed in range(seeds)]
    runs = Parallel(parser.parse_args().jobs, verbose=5)(delayed(run)(*job) for job in jobs)
    test = dmdlite.load_dataset("toy")["test"]
    present = dict(zip(test.modalities, test.present.T, strict=True))
    floor = {m: round(floors(test.labels[here])["acc2"], 4) for m, here in present.items()}
    print("wrote", write_result("ablation", floor_acc2=floor, runs=runs))


if __name__ == "__main__":
    main()
