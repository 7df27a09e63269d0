"""The data of a sweep: loaded, brought into a setting, cut into splits or folds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from sklearn.model_selection import KFold
from torch import Tensor

from ..data import MultimodalDataset, concatenate
from ..data.alignment import Splits, in_setting
from ..data.scaling import standardize
from ..data.storage import load_dataset
from ..errors import ConfigError, DataError

SPLITS = ("train", "valid", "test")


def split_complete(dataset: MultimodalDataset) -> tuple[MultimodalDataset, MultimodalDataset]:
    """The samples with every modality, and those that lack one."""
    complete = dataset.present.all(1)
    return tuple(dataset.subset(part.nonzero().squeeze(1)) for part in (complete, ~complete))


def hold_out(train: MultimodalDataset, seed: int) -> dict[str, MultimodalDataset]:
    """{"train", "valid"}: a fifth of the complete samples is kept aside to stop on.

    Only complete ones, because the test's are.
    """
    complete = train.present.all(1).nonzero().squeeze(1)
    generator = torch.Generator().manual_seed(seed)
    chosen = complete[torch.randperm(len(complete), generator=generator)]
    valid = chosen[: len(complete) // 5]
    rest = torch.ones(len(train), dtype=torch.bool)
    rest[valid] = False
    return {"train": train.subset(rest.nonzero().squeeze(1)), "valid": train.subset(valid)}


@dataclass(frozen=True)
class Study:
    """What all runs of a sweep share: the data and how they are used.

    folds 0 keeps the data's own splits. K folds pool the samples that have every modality; a
    seed then also decides the shuffle, and its scores come from out-of-fold predictions. Features
    are standardised on each training fold, with `standardized` also on the own training split.
    """

    data: str
    setting: str | None = None  # "aligned" or "unaligned"; None: as the data are
    folds: int = 0
    standardized: bool = False
    model: tuple[tuple[str, Any], ...] = ()  # fields of DMDConfig over the recipe's
    training: tuple[tuple[str, Any], ...] = ()  # fields of TrainConfig over the recipe's
    device: str | None = None
    incomplete: bool = False  # folds: samples that lack a modality join every training fold

    @property
    def name(self) -> str:
        """A folder's name for what is found."""
        parts = [Path(self.data).name.replace(":", "-"), self.setting or ""]
        return "-".join(filter(None, [*parts, f"{self.folds}folds" if self.folds else ""]))

    @property
    def splits(self) -> Splits:
        """The data in their setting; with folds, one pool "all" of the complete samples,
        and "lacking", the others, where those are to be trained on.

        Raises DataError or ConfigError when they cannot be used as asked.
        """
        splits = _splits(self.data, self.setting, self.folds)
        return splits if self.incomplete or not self.folds else {"all": splits["all"]}

    @property
    def lacking(self) -> int:
        """How many samples lack a modality, where folds leave them out."""
        return len(_splits(self.data, self.setting, self.folds)["lacking"])

    @property
    def found_setting(self) -> str:
        """ "aligned" or "unaligned"."""
        return in_setting(self.splits, None)[1]

    @property
    def data_id(self) -> str:
        """A hash of labels, lengths and every 97th step of the features."""
        return _data_id(self)

    @property
    def samples(self) -> int:
        """How many samples are tested on."""
        splits = self.splits
        return len(splits["all" if self.folds else "test"])

    def parts(self, seed: int) -> Iterable[tuple[Splits, Tensor]]:
        """({"train", "valid", "test"}, places of the test samples) of every fold."""
        if not self.folds:
            parts = [self.splits[name] for name in SPLITS]
            parts = standardize(*parts) if self.standardized else parts
            yield dict(zip(SPLITS, parts, strict=True)), torch.arange(len(parts[-1]))
            return
        pool, extra = self.splits["all"], self.splits.get("lacking")
        shuffle = KFold(self.folds, shuffle=True, random_state=seed)
        for fold, (inside, outside) in enumerate(shuffle.split(pool.labels.numpy())):
            train = pool.subset(inside)
            train = concatenate([train, extra]) if self.incomplete else train
            train, test = standardize(train, pool.subset(outside))
            yield hold_out(train, seed + 1000 * fold) | {"test": test}, torch.as_tensor(outside)


# Not in the dataclass, so that a Study sent to another process does not carry the data along.
@lru_cache(maxsize=1)
def _splits(data: str, setting: str | None, folds: int) -> Splits:
    splits, _ = in_setting(load_dataset(data), setting)
    if folds:
        complete, lacking = split_complete(concatenate(list(splits.values())))
        most = len(complete) // 2
        if not 2 <= folds <= most:
            raise ConfigError(f"folds: from 2 to {most} for {len(complete)} complete samples")
        return {"all": complete, "lacking": lacking}
    for split in SPLITS:
        if not len(splits.get(split, ())):
            raise DataError(f"{data}: has no {split} split; --folds 5 makes some")
    train = splits["train"]
    absent = [m for m in train.modalities if not train.lengths(m).any()]
    if absent:
        names = ", ".join(absent)
        raise DataError(f"{data}: all of train lacks {names}; --folds 5 uses complete samples")
    return splits


@lru_cache(maxsize=8)
def _data_id(study: Study) -> str:
    digest = hashlib.sha256()
    for dataset in study.splits.values():
        digest.update(dataset.fingerprint().encode())
        for values in dataset.values.values():
            digest.update(values[::97].float().numpy().tobytes())
    return digest.hexdigest()[:16]
