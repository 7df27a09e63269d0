"""How a command starts and ends: a run loaded; a user's mistake one line, and exit code 2."""

from __future__ import annotations

import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import typer

from ..base import SentimentModel
from ..checkpoint import FEATURES
from ..data import MultimodalDataset, load_dataset
from ..data.storage import manifest_of
from ..devices import pick_device
from ..errors import ConfigError, DataError, ModelError
from ..files import read_json, write_json
from ..registry import load_model

# The base of click's usage errors. Typer may carry its own copy of click, so ask it.
UsageError = typer.BadParameter.__bases__[0]


def run_app(app: typer.Typer) -> None:
    """Run a command; a user's mistake becomes one line and exit code 2, a warning one line. SIGTERM
    ends it as Ctrl-C does, in order."""
    signals = []

    def stop(number: int, _: object) -> None:
        signals.append(number)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)  # a scheduler's time limit, a shutdown
    with warnings.catch_warnings():
        warnings.showwarning = lambda says, *_: _say(f"warning: {says}")
        try:
            code = _run(app)
        finally:
            signal.signal(signal.SIGTERM, before)
    sys.exit(143 if signals and code == 130 else code)


def _run(app: typer.Typer) -> int | None:
    try:
        return app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
    except UsageError as error:
        return _fail(error.format_message())
    except (ConfigError, DataError, ModelError, FloatingPointError, OSError) as error:
        return _fail(str(error))
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        return _fail(f"out of memory; try a smaller batch_size or model ({error})")
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except SystemExit as end:  # what typer makes of Ctrl-C
        return end.code


def _fail(message: str) -> int:
    _say(f"error: {message}")
    return 2


def _say(message: str) -> None:
    """One line on stderr, without signs that a terminal would act on."""
    plain = "".join(c if c.isprintable() else "?" for c in " ".join(message.split()))
    typer.echo(plain, err=True)


def load_run(
    run: Path, data: str, split: str | None, device: str | None
) -> tuple[SentimentModel, dict[str, MultimodalDataset], str]:
    """The model, the data, and the split to look at: test, or the only one there is."""
    check_features(run, data)
    model = load_model(run).to(pick_device(device))
    splits = load_dataset(data)
    split = split or (next(iter(splits)) if len(splits) == 1 else "test")
    if split not in splits:
        raise DataError(f"{data}: has no {split} split, only {', '.join(splits)}")
    return model, splits, split


def remember_features(run: Path, data: str) -> None:
    """Keep with a trained model how the features it saw were made, where the data set says so; what
    an earlier model's were is forgotten."""
    (run / FEATURES).unlink(missing_ok=True)
    if made := _made(data):
        write_json(run / FEATURES, made)


def check_features(run: Path, data: str) -> None:
    """Raises DataError when a data set's features are known to be made otherwise than those that
    the model was trained on; a scale alone does not show it."""
    if not (run / FEATURES).is_file():
        return
    trained, found = read_json(run / FEATURES), _made(data)
    for part in trained:
        if trained[part] != found.get(part):
            raise DataError(
                f"{data}: its {part} is not made like what {run} was trained on: "
                f"{found.get(part)}, there {trained[part]}"
            )


def _made(data: str) -> dict[str, Any]:
    """How the features were extracted from clips, and by which encoder from words."""
    about = manifest_of(data)
    made = {}
    for part, how in about.get("extracted", {}).items():  # but the library's version
        own = isinstance(how, dict)
        made[part] = {k: v for k, v in how.items() if k != "with"} if own else how
    if language := about.get("language"):
        made["language"] = {k: language.get(k) for k in ("weights", "level", "layer")}
    return made
