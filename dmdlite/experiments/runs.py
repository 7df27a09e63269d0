"""One run: a system trained with one seed, measured, and kept in a folder of its own.

The folder holds `result.json` (one row of numbers), `outputs.safetensors` (what `measures.measured`
finds) and the trained model. A run that was killed goes on from its last epoch.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import time
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import __version__
from ..baselines.simple import SIMPLE
from ..checkpoint import CHECKPOINT, code_version
from ..config import DMDConfig, ModelConfig, TrainConfig
from ..data import concatenate
from ..data.alignment import Splits
from ..data.scaling import standardize
from ..devices import pick_device, seed_everything
from ..files import claimed, read_json, replacing, save_tensors, write_json
from ..metrics import constants, floors_of
from ..training import fit
from .controls import CONTROLS
from .measures import measured, own_scores, scores
from .study import Study
from .systems import KINDS, System, recipe

RESULT, OUTPUTS = "result.json", "outputs.safetensors"


@dataclass(frozen=True)
class Run:
    """One system, one seed, in one study."""

    study: Study
    system: System
    seed: int

    @cached_property
    def configs(self) -> tuple[ModelConfig, TrainConfig]:
        """Recipe, then the study's settings, then the system's own; of the first two what the
        system's configuration has."""
        study, system = self.study, self.system
        model, training = recipe(study.data, study.folds)
        kind = KINDS[system.kind].config_class if system.kind in KINDS else DMDConfig
        known = {f.name for f in fields(kind)}
        shared = {k: v for k, v in (model | dict(study.model)).items() if k in known}
        dataset = next(iter(study.splits.values()))
        own = {} if system.kind in SIMPLE else system.fields(dataset.modalities)
        asked = dict(study.training)
        training = training | asked | dict(system.training)
        if "epochs" in asked:  # at most, also for who has no limit of its own
            training["epochs"] = min(training["epochs"], asked["epochs"])
        return (
            kind.for_dataset(dataset, **shared | own),
            TrainConfig(seed=self.seed, progress=False, device=study.device, **training),
        )

    @cached_property
    def config_hash(self) -> str:
        """Names everything that decides the numbers but the seed: code, data, settings."""
        model, training = (asdict(config) for config in self.configs)
        study, system = self.study, self.system
        for name in ("seed", "device", "out", "resume", "progress"):
            del training[name]
        trained = {"model": model, "training": training}
        trained = dict(system.settings) if system.kind in SIMPLE else trained
        used = (study.data_id, study.found_setting, study.folds, study.standardized)
        used += (study.incomplete, study.labelled, study.tested)
        about = [code_version(), system.kind, system.control, *used, trained]
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]

    def folder(self, runs: Path) -> Path:
        return runs / f"{self.config_hash}-seed{self.seed}"

    def result(self, runs: Path) -> dict[str, Any] | None:
        """The row of a run that is done, under this system's name, draw and data, since a run may
        be the same as another study's; None if it is not done.

        A row without the validation error, as they once were, cannot be chosen by: not done.
        """
        folder = self.folder(runs)
        if not ((folder / RESULT).exists() and (folder / OUTPUTS).exists()):
            return None
        row = read_json(folder / RESULT)
        if self.system.kind not in SIMPLE and "valid_mae" not in row:
            return None
        return row | {
            "system": self.system.name,
            "draw": self.study.draw,
            "data": Path(self.study.data).name,
        }


def carry_out(run: Run, runs: Path, device: str | None = None) -> None:
    """Train, measure, and write the run's folder; its result comes last.

    A checkpoint that a killed process left is gone on with. Raises Stopped, and leaves no result,
    when the training was stopped; DataError when another process is at this run.
    """
    with claimed(run.folder(runs)):
        if run.result(runs) is None:  # else another process was quicker
            _carry_out(run, runs, device)


def _carry_out(run: Run, runs: Path, device: str | None) -> None:
    folder, started = run.folder(runs), time.perf_counter()
    found, places, facts = [], [], []
    for fold, (splits, outside) in enumerate(run.study.parts(run.seed)):
        splits = CONTROLS[run.system.control](splits, run.seed)
        outputs, fact = _one_fold(run, splits, folder / f"fold{fold}", device)
        found.append(outputs | {"fold": torch.full((len(outside),), fold)})
        places.append(outside)
        facts.append(fact | {"constants": constants(splits["train"].labels)})
    order = torch.cat(places).argsort()  # back to stored order
    outputs = {name: torch.cat([part[name] for part in found])[order] for name in found[0]}
    names = next(iter(run.study.splits.values())).modalities
    row = _about(run, facts, time.perf_counter() - started, device) | scores(outputs, names)
    row |= {f"floor_{k}": v for k, v in _floors(facts, places, order, outputs["labels"]).items()}
    with replacing(folder / OUTPUTS) as temporary:
        save_tensors(outputs, temporary)
    write_json(folder / RESULT, row)


def _one_fold(
    run: Run, splits: Splits, out: Path, device: str | None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Outputs on the test samples, and facts about the training."""
    test = splits["test"]
    if run.system.kind in SIMPLE:
        train = splits["train"].subset(splits["train"].labelled)
        if run.study.labelled is None:  # else it would learn from more labels than were left
            train = concatenate([train, splits["valid"]])
        train, test = standardize(train, test)
        read = run.system.settings.get("modalities", test.modalities)
        predict = SIMPLE[run.system.kind]
        prediction = predict(train.select(*read), test.select(*read), run.seed)
        prediction = torch.as_tensor(prediction).float()
        found = {"prediction": prediction, "labels": test.labels, "present": test.present}
        return found, {"parameters": sum(test.select(*read).widths) + 1}
    model_config, config = run.configs
    checkpoint = out / CHECKPOINT
    config = TrainConfig.from_dict(
        config.to_dict()
        | {"out": str(out), "resume": checkpoint.exists()}
        | ({"device": device} if device else {})
    )
    seed_everything(run.seed)
    widths = splits["train"].widths  # a control may have moved them
    model = KINDS[run.system.kind](replace(model_config, widths=widths))
    history = fit(model, splits, config)
    best = min(history, key=lambda row: row["valid_mae"])
    waited = len(history) - best["epoch"]
    checkpoint.unlink()  # the model stays
    own = own_scores(measured(model, splits["valid"]), "homo", test.modalities)
    return measured(model, test), {
        **{f"valid_{k}": x for k, x in own.items() if k.endswith("_corr")},
        "parameters": sum(p.numel() for p in model.parameters()),
        "epochs": len(history),
        "best_epoch": best["epoch"],
        "valid_mae": best["valid_mae"],
        "capped": float(len(history) == config.epochs and waited < config.stop_patience),
    }


def _about(run: Run, facts: list[dict], seconds: float, given: str | None) -> dict[str, Any]:
    """What a row says about its making."""
    study, device = run.study, pick_device(given or run.study.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    return {
        "system": run.system.name,
        "seed": run.seed,
        "draw": study.draw,
        "data": Path(study.data).name,
        "setting": study.found_setting,
        "folds": study.folds,
        "grouping": study.grouping,
        "control": run.system.control,
        "samples": study.samples,
        "labelled": study.labelled,
        "config_hash": run.config_hash,
        "dmdlite": __version__,
        "torch": torch.__version__,
        "device": name,
        "date": datetime.date.today().isoformat(),
        "seconds": round(seconds, 1),
        **{
            key: _mean([fact[key] for fact in facts])
            for key in facts[0]
            if key != "constants" and all(key in fact for fact in facts)
        },
    }


def _floors(
    facts: list[dict], places: list[Tensor], order: Tensor, labels: Tensor
) -> dict[str, float]:
    """Of each fold's own constants, in stored order and scored at once, like the models."""
    predicted = {
        name: torch.cat(
            [
                torch.full((len(outside),), fact["constants"][name])
                for fact, outside in zip(facts, places, strict=True)
            ]
        )[order]
        for name in facts[0]["constants"]
    }
    return floors_of({k: p.numpy() for k, p in predicted.items()}, labels)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
