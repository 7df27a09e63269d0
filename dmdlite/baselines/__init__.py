"""Systems that the paper compares DMD with, in the same loop and with the same interface."""

from .mult import MulT

__all__ = ["MulT"]
