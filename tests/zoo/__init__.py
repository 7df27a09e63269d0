"""GD-Units, right and wrong, that show what `dmdlite.checks` accepts and refuses."""

from . import wrong_graphs, wrong_learners, wrong_outputs  # noqa: F401  they fill WRONG
from .register import WRONG
from .right import RIGHT

__all__ = ["RIGHT", "WRONG"]
