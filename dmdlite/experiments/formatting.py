"""From numbers of runs to the cells of a table.

`rows` is a pandas DataFrame with one row a run, as `sweep.sweep` returns them. Scores are in
percent, as mean ± standard deviation over seeds. p is that of a paired t-test over seeds.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import ttest_rel
from tabulate import tabulate

NAMES = {"acc7": "ACC7", "acc2": "ACC2", "f1": "F1", "mae": "MAE", "corr": "corr"}
PERCENT = ("acc7", "acc2", "f1")
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

    def _repr_html_(self) -> str:
        """What a notebook shows; numbers stay in one line, and a wide table scrolls."""
        table = tabulate(self.cells, self.columns, tablefmt="html", disable_numparse=True)
        table = table.replace("<td>", '<td style="white-space: nowrap; padding: 0 0.5em">')
        table = table.replace("<th>", '<th style="padding: 0 0.5em">')
        return f'<div style="overflow-x: auto">{table}</div><p>{html.escape(self.caption)}</p>'


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
    """p of a paired t-test, two-sided; NaN with one pair or without any spread."""
    difference = np.asarray(a) - np.asarray(b)
    if len(difference) < 2 or np.ptp(difference) == 0:
        return float("nan")
    return float(ttest_rel(a, b).pvalue)


def shown_p(p: float) -> str:
    if np.isnan(p):
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def about(rows: pd.DataFrame) -> str:
    """Data, seeds, test samples, device: the end of every caption."""
    first = rows.iloc[0]
    seeds = rows["seed"].nunique()
    grouping = first.get("grouping")
    by = f" {grouping}" if isinstance(grouping, str) else ""
    how = f"{first['folds']} folds{by}" if first["folds"] else "own splits"
    return (
        f"Ours: {first['data']} ({first['setting']}, {how}, {first['samples']} test samples), "
        f"mean ± sd of {seeds} seed{'s' * (seeds > 1)}, on {first['device']}.{undefined(rows)}"
    )


def undefined(rows: pd.DataFrame) -> str:
    """Why scores are missing, where some are."""
    lacking = [NAMES[k] for k in NAMES if k in rows and rows[k].isna().any()]
    return f" {', '.join(lacking)}: undefined, every test label is 0." if lacking else ""
