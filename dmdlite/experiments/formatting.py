"""From numbers of runs to the cells of a table.

`rows` is a pandas DataFrame with one row a run, as `sweep.sweep` returns them. Scores are in
percent, as mean ± standard deviation over seeds, or over draws of the data. Differences are paired
by seed or draw.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student
from scipy.stats import ttest_1samp, ttest_rel
from tabulate import tabulate

NAMES = {"acc7": "ACC7", "acc2": "ACC2", "f1": "F1", "mae": "MAE", "corr": "corr"}
PERCENT = ("acc7", "acc2", "f1")
SMALLEST = 0.02  # a difference below is none: points of sentiment, shares of clips or of weight
NONE = "–"  # not measured here, not in the paper, or not defined


@dataclass(frozen=True, repr=False)
class Table:
    """A caption, a head and cells of text."""

    caption: str
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """A table in GitHub's Markdown, its caption below."""
        options = {"tablefmt": "github", "disable_numparse": True}
        return f"{tabulate(self.cells, self.columns, **options)}\n\n{self.caption}\n"

    def latex(self) -> str:
        """A tabular with booktabs' rules, its caption as a comment."""
        options = {"tablefmt": "latex_booktabs", "disable_numparse": True}
        return f"% {self.caption}\n{tabulate(self.cells, self.columns, **options)}\n"

    def __repr__(self) -> str:
        return self.markdown()

    def _repr_markdown_(self) -> str:
        """What stands on paper, where there is no HTML."""
        return self.markdown()

    def _repr_html_(self) -> str:
        """What a notebook shows; numbers stay in one line, and a wide table scrolls."""
        table = tabulate(self.cells, self.columns, tablefmt="html", disable_numparse=True)
        table = table.replace("<td>", '<td style="white-space: nowrap; padding: 0 0.5em">')
        table = table.replace("<th>", '<th style="padding: 0 0.5em">')
        scrolls = 'style="overflow-x: auto" tabindex="0" role="region" aria-label="table"'
        return f"<div {scrolls}>{table}</div><p>{html.escape(self.caption)}</p>"


def values(rows: pd.DataFrame, system: str, column: str) -> np.ndarray:
    """One number a seed, seeds in order. Raises KeyError when the system was not run."""
    found = rows[rows["system"] == system].sort_values("seed")
    if not len(found):
        raise KeyError(f"{system}: not among the rows")
    return found[column].to_numpy(dtype=float)


def shown(numbers: Sequence[float], digits: int = 1, scale: float = 100) -> str:
    """Mean ± sd over seeds; one run has no sd. NONE where a score is undefined in a run."""
    numbers = scale * np.asarray(numbers, dtype=float)
    if np.isnan(numbers).any():
        return NONE
    mean = f"{numbers.mean():.{digits}f}"
    return f"{mean} ± {numbers.std(ddof=1):.{digits}f}" if len(numbers) > 1 else mean


def score(rows: pd.DataFrame, system: str, metric: str) -> str:
    """A cell: accuracies and F1 in percent, MAE and corr with three digits."""
    digits, scale = (1, 100) if metric in PERCENT else (3, 1)
    return shown(values(rows, system, metric), digits, scale)


def paired_p(a: Sequence[float], b: Sequence[float]) -> float:
    """p of a paired t-test, two-sided; NaN with one pair or without any spread but rounding's."""
    difference = np.asarray(a) - np.asarray(b)
    if len(difference) < 2 or _constant(difference):
        return float("nan")
    return float(ttest_rel(a, b).pvalue)


def holm(p: Sequence[float]) -> np.ndarray:
    """p of several tests together, by Holm's method: the smallest times their number, the next
    times one less, ... NaN is no test."""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p)[: (~np.isnan(p)).sum()]
    together = np.full(len(p), np.nan)
    factors = np.arange(len(order), 0, -1)
    together[order] = np.maximum.accumulate(p[order] * factors).clip(max=1)
    return together


def _constant(difference: Sequence[float]) -> bool:
    """No spread but that of rounding."""
    return np.ptp(difference) <= 1e-9 * np.abs(difference).max()


def half_width(difference: Sequence[float]) -> float:
    """Half the 95 % t interval of a mean difference; NaN for one pair."""
    n = len(difference)
    if n < 2:
        return float("nan")
    return float(student.ppf(0.975, n - 1) * np.std(difference, ddof=1) / np.sqrt(n))


def equivalence_p(difference: Sequence[float], smallest: float = SMALLEST) -> float:
    """p of "the mean difference is `smallest` or larger": the larger p of two one-sided t-tests
    (Schuirmann 1987). Below 0.05 the 90 % interval lies inside. NaN for one pair."""
    if len(difference) < 2:
        return float("nan")
    if _constant(difference):
        return float(abs(np.mean(difference)) >= smallest)
    above = ttest_1samp(difference, -smallest, alternative="greater").pvalue
    below = ttest_1samp(difference, smallest, alternative="less").pvalue
    return float(max(above, below))


def equivalent(difference: Sequence[float], smallest: float = SMALLEST) -> bool:
    """Whether the mean difference is known to be smaller than `smallest`, at 0.05."""
    return equivalence_p(difference, smallest) < 0.05


def shown_difference(difference: Sequence[float]) -> str:
    """Mean ± half the 95 % interval, with its sign."""
    if len(difference) < 2:
        return NONE if not len(difference) else f"{difference[0]:+.3f}"
    return f"{np.mean(difference):+.3f} ± {half_width(difference):.3f}"


def shown_p(p: float) -> str:
    if np.isnan(p):
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def repeated(rows: pd.DataFrame) -> str:
    """What differs between a system's rows: "draw" or "seed"."""
    return "draw" if rows.get("draw", pd.Series([0])).nunique() > 1 else "seed"


def about(rows: pd.DataFrame) -> str:
    """Data, labels, seeds or draws, test samples, device: the end of every caption."""
    first = rows.iloc[0]
    seeds = rows["seed"].nunique()
    kind = repeated(rows)
    grouping = first.get("grouping")
    by = f" {grouping}" if isinstance(grouping, str) else ""
    how = f"{first['folds']} folds{by}" if first["folds"] else "own splits"
    labelled = first.get("labelled")
    how += "" if pd.isna(labelled) else f", {labelled:g} labels in train"
    return (
        f"Ours: {first['data']} ({first['setting']}, {how}, {first['samples']} test samples), "
        f"mean ± sd of {seeds} {kind}{'s' * (seeds > 1)}, on {first['device']}."
        f"{undefined(rows)}{cut_off(rows)}"
    )


def undefined(rows: pd.DataFrame) -> str:
    """Why scores are missing, where some are."""
    lacking = [NAMES[k] for k in NAMES if k in rows and rows[k].isna().any()]
    return f" {', '.join(lacking)}: undefined, every test label is 0." if lacking else ""


def cut_off(rows: pd.DataFrame) -> str:
    """Which systems had not stopped by themselves when their epochs were over, in how many runs."""
    capped = rows[rows.get("capped", pd.Series(0.0, rows.index)) > 0]
    counts = capped.groupby("system", sort=False)["seed"].nunique()
    named = ", ".join(f"{system} ({n})" for system, n in counts.items())
    return f" Cut off by the limit of epochs, in so many runs: {named}." if named else ""
