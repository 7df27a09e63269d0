"""dmdlite: Decoupled Multimodal Distillation (CVPR 2023), small enough to read in an hour."""

from . import losses, metrics
from .attention import CrossModalTransformer
from .config import DMDConfig, TrainConfig
from .data import Batch, DataError, MultimodalDataset
from .gd_unit import GDOutput, GDUnit
from .model import DMD, DMDOutput
from .model_config import MODALITIES, ConfigError
from .models import load_model
from .pretrained import ModelError
from .storage import load_dataset, save_dataset
from .training import evaluate, fit, predict, seed_everything

__version__ = "0.1.0"
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
