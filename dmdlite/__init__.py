"""dmdlite: Decoupled Multimodal Distillation (CVPR 2023), small enough to read in an hour."""

import os
import sys

# On a busy machine a thread that waits for another must not hold the core which that one needs:
# it looks 30,000 times, then sleeps. Read when PyTorch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "30000")

from . import losses, metrics
from .attention import CrossModalTransformer
from .baselines import simple
from .checks import testbed
from .config import MODALITIES, DMDConfig, TrainConfig
from .data import Batch, MultimodalDataset, load_dataset, save_dataset
from .devices import seed_everything
from .errors import ConfigError, DataError, ModelError, Stopped
from .evaluation import evaluate, predict
from .experiments import measures
from .gd_unit import GDOutput, GDUnit
from .model import DMD, DMDOutput
from .registry import load_model
from .training import fit

__version__ = "1.0.0"
__all__ = [
    "DMD",
    "MODALITIES",
    "Batch",
    "ConfigError",
    "CrossModalTransformer",
    "DMDConfig",
    "DMDOutput",
    "DataError",
    "GDOutput",
    "GDUnit",
    "ModelError",
    "MultimodalDataset",
    "Stopped",
    "TrainConfig",
    "evaluate",
    "fit",
    "load_dataset",
    "load_model",
    "losses",
    "metrics",
    "predict",
    "save_dataset",
    "seed_everything",
]

# Assignments that were handed out before these modules had rooms import them by their old names.
for _name, _module in {"testbed": testbed, "crossval": simple, "measure": measures}.items():
    sys.modules[f"{__name__}.{_name}"] = _module
