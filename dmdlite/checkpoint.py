"""The state of a training run, and its checkpoint: one file, whole or not at all (Chapter 9)."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .config import TrainConfig
from .data.dataset import MultimodalDataset
from .errors import ConfigError, DataError
from .files import PARTIAL, read_json, replacing, write_json
from .processes import Processes

CHECKPOINT = "checkpoint.pt"
FEATURES = "features.json"  # how what the model read was made; written by the `dmdlite` command
RUN_FILES = (CHECKPOINT, "history.csv", "config.json", "model.safetensors")
RUN_FILES += ("metrics.json", FEATURES)
NO_NUMBERS = (  # what only shows them: pictures, checks, marks, commands, tables
    *("plots/", "checks/", "grading/", "results/", "commands/"),
    *("cli.py", "__main__.py"),
    *("experiments/artifacts.py", "experiments/ceiling.py", "experiments/claims.py"),
    *("experiments/cluster.py", "experiments/comparison.py", "experiments/crossval.py"),
    "experiments/formatting.py",
    *("experiments/paper.py", "experiments/ranking.py", "experiments/reproduce.py"),
    *("experiments/results.py", "experiments/tables.py"),
    *("experiments/mapping.py", "experiments/slopes.py", "experiments/writing.py"),
)
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


def check_place(out: Path) -> None:
    """Raises DataError unless `out` is new, empty, or holds a run."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: not a folder")
    found = [path for path in out.glob("*") if not path.name.startswith(".")]
    left = [path for path in found if path.name.removesuffix(PARTIAL) not in RUN_FILES]
    ours = not found or holds_model(out) or (_is_checkpoint(out / CHECKPOINT) and not left)
    if not (ours or (not left and all(path.suffix == PARTIAL for path in found))):
        raise DataError(f"{out}: holds something else than a run; choose another folder")


def holds_model(out: Path) -> bool:
    """Whether config.json is one of a model of ours."""
    try:
        settings = read_json(out / "config.json")
    except DataError:
        return False
    return isinstance(settings, dict) and {"widths", "modalities"} <= set(settings)


def _is_checkpoint(path: Path) -> bool:
    try:
        saved = torch.load(path, map_location="meta", weights_only=True)
    except Exception:  # torch.load raises what its parsers raise
        return False
    return isinstance(saved, dict) and {"train", "history", "best"} <= set(saved)


def _snapshot(model: nn.Module) -> dict[str, Tensor]:
    return {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}


def save_checkpoint(
    out: Path, state: TrainState, config: TrainConfig, processes: Processes
) -> None:
    """Write checkpoint.pt and history.csv, each whole or not at all.

    An earlier run in `out` stays whole until the first checkpoint of this one is on the disk.
    """
    rng = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        rng["cuda"] = torch.cuda.get_rng_state()
    saved = {
        "code": code_version(),
        "train": config.to_dict(),
        "data": state.data,
        "described": state.model.described(),
        "model": state.model.state_dict(),
        "best": state.best,
        "optimiser": state.optimiser.state_dict(),
        "scheduler": state.scheduler.state_dict(),
        "history": state.history,
        "rng": processes.gathered(rng),  # one a process
    }
    if processes.main:
        with replacing(out / CHECKPOINT) as temporary:
            temporary.write_bytes(_serialized(saved))
            if len(state.history) == 1:
                for name in set(RUN_FILES) - {CHECKPOINT}:
                    (out / name).unlink(missing_ok=True)
                write_json(out / "config.json", state.model.described())
        write_history(out / "history.csv", state.history)


def _serialized(saved: dict[str, Any]) -> bytes:
    """What torch.save writes; into memory, where no full disk makes it fail halfway."""
    buffer = io.BytesIO()
    torch.save(saved, buffer)
    return buffer.getvalue()


def write_history(path: Path, history: list[dict[str, float]]) -> None:
    """One line an epoch; floats in full precision."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=history[0])
        writer.writeheader()
        writer.writerows(history)


def load_checkpoint(
    out: Path, state: TrainState, config: TrainConfig, processes: Processes
) -> None:
    """Fill `state`, and set the random generators, from the checkpoint in `out`.

    No code in it is run. Raises DataError when it is missing or unreadable, ConfigError that names
    a setting which differs from the run's.
    """
    path = out / CHECKPOINT
    if not path.is_file():
        raise DataError(f"{path}: no checkpoint to resume from, but a trained model is there")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        same = {kind: dict(saved[kind]) for kind in ("train", "data", "described")}
        code = {"dmdlite": saved["code"]}
    except Exception as error:  # torch.load raises what its parsers raise
        raise DataError(f"{path}: not a readable checkpoint ({brief(error)})") from None
    _check_same("train setting", same["train"], config.to_dict(), MAY_CHANGE)
    _check_same("model setting", same["described"], state.model.described())
    _check_same("data of split", same["data"], state.data)
    _check_same("code of", code, {"dmdlite": code_version()})
    try:
        count = {"processes": len(saved["rng"])}
        _check_same("number of", count, {"processes": processes.count})
        state.model.load_state_dict(saved["model"])
        state.optimiser.load_state_dict(saved["optimiser"])
        state.scheduler.load_state_dict(saved["scheduler"])
        state.best, state.history = dict(saved["best"]), [dict(row) for row in saved["history"]]
        rng = saved["rng"][processes.rank]
        torch.set_rng_state(rng["cpu"])
        if "cuda" in rng and torch.cuda.is_available():
            torch.cuda.set_rng_state(rng["cuda"])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        if isinstance(error, ConfigError):
            raise
        raise DataError(f"{path}: not a whole checkpoint ({brief(error)})") from None


@cache
def code_version() -> str:
    """Names the code that makes the numbers: a hash of this package's source."""
    return source_hash(Path(__file__).parent)


def source_hash(home: Path) -> str:
    """A hash of every module of a package but those in NO_NUMBERS."""
    digest = hashlib.sha256()
    for path in sorted(home.rglob("*.py")):
        name = path.relative_to(home).as_posix()
        if not name.startswith(NO_NUMBERS):
            digest.update(name.encode() + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:12]


def brief(error: Exception) -> str:
    """The first line of what was raised."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _check_same(kind: str, saved: dict[str, Any], now: dict[str, Any], skip: tuple = ()) -> None:
    for name in saved | now:
        was, value = saved.get(name), now.get(name)
        if name not in skip and was != value:
            raise ConfigError(f"resume: {kind} {name} was {was!r}, is now {value!r}")
