"""What is a user's to mend: an error of settings, of data, of a model; and a training stopped.

Each message is one line that says where, what was found and what was expected; the commands print
it and end with code 2.
"""

from __future__ import annotations


class ConfigError(ValueError):
    """A setting that cannot work; the message names the field and what it expects."""


class DataError(ValueError):
    """Data that cannot be used; the message says where, what was found, what was expected."""


class ModelError(ValueError):
    """A batch or a file that does not fit the model; the message says which part."""


class Stopped(KeyboardInterrupt):
    """Training was stopped before its end: the model is at its best epoch so far, `history` has a
    row for each whole epoch. A KeyboardInterrupt, so that nobody takes the run for done."""

    def __init__(self, history: list[dict[str, float]]):
        super().__init__(f"stopped after {len(history)} epochs")
        self.history = history
