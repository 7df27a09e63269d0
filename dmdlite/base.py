"""What every model has: a configuration, a check of its input, a folder to be saved to."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from .config import ModelConfig
from .data.alignment import is_aligned
from .data.dataset import Batch, MultimodalDataset
from .data.scaling import Scaler
from .errors import DataError, ModelError
from .files import read_json, replacing, write_json

KNOWN = ("dmdlite", "torch")  # packages whose classes a model's parts have
SCALER = "scaler."  # how its tensors are named in a file


class SentimentModel(nn.Module):
    """A model of sentiment: `model(batch)` gives `prediction` [B] and `losses(batch)`."""

    config_class: type[ModelConfig]
    paper: str  # its title
    year: int
    family: str  # what its idea is about, a value of `experiments.comparison.FAMILIES`
    one_axis = False  # True: reads modalities step by step, so that unaligned ones are resampled
    interpretation = ""  # what had to be decided where no source says it

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.scaler: Scaler | None = None  # the training data's columns, once there are any

    @classmethod
    def for_dataset(cls, dataset: MultimodalDataset, **settings: Any) -> SentimentModel:
        """An untrained model that fits the data set; `settings` are fields of `config_class`."""
        return cls(cls.config_class.for_dataset(dataset, **settings))

    @property
    def learns_without_labels(self) -> bool:
        """Whether a term of the loss needs no label. What weighs one is called `lambda_...`."""
        fields = asdict(self.config).items()
        return any(name.startswith("lambda_") and weight > 0 for name, weight in fields)

    def described(self) -> dict[str, Any]:
        """The model's name and its configuration, as config.json holds them; "parts" names those
        of its parts whose class is not of this package (or of PyTorch)."""
        parts: dict[str, str] = {}
        for name, part in list(self.named_modules())[1:]:
            inside = any(name.startswith(f"{outer}.") for outer in parts)
            if not inside and type(part).__module__.split(".")[0] not in KNOWN:
                parts[name] = type(part).__name__
        own = {"parts": parts} if parts else {}
        return {"model": type(self).__name__, **self.config.to_dict(), **own}

    def check_data(self, dataset: MultimodalDataset) -> None:
        """Raises DataError when the features are not on the scale that the model was trained on,
        or have no common time axis where it reads one."""
        if self.one_axis:
            self.check_axis(dataset)
        if self.scaler is not None:
            self.scaler.check(dataset)

    def check_axis(self, dataset: MultimodalDataset) -> None:
        """Raises DataError when the model was made for aligned data and these are not."""
        if self.config.is_aligned and not is_aligned(dataset):
            kind = f"this {type(self).__name__} is made for data whose modalities share their steps"
            raise DataError(f"{dataset.name}: is not aligned, and {kind}")

    def prepared(self, batch: Batch) -> Batch:
        """The batch as the model reads it: scaled, where its training data were.

        Raises ModelError when the batch's modalities or widths are not the model's.
        """
        expected = dict(zip(self.config.modalities, self.config.widths, strict=True))
        found = {m: x.shape[-1] for m, x in batch.features.items()}
        if list(found.items()) != list(expected.items()):
            raise ModelError(f"the model takes widths {expected}, the data has {found}")
        return batch if self.scaler is None else self.scaler(batch)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write config.json and model.safetensors to `folder`, each whole or not at all."""
        folder = Path(folder)
        write_json(folder / "config.json", self.described())
        with replacing(folder / "model.safetensors") as temporary:
            tensors = {k: v.contiguous().cpu() for k, v in self.state_dict().items()}
            temporary.write_bytes(save(tensors))

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> SentimentModel:
        """The model saved in `folder`, on the CPU, in evaluation mode.

        Raises DataError for an unreadable config.json, ConfigError for settings that cannot
        work, and ModelError that lists missing, extra and wrongly shaped tensors.
        """
        folder = Path(folder)
        settings = read_json(folder / "config.json")
        parts = {}
        if isinstance(settings, dict):
            name, parts = settings.pop("model", cls.__name__), settings.pop("parts", {})
            if name not in {known.__name__ for known in cls.__mro__}:
                raise ModelError(f"{folder}: holds a {name}, not a {cls.__name__}")
        model = cls(cls.config_class.from_dict(settings))
        if parts != model.described().get("parts", {}):
            raise ModelError(
                f"{folder}: its {name} has parts of other classes ({parts}); put them in place in "
                "a class of your own, and load with that"
            )
        path = folder / "model.safetensors"
        try:
            tensors = load_file(path)
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path}: not a readable safetensors file ({error})") from None
        parts = {k.removeprefix(SCALER): v for k, v in tensors.items() if k.startswith(SCALER)}
        try:
            model.scaler = Scaler.from_tensors(parts) if parts else None
        except KeyError as error:
            raise ModelError(f"{path}: missing {SCALER}{error.args[0]}") from None
        _check_tensors(path, tensors, model.state_dict())
        model.load_state_dict(tensors)
        return model.eval()


def _check_tensors(path: Path, found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    problems = [f"missing {k}" for k in expected if k not in found]
    problems += [f"extra {k}" for k in found if k not in expected]
    problems += [
        f"{k} has shape {list(found[k].shape)}, expected {list(expected[k].shape)}"
        for k in expected
        if k in found and found[k].shape != expected[k].shape
    ]
    problems += [
        f"{k} is {t.dtype}, expected {expected[k].dtype}"
        for k, t in found.items()
        if k in expected and t.dtype != expected[k].dtype
    ]
    problems += [f"{k} holds NaN or inf" for k, t in found.items() if not torch.isfinite(t).all()]
    if problems:
        raise ModelError(f"{path}: {'; '.join(problems)}")
