"""Multimodal sequences: data sets and batches, where they come from, what is done to them."""

from .dataset import Batch, MultimodalDataset, concatenate
from .storage import load_dataset, save_dataset

__all__ = ["Batch", "MultimodalDataset", "concatenate", "load_dataset", "save_dataset"]
