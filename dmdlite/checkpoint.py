"""The state of a training run, and its checkpoint: one safetensors file, written atomically."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from .config import TrainConfig
from .data.dataset import MultimodalDataset
from .errors import ConfigError, DataError
from .files import replacing

CHECKPOINT = "checkpoint.safetensors"
RUN_FILES = (CHECKPOINT, "history.csv", "config.json", "model.safetensors", "metrics.json")
MAY_CHANGE = ("epochs", "device", "out", "resume", "progress")  # settings a resumed run may alter


@dataclass
class TrainState:
    """What a run needs to go on exactly where it stopped."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.ReduceLROnPlateau
    best: dict[str, Tensor]  # state_dict at the best epoch so far, on the CPU
    data: dict[str, str]  # fingerprint of every split
    history: list[dict[str, float]] = field(default_factory=list)  # one row an epoch

    @classmethod
    def start(
        cls, model: nn.Module, config: TrainConfig, splits: dict[str, MultimodalDataset]
    ) -> TrainState:
        optimiser = torch.optim.Adam(
            model.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimiser, factor=0.5, patience=config.plateau_patience
        )
        data = {split: splits[split].fingerprint() for split in ("train", "valid")}
        return cls(model, optimiser, scheduler, _snapshot(model), data)

    @property
    def best_epoch(self) -> int:
        """Epoch with the lowest validation MAE, from 1; 0 before the first."""
        best = min(self.history, key=lambda row: row["valid_mae"], default={"epoch": 0})
        return int(best["epoch"])

    def update_best(self) -> None:
        """Keep the weights if the newest epoch is the best one."""
        if self.best_epoch == len(self.history):
            self.best = _snapshot(self.model)

    def finished(self, config: TrainConfig) -> bool:
        stale = len(self.history) - self.best_epoch
        return len(self.history) >= config.epochs or stale >= config.stop_patience

    @staticmethod
    def clear(out: Path) -> None:
        """Make the run's folder, without the files of an earlier run."""
        out.mkdir(parents=True, exist_ok=True)
        for name in RUN_FILES:
            (out / name).unlink(missing_ok=True)


def _snapshot(model: nn.Module) -> dict[str, Tensor]:
    return {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}


def save_checkpoint(out: Path, state: TrainState, config: TrainConfig) -> None:
    """Write checkpoint.safetensors and history.csv, each whole or not at all."""
    tensors = {f"model.{k}": v for k, v in _snapshot(state.model).items()}
    tensors |= {f"best.{k}": v for k, v in state.best.items()}
    optimiser = state.optimiser.state_dict()
    for i, moments in optimiser["state"].items():
        tensors |= {f"optimiser.{i}.{k}": v.detach().cpu() for k, v in moments.items()}
    tensors["rng.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["rng.cuda"] = torch.cuda.get_rng_state()
    about = {
        "train": config.to_dict(),
        "data": state.data,
        "model": state.model.described(),
        "groups": optimiser["param_groups"],
        "scheduler": state.scheduler.state_dict(),
        "history": state.history,
    }
    with replacing(out / CHECKPOINT) as temporary:
        save_file(tensors, temporary, metadata={"state": json.dumps(about)})
    write_history(out / "history.csv", state.history)


def write_history(path: Path, history: list[dict[str, float]]) -> None:
    """One line an epoch; floats in full precision."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=history[0])
        writer.writeheader()
        writer.writerows(history)


def load_checkpoint(out: Path, state: TrainState, config: TrainConfig) -> None:
    """Fill `state`, and set the random generators, from the checkpoint in `out`.

    Raises DataError when it is missing or unreadable, ConfigError that names a setting which
    differs from the run's.
    """
    path = out / CHECKPOINT
    if not path.is_file():
        raise DataError(f"{path}: no checkpoint to resume from; train without --resume first")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["state"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        saved = {kind: dict(about[kind]) for kind in ("train", "data", "model")}
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: not a readable checkpoint ({error})") from None
    _check_same("train setting", saved["train"], config.to_dict(), MAY_CHANGE)
    model = json.loads(json.dumps(state.model.described()))  # lists for tuples
    _check_same("model setting", saved["model"], model)
    _check_same("data of split", saved["data"], state.data)
    try:
        _restore(state, about, tensors)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise DataError(f"{path}: not a whole checkpoint ({error})") from None


def _restore(state: TrainState, about: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    state.model.load_state_dict(_part(tensors, "model."))
    state.best = _part(tensors, "best.")
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in _part(tensors, "optimiser.").items():
        index, name = key.split(".")
        moments.setdefault(int(index), {})[name] = value
    state.optimiser.load_state_dict({"state": moments, "param_groups": about["groups"]})
    state.scheduler.load_state_dict(about["scheduler"])
    state.history = [dict(row) for row in about["history"]]
    torch.set_rng_state(tensors["rng.cpu"])
    if "rng.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["rng.cuda"])


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _check_same(kind: str, saved: dict[str, Any], now: dict[str, Any], skip: tuple = ()) -> None:
    for name, value in now.items():
        if name not in skip and saved.get(name) != value:
            raise ConfigError(f"resume: {kind} {name} was {saved.get(name)!r}, is now {value!r}")
