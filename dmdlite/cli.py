"""The `dmdlite` command: train, evaluate, predict, models, crossval, reproduce, grade, data info.

A mistake of the user's ends in one line on stderr and exit code 2, never in a traceback.
"""

from __future__ import annotations

import os
from importlib import import_module
from math import isnan
from pathlib import Path
from typing import Annotated

import typer
from tabulate import tabulate

from .commands.options import DataName, Device, RunFolder, Settings, Split, parse_settings
from .commands.running import load_run, remember_features, run_app
from .config import TrainConfig
from .data import MultimodalDataset, load_dataset
from .data.groups import grouping
from .data.storage import warn_of_unfit
from .devices import seed_everything
from .errors import ConfigError, DataError, Stopped
from .evaluation import evaluate as evaluate_model
from .files import read_json
from .metrics import floors
from .registry import ALL, find_model
from .training import fit

LATER = {  # name -> where it is, and an example
    "predict": ("experiments.predict", "dmdlite predict runs/toy --data toy --out predictions.csv"),
    "crossval": ("experiments.crossval", "dmdlite crossval --data mmmo --folds 5 --repeats 3"),
    "reproduce": ("experiments.reproduce", "dmdlite reproduce table3 --data toy --seeds 5"),
    "grade": ("grading.command", "dmdlite grade submissions --assignment a1 --out grades.csv"),
}


class Commands(typer.core.TyperGroup):
    """Those below, and LATER's, whose libraries take a second: imported when asked for."""

    def list_commands(self, context: typer.Context) -> list[str]:
        return [*super().list_commands(context), *LATER]

    def get_command(self, context: typer.Context, name: str):
        if name not in LATER:
            return super().get_command(context, name)
        module, example = LATER[name]
        function = getattr(import_module(f".{module}", __package__), name)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name, epilog=f"Example: {example}")(function)
        return typer.main.get_command(alone)


app = typer.Typer(
    cls=Commands,
    help="Decoupled Multimodal Distillation: train it, score it, look at its data.",
    epilog="Start with: dmdlite train --data toy --epochs 5 --out runs/toy",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Look at data sets.")
app.add_typer(data_app, name="data")


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
    warn_of_unfit(data)
    main, stopped = os.environ.get("RANK", "0") == "0", None
    try:
        fit(kind.for_dataset(splits["train"], **model_set), splits, config)
    except Stopped as end:
        stopped = end
    if main and (stopped is None or stopped.history):  # a run that was stopped is kept, too
        remember_features(out, data)
    if stopped:
        raise stopped
    if main:
        scores = read_json(out / "metrics.json")
        if "test" in scores:
            _print_scores(scores["test"], "test")


@app.command(epilog="Example: dmdlite evaluate runs/toy --data toy")
def evaluate(
    run: RunFolder,
    data: DataName,
    split: Split = None,
    device: Device = None,
) -> None:
    """Score a trained model, with the floor a constant reaches beside each score."""
    model, splits, split = load_run(run, data, split, device)
    _print_scores(evaluate_model(model, splits[split], _reference(splits)), split)


@app.command(epilog="Example: dmdlite models --data toy")
def models(data: DataName = "toy") -> None:
    """List every system: paper, year, how it reads time, parameters on a data set, what of it is
    our interpretation."""
    dataset = next(iter(load_dataset(data).values()))
    lines = []
    for name, cls in ALL.items():
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


@data_app.command(epilog="Example: dmdlite data info toy")
def info(name: Annotated[str, typer.Argument(help="As for --data")]) -> None:
    """Splits, widths, lengths, missing modalities, labels and floors of a data set."""
    splits = load_dataset(name)
    typer.echo(f"folds {grouping(splits)}")
    for split, dataset in splits.items():
        y = dataset.labels[dataset.labelled]
        spread = f"mean {y.mean():.2f}, sd {y.std(correction=0):.2f}" if len(y) else "none"
        spread += f", {len(dataset) - len(y)} have none" if 0 < len(y) < len(dataset) else ""
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


def _reference(splits: dict[str, MultimodalDataset]) -> MultimodalDataset | None:
    """What the floor's constant is chosen on, where it can be: labelled training samples."""
    train = splits.get("train")
    return train if train is not None and train.labelled.any() else None


def _print_scores(scores: dict, split: str) -> None:
    typer.echo(f"{split:15}{'score':>8}{'floor':>8}")
    lacking = []
    for name, floor in scores["floors"].items():
        shown = [x is None or isnan(x) for x in (scores[name], floor)]
        lacking += [name] if any(shown) else []
        cells = [
            "-" if gone else f"{x:.3f}"
            for x, gone in zip((scores[name], floor), shown, strict=True)
        ]
        typer.echo(f"{name:15}{cells[0]:>8}{cells[1]:>8}")
    if lacking:
        typer.echo(f"-: {', '.join(lacking)} undefined, every label of {split} is 0")


def main() -> None:
    """Entry point of the `dmdlite` command."""
    run_app(app)
