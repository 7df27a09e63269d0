"""Print what the checks of a GD-Unit say of right and of wrong ones: make checks-report"""

import sys
from pathlib import Path

from tabulate import tabulate

from dmdlite.checks import GD_UNIT, run

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.zoo import RIGHT, WRONG


def rows() -> list[tuple[str, str, str, str]]:
    """One a unit: its name, what must name its fault, the first that did, whether that is right."""
    found = []
    for unit, expected in [*((u, "") for u in RIGHT), *WRONG]:
        first = next(iter(run(GD_UNIT, unit).failed), "")
        verdict = "as it should be" if first == expected else "NOT as it should be"
        found.append((unit.__name__, expected or "–", first or "–", verdict))
    return found


def main() -> int:
    table = rows()
    print(tabulate(table, ("unit", "fault must be named by", "first check that fails", "verdict")))
    agree = [verdict == "as it should be" for *_, verdict in table]
    print(
        f"\n{len(RIGHT)} right units, {len(WRONG)} wrong ones: {sum(agree)} of {len(table)} "
        "as they should be"
    )
    return 0 if all(agree) else 1


if __name__ == "__main__":
    sys.exit(main())
