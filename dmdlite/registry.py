"""Every system by its name in the paper, one row each (Chapter 13).

A row's class says the rest: paper, year, family, how it reads time, what of it is interpretation.
Its picture is in `plots/systems.py`, what the paper reports of it in `experiments/paper.py`, both
by the same name.
"""

from __future__ import annotations

from pathlib import Path

from .base import SentimentModel
from .baselines.ef_lstm import EFLSTM
from .baselines.fdmer import FDMER
from .baselines.graph_mfn import GraphMFN
from .baselines.lf_lstm import LFLSTM
from .baselines.linear import Linear
from .baselines.lmf import LMF
from .baselines.mctn import MCTN
from .baselines.mfm import MFM
from .baselines.mica import MICA
from .baselines.misa import MISA
from .baselines.mult import MulT
from .baselines.pmr import PMR
from .baselines.raven import RAVEN
from .baselines.tfn import TFN
from .errors import ConfigError, ModelError
from .files import read_json
from .model import DMD

MODELS: dict[str, type[SentimentModel]] = {  # of the paper's tables, by year
    "EF-LSTM": EFLSTM,
    "LF-LSTM": LFLSTM,
    "TFN": TFN,
    "LMF": LMF,
    "Graph-MFN": GraphMFN,
    "MFM": MFM,
    "RAVEN": RAVEN,
    "MCTN": MCTN,
    "MulT": MulT,
    "MISA": MISA,
    "PMR": PMR,
    "MICA": MICA,
    "FDMER": FDMER,
    "DMD": DMD,
}
YARDSTICKS: dict[str, type[SentimentModel]] = {"linear": Linear}  # in the same loop
ALL = YARDSTICKS | MODELS


def find_model(name: str) -> type[SentimentModel]:
    """The class of a name in ALL, in capitals or not. Raises ConfigError for another."""
    found = {known.lower(): cls for known, cls in ALL.items()}
    if name.lower() not in found:
        raise ConfigError(f"model: one of {', '.join(found)}, got {name!r}")
    return found[name.lower()]


def load_model(folder: str | Path) -> SentimentModel:
    """The model saved in `folder`, whichever it is; see `SentimentModel.from_pretrained`.

    Raises ModelError when config.json names a model that is not among ALL.
    """
    settings = read_json(Path(folder) / "config.json")
    name = settings.get("model", "DMD") if isinstance(settings, dict) else "DMD"
    classes = {cls.__name__: cls for cls in ALL.values()}
    if name not in classes:
        raise ModelError(f"{folder}: holds a {name!r}; known are {', '.join(classes)}")
    return classes[name].from_pretrained(folder)
