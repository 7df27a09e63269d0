"""Which video is in which split, as the CMU SDK's folds and their kind say."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from dmdlite import DataError
from dmdlite.data.storage import SPLITS

from .reading import reading

FOLDS = Path(__file__).parent / "folds"
BUILT_IN = sorted(path.stem for path in FOLDS.glob("*.json"))


def read_folds(folds: str) -> dict[str, str]:
    """video -> split, from a built-in name, JSON, or the SDK's Python file (parsed, not run).

    Raises DataError for another form, and for a video in two splits.
    """
    path = FOLDS / f"{folds}.json" if folds in BUILT_IN else Path(folds)
    if not path.is_file():
        raise DataError(f"--folds {folds}: no such file; built in: {BUILT_IN}")
    with reading(f"--folds {folds}: neither JSON nor lists in Python"):
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else _assigned_lists(text)
    wanted = {s: found[s] for s in SPLITS if s in found} if isinstance(found, dict) else {}
    if not wanted or not all(isinstance(v, list) for v in wanted.values()):
        raise DataError(f"--folds {folds}: no lists named train, valid or test")
    split_of: dict[str, str] = {}
    for split, videos in wanted.items():
        for video in map(str, videos):
            if split_of.setdefault(video, split) != split:
                raise DataError(f"--folds {folds}: {video} is in {split_of[video]} and in {split}")
    return split_of


def _assigned_lists(text: str) -> dict[str, list]:
    """{"train": [...]} from lines like `standard_train_fold = [...]`."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            for split in SPLITS:
                if split in node.targets[0].id:
                    found[split] = ast.literal_eval(node.value)
    return found
