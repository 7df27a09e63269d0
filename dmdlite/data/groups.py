"""Which samples belong together: clips of one video, or of one speaker (Chapter 2).

A model that has seen a speaker in training can know the speaker and not the feeling. So folds and
held-out parts keep a group whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from .dataset import MultimodalDataset

NAMED = re.compile(r"(.+?)(?:\$_\$.*|\[\d+\])")  # video$_$clip (MMSA, MulT), video[clip] (SDK)
COUNTED = re.compile(r"(.+)_(?:clip|seg|segment|utt|utterance)?_?\d+")  # video_clip
MADE_UP = re.compile(r"(.*_)?(train|valid|val|dev|test)")  # mmmo_train_0001 names no video


def videos_of(ids: Sequence[str]) -> tuple[str, ...]:
    """The video that each id names; () where ids name none.

    An id without a video among others that have one is a group of its own. `video_clip` counts
    only where all ids have that form and it brings some of them together, but not all.
    """
    plain = [re.sub(r"#\d+$", "", i) for i in ids]  # a converter numbers ids that occur again
    named = [NAMED.fullmatch(i) for i in plain]
    if any(named):
        return tuple(m.group(1) if m else i for m, i in zip(named, plain, strict=True))
    counted = [COUNTED.fullmatch(i) for i in plain]
    if not all(counted):
        return ()
    videos = tuple(m.group(1) for m in counted)
    together = 1 < len(set(videos)) < len(videos)
    return videos if together and not any(map(MADE_UP.fullmatch, videos)) else ()


def groups_of(dataset: MultimodalDataset) -> tuple[str, ...]:
    """The group of every sample: as the data set says, else the video its id names; () where
    neither is known."""
    return dataset.groups or videos_of(dataset.ids)


def groups_tested_on(splits: dict[str, MultimodalDataset]) -> tuple[str, ...]:
    """The group of every sample of the split "test", or of "all", of which folds are made; ()
    where none is known."""
    test = splits.get("all", splits.get("test"))
    if test.groups or "all" in splits:
        return test.groups
    ids = [name for part in splits.values() for name in part.ids]
    video = dict(zip(ids, videos_of(ids), strict=False))  # of all: a part alone may not show it
    return tuple(video[name] for name in test.ids) if video else ()


def grouping(splits: dict[str, MultimodalDataset]) -> str:
    """What folds of these splits together would be made by, in words."""
    known = all(data.groups for data in splits.values())
    names = [data.groups if known else data.ids for data in splits.values()]
    together = [name for part in names for name in part]
    return described(together if known else videos_of(together), known)


def described(groups: Sequence[str], known: bool) -> str:
    """What folds are made by, in words."""
    if not groups:
        return "by clip: no groups known"
    return f"by {'group' if known else 'video'} ({len(set(groups))})"


def drawn(groups: Sequence[str], shares: Sequence[float], seed: int) -> np.ndarray:
    """[N] part of each sample, 0, 1, ...: whole groups at random, until each part has its share.

    `shares` of all samples, one a part, sum to 1; parts are off by at most one group.
    """
    names, member, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    before = np.empty(len(names))
    before[order] = np.cumsum(sizes[order]) - sizes[order]  # samples in the groups drawn earlier
    edges = np.cumsum(shares[:-1]) * len(groups)
    return np.searchsorted(edges, before, side="right")[member]
