"""Training, resuming, evaluating, predicting (Sec. 3.3 and 4, Chapter 9)."""

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
from torch import Tensor, nn
from tqdm.auto import tqdm

from .checkpoint import TrainState, load_checkpoint, save_checkpoint
from .config import TrainConfig
from .data.dataset import Batch, MultimodalDataset
from .errors import ConfigError, DataError
from .files import write_json
from .metrics import floors, sentiment_metrics
from .processes import Processes

RESIDENT_BYTES = 2 * 1024**3  # a data set up to this size is kept on the device


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and PyTorch (CPU and GPUs)."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def pick_device(name: str | None = None) -> torch.device:
    """The device called `name`; without a name CUDA, then MPS, then CPU.

    Of several processes on a machine each takes its own GPU. Raises ConfigError when PyTorch does
    not know the name or cannot use it here.
    """
    if name is None:
        cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
        gpu = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        return torch.device(gpu if cuda else "mps" if mps else "cpu")
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
    """bfloat16 autocast on a GPU that has it, plain float32 elsewhere."""
    cuda = device.type == "cuda"
    usable = cuda and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, torch.bfloat16, enabled=usable)


def fit(
    model: nn.Module, splits: dict[str, MultimodalDataset], config: TrainConfig | None = None
) -> list[dict[str, float]]:
    """Train `model` on splits["train"]; leave it at its best epoch by splits["valid"].

    The best epoch has the lowest validation MAE. Returns one row an epoch: epoch, learning rate,
    training and validation losses by name, validation MAE and acc2. With `config.out`, writes
    config.json, model.safetensors, history.csv and metrics.json there, and after every epoch a
    checkpoint. Ctrl-C ends training cleanly and keeps the best model. `config.seed` decides
    shuffles and dropout; call `seed_everything` before making the model to decide its start.

    Under `torchrun` or `accelerate launch` every process takes its share of each step, up to
    `batch_size` samples, and a step is that of all of them. What looks at a whole batch (triplets
    of the margin loss, batch normalisation) sees each process's own. The main process validates,
    and all go by what it finds.

    Raises DataError for a missing or empty split, ConfigError when the run to resume had other
    settings or there are more processes than samples, FloatingPointError when a loss is not finite.
    """
    config = config or TrainConfig()
    for split in ("train", "valid"):
        if split not in splits or not len(splits[split]):
            raise DataError(f"fit needs a {split} split; got {', '.join(splits) or 'none'}")
    device = pick_device(config.device)
    processes = Processes.joined(device)
    if processes.count > len(splits["train"]):
        n = len(splits["train"])
        raise ConfigError(f"{processes.count} processes are too many for {n} training samples")
    seed_everything(config.seed + processes.rank)
    state = TrainState.start(model.to(device), config, splits)
    processes.take_over(model)
    out = Path(config.out) if config.out else None
    if config.resume:
        load_checkpoint(out, state, config, processes)
    elif out and processes.main:
        state.clear(out)
    data = {split: _resident(splits[split], device) for split in ("train", "valid")}
    started = time.perf_counter()
    bar = tqdm(
        total=config.epochs,
        initial=len(state.history),
        desc=f"training on {device}",
        unit="epoch",
        file=sys.stderr,
        disable=not (config.progress and processes.main),
    )
    with bar:
        try:
            while not state.finished(config):
                state.history.append(_run_epoch(state, data, config, processes))
                state.update_best()
                if out:
                    save_checkpoint(out, state, config, processes)
                bar.update()
                bar.set_postfix(valid_mae=state.history[-1]["valid_mae"], best=state.best_epoch)
        except KeyboardInterrupt:
            done = len(state.history)
            bar.write(f"stopped after {done} epochs; keeping epoch {state.best_epoch}")
    model.load_state_dict(state.best)
    model.eval()
    if out and processes.main:
        model.save_pretrained(out)
        seconds = time.perf_counter() - started
        write_json(out / "metrics.json", _report(model, splits, state, device, seconds))
    return state.history


def _resident(dataset: MultimodalDataset, device: torch.device) -> MultimodalDataset:
    """The data set on the device when it is small; larger ones stream batch by batch."""
    return dataset.to(device) if dataset.nbytes <= RESIDENT_BYTES else dataset


def _run_epoch(
    state: TrainState, data: dict[str, MultimodalDataset], config: TrainConfig, processes: Processes
) -> dict[str, float]:
    """One pass over the training data and one over the validation data; the history row."""
    epoch = len(state.history) + 1
    rate = state.optimiser.param_groups[0]["lr"]
    train = _train_pass(state, data["train"], config, processes)
    processes.take_over(state.model)  # running statistics are each process's own until here
    valid = _validate(state.model, data["valid"], config.batch_size) if processes.main else None
    valid = processes.told(valid)
    state.scheduler.step(valid["mae"])
    row = {"epoch": epoch, "learning_rate": rate}
    row |= {f"train_{k}": v for k, v in train.items()} | {f"valid_{k}": v for k, v in valid.items()}
    for name, value in row.items():
        if not math.isfinite(value) and name != "valid_acc2":  # no non-zero label: no acc2
            raise FloatingPointError(f"epoch {epoch}: {name} is {value}; try a lower learning_rate")
    return row


def _epoch_order(n: int, seed: int, epoch: int) -> Tensor:
    """A shuffle that depends on seed and epoch alone."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))


def _train_pass(
    state: TrainState, dataset: MultimodalDataset, config: TrainConfig, processes: Processes
) -> dict[str, float]:
    """One optimiser step every `accumulate` batches of every process; the mean of every loss over
    all samples."""
    model, optimiser = state.model.train(), state.optimiser
    device = next(model.parameters()).device
    sums = defaultdict(lambda: torch.zeros((), device=device))
    order = _epoch_order(len(dataset), config.seed, len(state.history) + 1)
    for group in order.split(config.batch_size * config.accumulate * processes.count):
        optimiser.zero_grad(set_to_none=True)
        for batch in dataset.batches(config.batch_size, processes.share(group)):
            batch = batch.to(device)
            with autocast(device):
                losses = model(batch).losses(batch)
            (losses["total"] * (len(batch) / len(group))).backward()
            for name, value in losses.items():
                sums[name] += value.detach() * len(batch)
        processes.add_up_gradients(model)
        if config.clip_value is not None:
            nn.utils.clip_grad_value_(model.parameters(), config.clip_value)
        nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimiser.step()
    processes.add_up(sums.values())
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
