"""Training and resuming (Sec. 3.3 and 4, Chapter 9)."""

from __future__ import annotations

import math
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from .base import SentimentModel
from .checkpoint import (
    CHECKPOINT,
    TrainState,
    check_place,
    holds_model,
    load_checkpoint,
    save_checkpoint,
)
from .config import TrainConfig
from .data.dataset import Batch, MultimodalDataset, check_trainable
from .data.labels import epoch_order
from .data.scaling import Scaler, column_statistics, needs_scaling
from .devices import autocast, compiled, pick_device, resident, seed_everything, threads_for
from .errors import ConfigError, Stopped
from .evaluation import evaluate, forward_all, predict, scored, validate  # noqa: F401  others ask here
from .files import claimed, write_json
from .processes import Processes

SHAPES = 4  # that a compiled step is made for, at most
HUGE = 1e6  # features beyond this, unscaled, are a likelier cause of overflow than the rate
Step = Callable[[nn.Module, Batch], dict[str, Tensor]]  # losses by name


def fit(
    model: nn.Module, splits: dict[str, MultimodalDataset], config: TrainConfig | None = None
) -> list[dict[str, float]]:
    """Train `model` on splits["train"]; leave it at its best epoch by splits["valid"].

    The best epoch has the lowest validation MAE. Returns one row an epoch: epoch, learning rate,
    training and validation losses by name, validation MAE and acc2. With `config.out`, writes
    config.json, model.safetensors, history.csv and metrics.json there, and after every epoch a
    checkpoint; the folder is this process's alone until the end. `config.seed` decides shuffles
    and dropout; call `seed_everything` before making the model to decide its start.

    A SentimentModel keeps the statistics of its training features (`model.scaler`) and, where they
    are not near mean 0 and deviation 1, or `config.standardize` says so, scales by them whatever
    it reads from then on. One that has statistics keeps those.

    Under `torchrun` or `accelerate launch` every process takes its share of each step, up to
    `batch_size` samples, and a step is that of all of them. What looks at a whole batch (triplets
    of the margin loss, batch normalisation) sees each process's own. The main process validates,
    and all go by what it finds.

    Training samples may lack a label: terms that need one leave them out, the others use them, and
    batches mix them as `config.labelled_share` says. A model without such terms never sees them.

    Raises DataError for a missing or empty split, a train without any label, a valid that lacks
    one, a split on another scale than train, or an `out` that holds something else than a run;
    ConfigError when the run to resume had other settings or there are more processes than samples,
    FloatingPointError when a loss is not finite, Stopped on Ctrl-C, once the best model so far is
    in place and written.
    """
    config = config or TrainConfig()
    check_trainable(splits)
    device = pick_device(config.device)
    autocast(device, config.bf16)  # says so now where it cannot
    processes = Processes.joined(device)
    told = config.progress and processes.main
    splits = splits | {"train": _of_use(splits["train"], model, told)}
    if processes.count > len(splits["train"]):
        n = len(splits["train"])
        raise ConfigError(f"{processes.count} processes are too many for {n} training samples")
    out = Path(config.out) if config.out else None
    claim = claimed(out) if out and processes.main else nullcontext()
    with claim, threads_for(_largest_state(model, splits["train"], config)):
        return _fit(model, splits, config, device, processes, out)


def _of_use(train: MultimodalDataset, model: nn.Module, told: bool) -> MultimodalDataset:
    """The training samples that the model's loss can use."""
    if train.labelled.all() or getattr(model, "learns_without_labels", False):
        return train
    if told:
        says = f"{int((~train.labelled).sum())} of {len(train)} training samples lack a label and "
        tqdm.write(f"{says}are left out: this model learns from labels alone", file=sys.stderr)
    return train.subset(train.labelled)


def _largest_state(model: nn.Module, train: MultimodalDataset, config: TrainConfig) -> int:
    """Numbers in a batch's longest sequence, at the model's width."""
    width = getattr(getattr(model, "config", None), "dim", max(train.widths))
    return config.batch_size * max(train.longest.values()) * width


def _fit(
    model: nn.Module,
    splits: dict[str, MultimodalDataset],
    config: TrainConfig,
    device: torch.device,
    processes: Processes,
    out: Path | None,
) -> list[dict[str, float]]:
    seed_everything(config.seed + processes.rank)
    _keep_scale(model, splits, config)
    state = TrainState.start(model.to(device), config, splits)
    processes.take_over(model)
    if config.resume and ((out / CHECKPOINT).exists() or holds_model(out)):
        load_checkpoint(out, state, config, processes)
    elif out:
        check_place(out)
    data = {split: resident(splits[split], device) for split in ("train", "valid")}
    step = batch_losses
    if config.compile:  # a graph's memory is taken again before a second batch's gradient is added
        step = compiled(batch_losses, device, graphs=config.accumulate == 1)
    started = time.perf_counter()
    bar = tqdm(
        total=config.epochs,
        initial=len(state.history),
        desc=f"training on {device}",
        unit="epoch",
        file=sys.stderr,
        disable=not (config.progress and processes.main),
    )
    if config.resume and not state.history:
        bar.write(f"{out}: no checkpoint to resume from; the run starts", file=sys.stderr)
    stopped = False
    with bar:
        try:
            while not state.finished(config):
                state.history.append(_run_epoch(state, data, config, processes, step))
                state.update_best()
                if out:
                    save_checkpoint(out, state, config, processes)
                bar.update()
                bar.set_postfix(valid_mae=state.history[-1]["valid_mae"], best=state.best_epoch)
        except KeyboardInterrupt:
            stopped = True
            done = len(state.history)
            says = f"stopped after {done} epochs; keeping epoch {state.best_epoch}"
            bar.write(says, file=sys.stderr)
    model.load_state_dict(state.best)
    model.eval()
    if out and processes.main and state.history:
        model.save_pretrained(out)
        seconds = time.perf_counter() - started
        facts = {"stopped": stopped, "best_epoch": state.best_epoch, "epochs": len(state.history)}
        facts |= {"seconds": round(seconds, 1), "device": str(device), "torch": torch.__version__}
        write_json(out / "metrics.json", facts | scored(model, splits))
    if stopped:
        raise Stopped(state.history)
    return state.history


def _keep_scale(
    model: nn.Module, splits: dict[str, MultimodalDataset], config: TrainConfig
) -> None:
    """Give the model its training data's statistics, and see that every split is like them."""
    if not isinstance(model, SentimentModel):
        return
    if model.scaler is None:
        statistics = column_statistics(splits["train"])
        needed = needs_scaling(splits["train"], statistics)
        asked = config.standardize
        model.scaler = Scaler(statistics, bool(needed) if asked is None else asked)
        if needed and config.progress:
            done = "are" if model.scaler.applied else "would better be"
            says = f"the features of {', '.join(needed)} {done} standardised, as measured on train"
            tqdm.write(says, file=sys.stderr)
    for data in splits.values():
        model.check_data(data)


def batch_losses(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """What a step computes, forward; this is what `TrainConfig.compile` compiles."""
    return model(batch).losses(batch)


def _run_epoch(
    state: TrainState,
    data: dict[str, MultimodalDataset],
    config: TrainConfig,
    processes: Processes,
    step: Step,
) -> dict[str, float]:
    """One pass over the training data and one over the validation data; the history row."""
    epoch = len(state.history) + 1
    rate = state.optimiser.param_groups[0]["lr"]
    train = _train_pass(state, data["train"], config, processes, step)
    processes.take_over(state.model)  # running statistics are each process's own until here
    valid = validate(state.model, data["valid"], config.batch_size) if processes.main else None
    valid = processes.told(valid)
    state.scheduler.step(valid["mae"])
    row = {"epoch": epoch, "learning_rate": rate}
    row |= {f"train_{k}": v for k, v in train.items()} | {f"valid_{k}": v for k, v in valid.items()}
    for name, value in row.items():
        if not math.isfinite(value) and name != "valid_acc2":  # no non-zero label: no acc2
            raise FloatingPointError(
                f"epoch {epoch}: {name} is {value}; {_likely_cause(data['train'])}"
            )
    return row


def _likely_cause(train: MultimodalDataset) -> str:
    for m, values in train.values.items():
        if len(values) and (largest := float(values.abs().max())) > HUGE:
            return f"the features of {m} reach {largest:.3g}: too large, standardise them"
    return "try a lower learning_rate"


def _train_pass(
    state: TrainState,
    dataset: MultimodalDataset,
    config: TrainConfig,
    processes: Processes,
    step: Step,
) -> dict[str, float]:
    """One optimiser step every `accumulate` batches of every process; the mean of every loss over
    all samples that it counts."""
    model, optimiser = state.model.train(), state.optimiser
    device = next(model.parameters()).device
    sums = defaultdict(lambda: torch.zeros((), device=device))
    labelled = dataset.labelled.cpu()
    order = epoch_order(labelled, config.labelled_share, config.seed, len(state.history) + 1)
    share = labelled[order].float().mean().item()
    for group in order.split(config.batch_size * config.accumulate * processes.count):
        optimiser.zero_grad(set_to_none=True)
        shapes = SHAPES if config.compile else None
        for batch in dataset.batches(config.batch_size, processes.share(group), shapes):
            batch = replace(batch.to(device), labelled_share=share)
            whole = len(batch) == config.batch_size  # a smaller one is not worth compiling
            with autocast(device, config.bf16):
                losses = (step if whole else batch_losses)(model, batch)
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
