"""Multimodal sequences: what a data set and a batch are, where they come from, what is done to
them before training (Chapters 1 to 3)."""

from .dataset import Batch, MultimodalDataset, concatenate
from .storage import load_dataset, save_dataset

__all__ = ["Batch", "MultimodalDataset", "concatenate", "load_dataset", "save_dataset"]
