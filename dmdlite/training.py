"""Training, resuming, evaluating, predicting (Sec. 3.3 and 4)."""

from __future__ import annotations

import math
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm.auto import tqdm

from .checkpoint import TrainState, load_checkpoint, save_checkpoint
from .config import TrainConfig
from .data.dataset import Batch, MultimodalDataset
from .errors import ConfigError, DataError
from .files import write_json
from .metrics import floors, sentiment_metrics

RESIDENT_BYTES = 2 * 1024**3  # a data set up to this size is kept on the device


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and PyTorch (CPU and GPUs)."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def pick_device(name: str | None = None) -> torch.device:
    """The device called `name`; without a name CUDA, then MPS, then CPU.

    Raises ConfigError when PyTorch does not know the name or cannot use it here.
    """
    if name is None:
        cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    try:
        torch.empty(0, device=name)
        usable = torch.device(name).type != "meta"
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"device: {name!r} cannot be used here ({reason})") from None
    if not usable:
        raise ConfigError(f"device: {name!r} holds no numbers")
    return torch.device(name)


def autocast(device: torch.device):
    """bfloat16 autocast on CUDA, plain float32 elsewhere."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def fit(
    model: nn.Module, splits: dict[str, MultimodalDataset], config: TrainConfig | None = None
) -> list[dict[str, float]]:
    """Train `model` on splits["train"]; leave it at its best epoch by splits["valid"].

    The best epoch has the lowest validation MAE. Returns one row an epoch: epoch, learning rate,
    training and validation losses by name, validation MAE and acc2. With `config.out`, writes
    config.json, model.safetensors, history.csv and metrics.json there, and after every epoch a
    checkpoint. Ctrl-C ends training cleanly and keeps the best model. `config.seed` decides
    shuffles and dropout; call `seed_everything` before making the model to decide its start.

    Under `accelerate launch` every process trains on its share of each epoch, `batch_size`
    samples a step, and gradients are averaged. The margin loss then sees the triplets inside
    each process's own batch.

    Raises DataError for a missing or empty split, ConfigError when the run to resume had other
    settings, FloatingPointError when a loss is not finite.
    """
    config = config or TrainConfig()
    for split in ("train", "valid"):
        if split not in splits or not len(splits[split]):
            raise DataError(f"fit needs a {split} split; got {', '.join(splits) or 'none'}")
    process = PartialState() if int(os.environ.get("WORLD_SIZE", 1)) > 1 else None
    main = process is None or process.is_main_process
    device = process.device if process and not config.device else pick_device(config.device)
    seed_everything(config.seed + (process.process_index if process else 0))
    state = TrainState.start(model.to(device), config, splits)
    out = Path(config.out) if config.out else None
    if config.resume:
        load_checkpoint(out, state, config)
    elif out and main:
        state.clear(out)
    data = {split: _resident(splits[split], device) for split in ("train", "valid")}
    parallel = DistributedDataParallel(model) if process else model
    started = time.perf_counter()
    bar = tqdm(
        total=config.epochs,
        initial=len(state.history),
        desc=f"training on {device}",
        unit="epoch",
        file=sys.stderr,
        disable=not (config.progress and main),
    )
    with bar:
        try:
            while not state.finished(config):
                state.history.append(_run_epoch(parallel, state, data, config, process))
                state.update_best()
                if out and main:
                    save_checkpoint(out, state, config)
                bar.update()
                bar.set_postfix(valid_mae=state.history[-1]["valid_mae"], best=state.best_epoch)
        except KeyboardInterrupt:
            done = len(state.history)
            bar.write(f"stopped after {done} epochs; keeping epoch {state.best_epoch}")
    model.load_state_dict(state.best)
    model.eval()
    if out and main:
        model.save_pretrained(out)
        seconds = time.perf_counter() - started
        write_json(out / "metrics.json", _report(model, splits, state, device, seconds))
    return state.history


def _resident(dataset: MultimodalDataset, device: torch.device) -> MultimodalDataset:
    """The data set on the device when it is small; larger ones stream batch by batch."""
    return dataset.to(device) if dataset.nbytes <= RESIDENT_BYTES else dataset


def _run_epoch(
    parallel: nn.Module,
    state: TrainState,
    data: dict[str, MultimodalDataset],
    config: TrainConfig,
    process: PartialState | None,
) -> dict[str, float]:
    """One pass over the training data and one over the validation data; the history row."""
    epoch = len(state.history) + 1
    rate = state.optimiser.param_groups[0]["lr"]
    order = _epoch_order(len(data["train"]), config.seed, epoch, process)
    train = _train_pass(parallel, state.optimiser, data["train"], order, config)
    valid = _validate(state.model, data["valid"], config.batch_size)
    state.scheduler.step(valid["mae"])
    row = {"epoch": epoch, "learning_rate": rate}
    row |= {f"train_{k}": v for k, v in train.items()} | {f"valid_{k}": v for k, v in valid.items()}
    for name, value in row.items():
        if not math.isfinite(value) and name != "valid_acc2":  # no non-zero label: no acc2
            raise FloatingPointError(f"epoch {epoch}: {name} is {value}; try a lower learning_rate")
    return row


def _epoch_order(n: int, seed: int, epoch: int, process: PartialState | None) -> Tensor:
    """A shuffle that depends on seed and epoch alone; each process takes its equal share."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
    if process is None:
        return order
    share = n // process.num_processes
    return order[process.process_index :: process.num_processes][:share]


def _train_pass(
    parallel: nn.Module,
    optimiser: torch.optim.Optimizer,
    dataset: MultimodalDataset,
    order: Tensor,
    config: TrainConfig,
) -> dict[str, float]:
    """One optimiser step every `accumulate` batches; the mean of every loss over the samples."""
    parallel.train()
    device = next(parallel.parameters()).device
    sums = defaultdict(lambda: torch.zeros((), device=device))
    for group in order.split(config.batch_size * config.accumulate):
        optimiser.zero_grad(set_to_none=True)
        for batch in dataset.batches(config.batch_size, group):
            batch = batch.to(device)
            with autocast(device):
                losses = parallel(batch).losses(batch)
            (losses["total"] * (len(batch) / len(group))).backward()
            for name, value in losses.items():
                sums[name] += value.detach() * len(batch)
        if config.clip_value is not None:
            nn.utils.clip_grad_value_(parallel.parameters(), config.clip_value)
        nn.utils.clip_grad_norm_(parallel.parameters(), config.clip)
        optimiser.step()
    return {name: (value / len(order)).item() for name, value in sums.items()}


def forward_all(
    model: nn.Module, dataset: MultimodalDataset, batch_size: int = 128
) -> Iterator[tuple[Batch, object]]:
    """(batch, output) over a data set in stored order, in evaluation mode, without gradients."""
    model.eval()
    device = next(model.parameters()).device
    for batch in dataset.batches(batch_size):
        batch = batch.to(device)
        with torch.inference_mode(), autocast(device):
            yield batch, model(batch)


def _validate(model: nn.Module, dataset: MultimodalDataset, batch_size: int) -> dict[str, float]:
    sums, predictions = defaultdict(float), []
    for batch, output in forward_all(model, dataset, batch_size):
        predictions.append(output.prediction.float().cpu())
        for name, value in output.losses(batch).items():
            sums[name] += value.item() * len(batch)
    losses = {name: value / len(dataset) for name, value in sums.items()}
    if not math.isfinite(losses["total"]):
        return losses | {"mae": math.nan, "acc2": math.nan}
    scores = sentiment_metrics(torch.cat(predictions), dataset.labels.cpu())
    return losses | {"mae": scores["mae"], "acc2": scores["acc2"]}


def predict(model: nn.Module, dataset: MultimodalDataset) -> Tensor:
    """Predicted sentiment of every sample, in stored order: [N] float32 on the CPU."""
    outputs = forward_all(model, dataset)
    return torch.cat([output.prediction.float().cpu() for _, output in outputs])


def evaluate(
    model: nn.Module, dataset: MultimodalDataset, reference: MultimodalDataset | None = None
) -> dict:
    """`sentiment_metrics` of the model on a data set, and "floors", the same for a constant.

    The constant is chosen on `reference` (the training split, say), by default on `dataset`.
    Raises DataError when the data set is empty.
    """
    if not len(dataset):
        raise DataError(f"{dataset.name}: no samples to evaluate on")
    labels = dataset.labels.cpu()
    scores = sentiment_metrics(predict(model, dataset), labels)
    floor = floors(labels, None if reference is None else reference.labels.cpu())
    return {**scores, "floors": floor}


def _report(model, splits, state: TrainState, device: torch.device, seconds: float) -> dict:
    """What metrics.json holds."""
    scored = [split for split in ("valid", "test") if len(splits.get(split, ()))]
    return {
        "best_epoch": state.best_epoch,
        "epochs": len(state.history),
        "seconds": round(seconds, 1),
        "device": str(device),
        "torch": torch.__version__,
        **{split: evaluate(model, splits[split], splits["train"]) for split in scored},
    }
