"""The data of a sweep: loaded, brought into a setting, cut into splits or folds."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import GroupKFold, KFold
from torch import Tensor

from ..data import MultimodalDataset, concatenate
from ..data.alignment import Splits, in_setting
from ..data.dataset import SPLITS
from ..data.groups import described, drawn, groups_of
from ..data.labels import hide_labels
from ..data.scaling import standardize
from ..data.storage import find_folder, load_dataset
from ..data.worlds import spelled, toy_name, turn
from ..errors import ConfigError, DataError
from ..files import version


def split_complete(dataset: MultimodalDataset) -> tuple[MultimodalDataset, MultimodalDataset]:
    """The samples with every modality, and those that lack one."""
    complete = dataset.present.all(1)
    return tuple(dataset.subset(part.nonzero().squeeze(1)) for part in (complete, ~complete))


def hold_out(train: MultimodalDataset, seed: int) -> dict[str, MultimodalDataset]:
    """{"train", "valid"}: a fifth of the complete samples is kept aside to stop on.

    Only complete ones, because the test's are. Groups stay whole: what else a group kept aside
    has is in neither part, and one with over half of all is trained on. Raises DataError for one.
    """
    complete, groups = train.present.all(1), train.groups
    if groups:
        size, half = Counter(groups), len(groups) / 2
        small = complete & torch.tensor([size[group] <= half for group in groups])
        aside = (small if small.any() else complete).nonzero().squeeze(1).tolist()
        share = min(0.5, 0.2 * (int(complete.sum()) / max(len(aside), 1)))
        part = drawn([groups[i] for i in aside], (share, 1 - share), seed)
        held = {groups[i] for i, p in zip(aside, part, strict=True) if p == 0}
        own = torch.tensor([group in held for group in groups])
        if not (~own).any():
            raise DataError(f"{train.name}: one group alone, nothing to keep aside")
        return {"train": train.subset(~own), "valid": train.subset(own & complete)}
    places = complete.nonzero().squeeze(1)
    generator = torch.Generator().manual_seed(seed)
    chosen = places[torch.randperm(len(places), generator=generator)]
    valid = chosen[: len(places) // 5]
    rest = torch.ones(len(train), dtype=torch.bool)
    rest[valid] = False
    return {"train": train.subset(rest), "valid": train.subset(valid)}


def without_groups(extra: MultimodalDataset, test: MultimodalDataset) -> MultimodalDataset:
    """`extra`, less the samples of any group that is tested on."""
    apart = [group not in test.groups for group in extra.groups] or [True] * len(extra)
    return extra.subset(torch.tensor(apart, dtype=torch.bool))


@dataclass(frozen=True)
class Study:
    """What all runs of a sweep share: the data and how they are used.

    folds 0 keeps the data's own splits. K folds pool the samples that have every modality, and
    keep the clips of a video or speaker together where the data name them; a seed then also
    decides the shuffle, and its scores come from out-of-fold predictions. Features
    are standardised on each training fold, with `standardized` also on the own training split.

    A `draw` other than 0 is another sample of the same kind: the toy of another seed; of data with
    splits of their own, each split's videos (clips, where no videos are known) drawn with
    replacement. With folds the shuffle is what a draw changes. Where only so many samples of train
    stay `labelled`, the seed decides which, and valid keeps all its labels; see `hide_labels`.
    """

    data: str
    setting: str | None = None  # "aligned" or "unaligned"; None: as the data are
    folds: int = 0
    standardized: bool = False
    model: tuple[tuple[str, Any], ...] = ()  # fields of DMDConfig over the recipe's
    training: tuple[tuple[str, Any], ...] = ()  # fields of TrainConfig over the recipe's
    device: str | None = None
    incomplete: bool = False  # folds: samples that lack a modality join every training fold
    draw: int = 0
    labelled: int | None = None  # training samples that keep their label; None: all that have one
    tested: str = ""  # dials of the toy that are turned for the test split alone

    @property
    def name(self) -> str:
        """A folder's name for what is found."""
        parts = [Path(self.data).name.replace(":", "-"), self.setting or ""]
        parts += [f"{self.folds}folds" if self.folds else ""]
        parts += [f"{self.labelled}labels" if self.labelled else ""]
        return "-".join(filter(None, parts))

    @property
    def splits(self) -> Splits:
        """The data in their setting; with folds, one pool "all" of the complete samples,
        and "lacking", the others, where those are to be trained on.

        Raises DataError or ConfigError when they cannot be used as asked.
        """
        splits = self._loaded[0]
        return splits if self.incomplete or not self.folds else {"all": splits["all"]}

    @property
    def _loaded(self) -> tuple[Splits, str, str]:
        folder = find_folder(self.data)
        draw = 0 if self.folds else self.draw
        return _load(self.data, self.setting, self.folds, draw, folder and version(folder))

    @property
    def lacking(self) -> int:
        """How many samples lack a modality, where folds leave them out."""
        return len(self._loaded[0]["lacking"])

    @property
    def grouping(self) -> str:
        """What folds are made by: "by video (16)", or by clip; "" without folds."""
        return self._loaded[2]

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the data's modalities."""
        return next(iter(self.splits.values())).modalities

    @property
    def found_setting(self) -> str:
        """ "aligned" or "unaligned"."""
        return in_setting(self.splits, None)[1]

    @property
    def data_id(self) -> str:
        """A hash of every value of the data."""
        return self._loaded[1]

    @property
    def samples(self) -> int:
        """How many samples are tested on."""
        splits = self.splits
        return len(splits["all" if self.folds else "test"])

    def parts(self, seed: int) -> Iterable[tuple[Splits, Tensor]]:
        """({"train", "valid", "test"}, places of the test samples) of every fold."""
        for splits, places in self._whole_parts(seed):
            if self.labelled is not None:
                splits |= {"train": hide_labels(splits["train"], self.labelled, seed)}
            yield splits, places

    def _whole_parts(self, seed: int) -> Iterable[tuple[Splits, Tensor]]:
        if not self.folds:
            parts = [self.splits[name] for name in SPLITS]
            if self.tested:
                other = {"test": drawn_again(turn(self.data, self.tested), self.draw)["test"]}
                parts[-1] = in_setting(other, self.setting)[0]["test"]
            parts = standardize(*parts) if self.standardized else parts
            yield dict(zip(SPLITS, parts, strict=True)), torch.arange(len(parts[-1]))
            return
        pool, extra = self.splits["all"], self.splits.get("lacking")
        kind = GroupKFold if pool.groups else KFold
        shuffle = kind(self.folds, shuffle=True, random_state=seed)
        folds = shuffle.split(pool.labels.numpy(), groups=pool.groups or None)
        for fold, (inside, outside) in enumerate(folds):
            train, test = pool.subset(inside), pool.subset(outside)
            if self.incomplete:
                train = concatenate([train, without_groups(extra, test)])
            train, test = standardize(train, test)
            yield hold_out(train, seed + 1000 * fold) | {"test": test}, torch.as_tensor(outside)


# Not in the dataclass, so that a Study sent to another process does not carry the data along.
@lru_cache(maxsize=1)
def _load(
    data: str, setting: str | None, folds: int, draw: int, stamp: Any
) -> tuple[Splits, str, str]:
    """The splits in their setting, the identity of the data, and what folds are made by; `stamp`
    changes with the files."""
    found = drawn_again(data, draw)
    names = [f"{split} {dataset.fingerprint()}" for split, dataset in found.items()]
    identity = hashlib.sha256(" ".join(names).encode()).hexdigest()[:16]
    splits, _ = in_setting(found, setting)
    for split, dataset in splits.items():
        without = int((~dataset.labelled).sum())
        if without and (folds or split != "train"):
            where = ", which folds would test on" if split == "train" else ""
            raise DataError(f"{data}: {without} samples of {split} lack a label{where}")
    if not folds:
        return _own(data, splits), identity, ""
    pool = concatenate(list(splits.values()))
    groups = groups_of(pool)  # of all together: a part alone may not show what its ids name
    pooled = _pooled(replace(pool, groups=groups), folds)
    return pooled, identity, described(pooled["all"].groups, bool(pool.groups))


def drawn_again(data: str, draw: int) -> Splits:
    """A draw of the data; see `Study`."""
    if data.partition(":")[0] == "toy":
        return load_dataset(toy_name(data, spelled(data)[0] + draw))
    found = load_dataset(data)
    return {k: resampled(d, draw) for k, d in found.items()} if draw else found


def resampled(dataset: MultimodalDataset, seed: int) -> MultimodalDataset:
    """A bootstrap sample: groups (or samples, without any) drawn with replacement, as many as there
    are. A sample's second copy is called "ID (copy 2)", and belongs to the same group."""
    groups = groups_of(dataset) or dataset.ids
    places: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        places.setdefault(group, []).append(i)
    names = list(places)
    chosen = np.random.default_rng(seed).integers(len(names), size=len(names))
    times = Counter(i for k in chosen for i in places[names[k]])
    copies = []
    for copy in range(1, max(times.values(), default=0) + 1):
        index = [i for i in sorted(times) if times[i] >= copy]
        ids = (dataset.ids[i] + (f" (copy {copy})" if copy > 1 else "") for i in index)
        part = dataset.subset(index)
        copies.append(replace(part, ids=tuple(ids), groups=tuple(groups[i] for i in index)))
    return concatenate(copies) if copies else dataset


def _pooled(pool: MultimodalDataset, folds: int) -> Splits:
    complete, lacking = split_complete(pool)
    groups = complete.groups
    most, what = len(complete) // 2, f"{len(complete)} complete samples"
    if groups:
        most, what = min(most, len(set(groups))), f"{len(set(groups))} videos or speakers"
    if not 2 <= folds <= most:
        raise ConfigError(f"folds: from 2 to {most} for {what}")
    return {"all": complete, "lacking": lacking}


def _own(data: str, splits: Splits) -> Splits:
    for split in SPLITS:
        if not len(splits.get(split, ())):
            raise DataError(f"{data}: has no {split} split; --folds 5 makes some")
    train = splits["train"]
    absent = [m for m in train.modalities if not train.lengths(m).any()]
    if absent:
        names = ", ".join(absent)
        raise DataError(f"{data}: all of train lacks {names}; --folds 5 uses complete samples")
    return splits
