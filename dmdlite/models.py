"""Every model by the name that a command takes, and as what a folder holds."""

from __future__ import annotations

from pathlib import Path

import typer
from tabulate import tabulate

from . import baselines
from .files import read_json
from .model import DMD
from .model_config import ConfigError
from .options import DataName
from .pretrained import ModelError, SentimentModel
from .storage import load_dataset

MODELS: dict[str, type[SentimentModel]] = {
    "dmd": DMD,
    "ef-lstm": baselines.EFLSTM,
    "lf-lstm": baselines.LFLSTM,
    "tfn": baselines.TFN,
    "lmf": baselines.LMF,
    "mfm": baselines.MFM,
    "raven": baselines.RAVEN,
    "graph-mfn": baselines.GraphMFN,
    "mctn": baselines.MCTN,
    "mult": baselines.MulT,
    "pmr": baselines.PMR,
    "mica": baselines.MICA,
    "misa": baselines.MISA,
    "fdmer": baselines.FDMER,
}


def find_model(name: str) -> type[SentimentModel]:
    """The class of a name in MODELS. Raises ConfigError for another."""
    if name.lower() not in MODELS:
        raise ConfigError(f"model: one of {', '.join(MODELS)}, got {name!r}")
    return MODELS[name.lower()]


def load_model(folder: str | Path) -> SentimentModel:
    """The model saved in `folder`, whichever it is; see `SentimentModel.from_pretrained`.

    Raises ModelError when config.json names a model that is not among MODELS.
    """
    settings = read_json(Path(folder) / "config.json")
    name = settings.get("model", "DMD") if isinstance(settings, dict) else "DMD"
    classes = {cls.__name__: cls for cls in MODELS.values()}
    if name not in classes:
        raise ModelError(f"{folder}: holds a {name!r}; known are {', '.join(classes)}")
    return classes[name].from_pretrained(folder)


def models(data: DataName = "toy") -> None:
    """List every system: paper, year, how it reads time, parameters on a data set, what of it is
    our interpretation."""
    train = load_dataset(data)["train"]
    lines = []
    for name, cls in MODELS.items():
        try:
            model = cls.for_dataset(train)
            size = f"{sum(p.numel() for p in model.parameters()):,}"
        except ConfigError as error:  # a data set with more modalities than the method takes
            size = f"not on {data}: {error}".split(";")[0]
        reads = "one axis: resampled" if cls.one_axis else "any lengths"
        lines.append((name, cls.year, cls.paper, reads, size, cls.interpretation or "–"))
    head = ("--model", "year", "paper", "time", f"parameters on {data}", "interpretation")
    widths = [None, None, 36, None, 20, 40]
    typer.echo(tabulate(lines, head, tablefmt="simple", maxcolwidths=widths, disable_numparse=True))
