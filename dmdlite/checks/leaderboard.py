"""What a test leaves for a class's leaderboard: the grader collects it."""

from __future__ import annotations

ENTRY: dict[str, str | int | float] = {}


def enter(**fields: str | int | float) -> None:
    """Make these the line of the submission that is being tested. `mae` decides the place."""
    ENTRY.clear()
    ENTRY.update(fields)
