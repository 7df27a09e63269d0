"""The `dmdlite` command: train, evaluate, predict, models, crossval, reproduce, grade, data info.

A mistake of the user's ends in one line on stderr and exit code 2, never in a traceback.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import torch
import typer
from tabulate import tabulate

from .base import SentimentModel
from .config import TrainConfig
from .data import MultimodalDataset, load_dataset
from .errors import ConfigError, DataError, ModelError
from .experiments.crossval import crossval
from .experiments.measures import UNITS
from .experiments.reproduce import reproduce
from .files import replacing
from .grading.command import grade
from .metrics import floors
from .options import DataName, Device, Settings, parse_settings
from .registry import MODELS, find_model, load_model
from .training import evaluate as evaluate_model
from .training import fit, forward_all, pick_device, seed_everything

# The base of click's usage errors. Typer may carry its own copy of click, so ask it.
UsageError = typer.BadParameter.__bases__[0]

app = typer.Typer(
    help="Decoupled Multimodal Distillation: train it, score it, look at its data.",
    epilog="Start with: dmdlite train --data toy --epochs 5 --out runs/toy",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Look at data sets.")
app.add_typer(data_app, name="data")

RunFolder = Annotated[Path, typer.Argument(help="Folder of a trained model, the --out of train")]


@app.command(epilog="Example: dmdlite train --data toy --epochs 30 --seed 0 --out runs/toy")
def train(
    data: DataName,
    out: Annotated[Path, typer.Option(help="Folder for the model, its history and its scores")],
    model: Annotated[str, typer.Option(help="dmd, or one that `dmdlite models` lists")] = "dmd",
    epochs: Annotated[int, typer.Option(help="At most; early stopping may end sooner")] = 30,
    seed: Annotated[int, typer.Option(help="Same seed, same machine, CPU: the same run")] = 0,
    device: Device = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out")] = False,
    settings: Settings = None,
) -> None:
    """Train a model; write config.json, model.safetensors, history.csv and metrics.json.

    Multi-process: torchrun --nproc_per_node 2 -m dmdlite train ..., or accelerate launch
    (batch_size is then per process).
    """
    kind = find_model(model)
    own = ("out", "epochs", "seed", "device", "resume")
    model_set, train_set = parse_settings(settings, *own, config_class=kind.config_class)
    splits = load_dataset(data)
    for split in ("train", "valid"):
        if split not in splits:
            raise DataError(f"{data}: has no {split} split, only {', '.join(splits)}")
    config = TrainConfig(
        **{"epochs": epochs, "seed": seed, "out": str(out), "device": device, "resume": resume}
        | train_set
    )
    seed_everything(config.seed)
    fit(kind.for_dataset(splits["train"], **model_set), splits, config)
    if os.environ.get("RANK", "0") == "0" and "test" in splits:
        _print_scores(json.loads((out / "metrics.json").read_text())["test"], "test")


@app.command(epilog="Example: dmdlite evaluate runs/toy --data toy")
def evaluate(
    run: RunFolder,
    data: DataName,
    split: Annotated[str, typer.Option(help="train, valid or test")] = "test",
    device: Device = None,
) -> None:
    """Score a trained model, with the floor a constant reaches beside each score."""
    model, splits = _load(run, data, split, device)
    _print_scores(evaluate_model(model, splits[split], splits.get("train")), split)


@app.command(epilog="Example: dmdlite predict runs/toy --data toy --out predictions.csv")
def predict(
    run: RunFolder,
    data: DataName,
    out: Annotated[Path, typer.Option(help="The CSV file to write")],
    split: Annotated[str, typer.Option(help="train, valid or test")] = "test",
    device: Device = None,
) -> None:
    """Write id, label, prediction and, of DMD, every modality's own logits; one line a sample."""
    model, splits = _load(run, data, split, device)
    units = [unit for unit in UNITS if getattr(model, unit, None) is not None]
    logits = [f"{unit}_{m}" for unit in units for m in model.config.modalities]
    header = ["id", "label", "prediction", *logits]
    with replacing(out) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        ids = iter(splits[split].ids)
        for batch, output in forward_all(model, splits[split]):
            numbers = [batch.labels[:, None], output.prediction[:, None]]
            numbers += [getattr(output, unit).logits for unit in units]
            for line in torch.cat(numbers, dim=1).float().tolist():
                writer.writerow([next(ids), *(f"{x:.6f}" for x in line)])
    typer.echo(f"{len(splits[split])} predictions in {out}")


@app.command(epilog="Example: dmdlite models --data toy")
def models(data: DataName = "toy") -> None:
    """List every system: paper, year, how it reads time, parameters on a data set, what of it is
    our interpretation."""
    dataset = next(iter(load_dataset(data).values()))
    lines = []
    for name, cls in MODELS.items():
        try:
            model = cls.for_dataset(dataset)
            size = str(sum(p.numel() for p in model.parameters()))
        except ConfigError as error:  # a data set with more modalities than the method takes
            size = f"not on {data}: {error}".split(";")[0]
        reads = "one axis: resampled" if cls.one_axis else "any lengths"
        lines.append((name.lower(), cls.year, cls.paper, reads, size, cls.interpretation or "–"))
    head = ("--model", "year", "paper", "time", f"parameters on {data}", "interpretation")
    widths = [None, None, 36, None, 20, 40]
    typer.echo(tabulate(lines, head, tablefmt="simple", maxcolwidths=widths, disable_numparse=True))


app.command(epilog="Example: dmdlite crossval --data mmmo --folds 5 --repeats 3")(crossval)
app.command(epilog="Example: dmdlite reproduce table3 --data toy --seeds 5")(reproduce)
app.command(epilog="Example: dmdlite grade submissions --assignment a1 --out grades.csv")(grade)


@data_app.command(epilog="Example: dmdlite data info toy")
def info(name: Annotated[str, typer.Argument(help="As for --data")]) -> None:
    """Splits, widths, lengths, missing modalities, labels and floors of a data set."""
    for split, dataset in load_dataset(name).items():
        y = dataset.labels
        spread = f"mean {y.mean():.2f}, sd {y.std(correction=0):.2f}" if len(y) else "none"
        typer.echo(f"{split}: {len(dataset)} samples; labels {spread}")
        for m, width in zip(dataset.modalities, dataset.widths, strict=True):
            steps = dataset.lengths(m)
            real = steps[steps > 0]
            shown = f"{real.min()}-{real.max()} steps" if len(real) else "no steps"
            missing = len(steps) - len(real)
            typer.echo(f"  {m:10} width {width:4}  {shown:>14}  missing in {missing}")
        if len(y):
            floor = {k: f"{v:.3f}" for k, v in floors(y).items() if k in ("acc7", "acc2", "mae")}
            typer.echo("  floors: " + ", ".join(f"{k} {v}" for k, v in floor.items()))


def _load(
    run: Path, data: str, split: str, device: str | None
) -> tuple[SentimentModel, dict[str, MultimodalDataset]]:
    model = load_model(run).to(pick_device(device))
    splits = load_dataset(data)
    if split not in splits:
        raise DataError(f"{data}: has no {split} split, only {', '.join(splits)}")
    return model, splits


def _print_scores(scores: dict, split: str) -> None:
    typer.echo(f"{split:15}{'score':>8}{'floor':>8}")
    for name, floor in scores["floors"].items():
        typer.echo(f"{name:15}{scores[name]:8.3f}{floor:8.3f}")


def main() -> None:
    """Entry point of the `dmdlite` command."""
    run_app(app)


def run_app(app: typer.Typer) -> None:
    """Run a command, turn user mistakes into one line and exit code 2."""
    try:
        code = app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
    except UsageError as error:
        code = _fail(error.format_message())
    except (ConfigError, DataError, ModelError, FloatingPointError, OSError) as error:
        code = _fail(str(error))
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        code = _fail(f"out of memory; try a smaller batch_size or model ({error})")
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    sys.exit(code)


def _fail(message: str) -> int:
    plain = "".join(c if c.isprintable() else "?" for c in " ".join(message.split()))
    typer.echo("error: " + plain, err=True)
    return 2
