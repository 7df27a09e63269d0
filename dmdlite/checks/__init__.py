"""Graded feedback, shared by exercises, assignments and the grader.

    from dmdlite.checks import check_gd_unit
    check_gd_unit(MyGDUnit)

prints one line a property. The properties are plain functions with assertions, so pytest runs
them too:

    @pytest.mark.parametrize("check", dmdlite.checks.GD_UNIT, ids=str)
    def test_my_unit(check):
        check(MyGDUnit)
"""

from .exercises import attempt, returned
from .gd_unit import GD_UNIT, check_gd_unit, require
from .report import Check, Report, Result, run

__all__ = [
    "GD_UNIT",
    "Check",
    "Report",
    "Result",
    "attempt",
    "check_gd_unit",
    "require",
    "returned",
    "run",
]
