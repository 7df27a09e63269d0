"""Answers that do nothing, at least three of each assignment: code that replaces its answers."""

from .a1 import A1
from .a2 import A2
from .a3 import A3
from .a4 import A4
from .a5 import A5

DO_NOTHING = {"a1": A1, "a2": A2, "a3": A3, "a4": A4, "a5": A5}
