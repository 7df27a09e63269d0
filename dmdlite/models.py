"""Every model by the name that a command takes, and as what a folder holds."""

from __future__ import annotations

from pathlib import Path

from . import baselines
from .files import read_json
from .model import DMD
from .model_config import ConfigError
from .pretrained import ModelError, SentimentModel

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
