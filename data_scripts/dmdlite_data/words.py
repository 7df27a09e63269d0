"""What was repaired in a data set, in words."""

from __future__ import annotations

from collections.abc import Mapping

from .labels import LIMIT

WORDS = {
    "not_finite": "NaN or inf values set to 0",
    "not_averaged": "NaN or inf left out of an average",
    "left": "padded steps removed on the left",
    "right": "padded steps removed on the right",
    "gaps": "all-zero steps in between, masked",
    "padding": "padded steps that were not zero, dropped",
    "beyond": "non-zero steps beyond the given length, dropped",
    "longer": "clips with fewer steps than their length says",
    "clipped": f"outside [-{LIMIT:g}, {LIMIT:g}], cut",
    "renamed": "that occurred before, numbered",
    "cut_texts": "texts longer than the encoder takes, cut",
    "no_text": "clips without words, language missing",
    "no_time": "segments without length, left out",
    "moved": "words moved to another interval",
    "made": "made up, the source has none",
}


def in_words(counts: Mapping[str, int]) -> str:
    """What was repaired and how often; nothing where nothing was."""
    return "; ".join(f"{n} {WORDS.get(what, what)}" for what, n in counts.items() if n)
