"""Options that several commands share, and how NAME=VALUE is read."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from ..config import DMDConfig, ModelConfig, TrainConfig
from ..errors import ConfigError

DataName = Annotated[
    str,
    typer.Option(
        "--data", help="toy, toy:SEED, toy:DIAL=VALUE,..., a folder, or its name in $DMDLITE_DATA"
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any field of the model's configuration or of TrainConfig, repeatable: "
        "--set dim=16 --set gamma=0.2",
    ),
]
Device = Annotated[str | None, typer.Option(help="cuda, mps or cpu; by default CUDA, else the CPU")]

Split = Annotated[
    str | None, typer.Option(help="train, valid or test; test, or the only one, by default")
]
RunFolder = Annotated[Path, typer.Argument(help="Folder of a trained model, the --out of train")]


def parse_settings(
    settings: list[str] | None, *refused: str, config_class: type[ModelConfig] = DMDConfig
) -> tuple[dict[str, Any], dict[str, Any]]:
    """NAME=VALUE strings -> fields of `config_class` and of TrainConfig, without the `refused`."""
    known = [{f.name for f in fields(c)} for c in (config_class, TrainConfig)]
    found: tuple[dict, dict] = ({}, {})
    for setting in settings or []:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set {setting}: write NAME=VALUE, for example dim=16")
        if name in ("widths", "modalities", "is_aligned"):
            raise ConfigError(f"--set {name}: comes from the data")
        if name in refused:
            raise ConfigError(f"--set {name}: not here; see the options in --help")
        for names, part in zip(known, found, strict=True):
            if name in names:
                part[name] = parse_value(text)
        if not any(name in names for names in known):
            raise ConfigError(
                f"--set {name}: no such field of {config_class.__name__} or TrainConfig"
            )
    return found


def parse_value(text: str) -> Any:
    """JSON where it is JSON (16, 0.2, true, [[0, 1], [0, 0]]), a plain string otherwise."""
    try:
        return json.loads(text)
    except ValueError:
        return text
