"""How a command starts and ends: a user's mistake is one line on stderr and exit code 2."""

from __future__ import annotations

import signal
import sys
import warnings

import typer

from .errors import ConfigError, DataError, ModelError

# The base of click's usage errors. Typer may carry its own copy of click, so ask it.
UsageError = typer.BadParameter.__bases__[0]


def run_app(app: typer.Typer) -> None:
    """Run a command; a user's mistake becomes one line and exit code 2, a warning one line. SIGTERM
    ends it as Ctrl-C does, in order."""
    signals = []

    def stop(*_: object) -> None:
        signals.append(signal.signal(signal.SIGTERM, signal.SIG_IGN))
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)  # a scheduler's time limit, a machine that shuts down
    warnings.showwarning = lambda says, *_: typer.echo(f"warning: {_plain(str(says))}", err=True)
    try:
        code = app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
    except UsageError as error:
        code = _fail(error.format_message())
    except (ConfigError, DataError, ModelError, FloatingPointError, OSError) as error:
        code = _fail(str(error))
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        code = _fail(f"out of memory; try a smaller batch_size or model ({error})")
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    except SystemExit as end:  # what typer makes of Ctrl-C
        code = end.code
    sys.exit(143 if signals and code == 130 else code)


def _fail(message: str) -> int:
    typer.echo("error: " + _plain(message), err=True)
    return 2


def _plain(message: str) -> str:
    """One line, without signs that a terminal would act on."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(message.split()))
