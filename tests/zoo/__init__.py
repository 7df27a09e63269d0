"""GD-Units, right and wrong, that show what `dmdlite.checks` accepts and refuses."""

from . import wrong_graphs, wrong_learners, wrong_outputs, wrong_subtle  # noqa: F401  they fill WRONG
from .register import WRONG
from .right import RIGHT as _FIRST
from .right_too import RIGHT_TOO

RIGHT = (*_FIRST, *RIGHT_TOO)

__all__ = ["RIGHT", "WRONG"]
