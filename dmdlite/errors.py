"""The three errors that are a user's to mend: of settings, of data, of a model.

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
