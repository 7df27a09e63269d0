"""What a curve of the map found: rows, what validation chose, a slope (Chapter 14).

The contrast is a difference of two arms on a measure. Its slope over the doses, which count as
equally far apart from 0 to 1, is what a curve tests.
"""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.torch import load_file
from scipy.stats import spearmanr

from ..config import MODALITIES
from ..errors import ConfigError
from .curves import CURVES, Curve, tried
from .formatting import Table, equivalence_p, half_width, holm, paired_p, shown_p
from .runs import OUTPUTS, Run
from .study import Study

SMALLEST = 0.05  # of a change from the first dose to the last, in the measure's own unit
CELL = ["arm", "dose", "draw"]
# The columns of a curve's rows, where it has them
KEPT = [*CELL, "weight", "mae", "corr", "acc2", "weak_corr", "valid_mae", "valid_weak_corr"]
KEPT += [f"homo_{m}_corr" for m in MODALITIES]
EDGES = [f"homo_edge_{a}_{b}" for a, b in permutations(MODALITIES, 2)]
KEPT += EDGES
LEARNED = ("DMD", "another clip's graph")  # the kinds whose graph is learned
KEPT += ["trust", "floor_mae", "floor_corr", "labelled", "seed", "epochs", "best_epoch", "capped"]
KEPT += ["seconds", "config_hash", "dmdlite", "torch", "device", "date"]


def rows_of(curve: Curve, draws: int, shared: Study, runs: Path) -> pd.DataFrame:
    """A row a dose, draw, arm and weight that the arm tried: the columns of KEPT that there are.

    `weak_corr` is the mean correlation of vision's and audio's own logits, `valid_weak_corr` the
    same of validation clips. Where the graph is learned, there are its mean edges and, where
    language's noise differs by clip, `trust`: the rank correlation of its reliability in a test
    clip with the weight at which HomoGD lets it teach.

    Raises ConfigError for a run that is not done.
    """
    found = []
    for draw, dose, arm in product(range(draws), curve.doses, curve.arms):
        study = curve.study(dose, draw, shared)
        for run in (Run(study, system, draw) for system in tried(curve, arm)):
            row = run.result(runs)
            if row is None:
                raise ConfigError(f"{arm} at {curve.dial} = {dose:g}, draw {draw}: not run yet")
            for split in ("", "valid_"):
                weak = [row.get(f"{split}homo_{m}_corr", np.nan) for m in ("vision", "audio")]
                row[f"{split}weak_corr"] = float(np.mean(weak))
            weight = run.system.settings.get("lambda_ddl", np.nan)
            row |= {"arm": arm, "dose": dose, "weight": weight}
            if run.system.kind not in LEARNED or weight == 0:
                row |= dict.fromkeys(EDGES, np.nan)  # nobody trained g
            elif curve.dial == "reliability":
                row["trust"] = trust(run, runs)
            found.append(row)
    rows = pd.DataFrame(found)
    return rows[[name for name in KEPT if name in rows]]


def place(folder: Path, name: str) -> Path:
    """The file of a curve's rows."""
    return folder / f"{name.replace(' ', '_')}.csv"


def kept(folder: Path) -> dict[str, pd.DataFrame]:
    """The rows of every curve that a folder has, as they were written."""
    return {c: pd.read_csv(place(folder, c)) for c in CURVES if place(folder, c).exists()}


def trust(run: Run, runs: Path) -> float:
    """Rank correlation over test clips that have all modalities of language's reliability with
    its teaching, the weight of its edges in HomoGD. NaN for a model without."""
    outputs = load_file(run.folder(runs) / OUTPUTS)
    if "homo_weights" not in outputs:
        return float("nan")
    complete = outputs["present"].all(1)
    teaching = outputs["homo_weights"][complete, 0].sum(1)  # language's row of each clip
    noisier = run.study.splits["test"].factors["private_language"][complete, 2]  # see World
    return float(spearmanr(-noisier, teaching).statistic)


def chosen(rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Of what an arm tried at a dose in a draw, the row that validation prefers: by its error, or
    for `weak_corr` by the same correlation, where the arm has it."""
    by = -rows["valid_mae"] if "valid_mae" in rows else pd.Series(0.0, rows.index)
    if measure == "weak_corr" and "valid_weak_corr" in rows:
        by = rows["valid_weak_corr"].fillna(by)
    best = by.fillna(-np.inf).groupby([rows[c] for c in CELL], sort=False).idxmax()
    return rows.loc[best]


def differences(rows: pd.DataFrame, arm: str, base: str, measure: str) -> pd.DataFrame:
    """The arm's measure minus the base's, each as validation chose it: [draws, doses]."""
    two = rows[rows["arm"].isin((arm, base))]
    table = chosen(two, measure).pivot(index=["draw", "dose"], columns="arm", values=measure)
    return (table[arm] - table[base]).unstack("dose")


def slopes(difference: pd.DataFrame) -> np.ndarray:
    """[draws] least-squares change of each draw's difference from the first dose to the last."""
    at = np.linspace(0, 1, difference.shape[1])
    return np.polyfit(at, difference.to_numpy().T, 1)[0]


def verdict(p: float, equal: float, room: bool) -> str:
    """In a word, of two p-values that were corrected together with the others of the map."""
    if not room:
        return "no room"
    return "changes" if p < 0.05 else "does not change" if equal < 0.05 else "not known"


def of_all(p: list[float]) -> np.ndarray:
    """Holm's correction over all curves of the map, also those that are not run yet."""
    return holm([*p, *[1.0] * (len(CURVES) - len(p))])[: len(p)]


def summary(found: dict[str, pd.DataFrame]) -> Table:
    """A line a curve: its contrast at the first and the last dose, its slope, and what the control
    won; a curve whose control did not win for sure has no room, and says nothing."""
    slope, lines = {}, []
    for name, rows in found.items():
        slope[name] = slopes(differences(rows, *CURVES[name].contrast, CURVES[name].measure))
    p = of_all([paired_p(s, 0 * s) for s in slope.values()])
    equal = of_all([equivalence_p(s, SMALLEST) for s in slope.values()])
    for (name, s), a, b in zip(slope.items(), p, equal, strict=True):
        curve, rows = CURVES[name], found[name]
        difference = differences(rows, *curve.contrast, curve.measure)
        arm, base, dose = curve.control
        won = differences(rows, arm, base, curve.measure)[dose]
        better = -won.mean() if curve.measure == "mae" else won.mean()
        line = [name, str(len(s)), " − ".join(curve.contrast), curve.measure]
        parts = (difference.iloc[:, 0], difference.iloc[:, -1], s)
        line += [f"{x.mean():+.3f} ± {half_width(x):.3f}" for x in parts]
        line += [shown_p(a), verdict(a, b, better > half_width(won))]
        line += [f"{won.mean():+.3f} ± {half_width(won):.3f}", curve.predicted]
        lines.append(tuple(line))
    columns = ("curve", "draws", "contrast", "measure", "first dose", "last dose", "slope, 95 %")
    columns += ("p (Holm)", "verdict", "control", "guess, before the runs")
    caption = (
        f"Draws are paired. A slope runs from the first dose to the last. Tests that it is 0 "
        f"(changes) and that it is {SMALLEST:g} or more (does not change), each corrected for the "
        f"map's {len(CURVES)} curves. Control: what an arm gains that must, if there is room."
    )
    return Table(caption, columns, tuple(lines))


def for_playground(found: dict[str, pd.DataFrame]) -> dict[str, dict[str, object]]:
    """What `plots.playgrounds.map_playground` shows of each curve: for every arm that has the
    measure, at every dose, its mean difference from the contrast's base and half its interval."""
    table = summary(found)
    verdicts = {line[0]: line[table.columns.index("verdict")] for line in table.cells}
    curves = {}
    for name, rows in found.items():
        curve, arms = CURVES[name], {}
        base = curve.contrast[1]
        for arm in curve.arms:
            gaps = differences(rows, arm, base, curve.measure) if arm != base else pd.DataFrame()
            if len(gaps) > 1 and gaps.notna().all(axis=None):
                arms[arm] = [(float(g.mean()), float(half_width(g))) for _, g in gaps.items()]
        about = {"asks": curve.asks, "dial": curve.dial, "doses": list(curve.doses)}
        about |= {"measure": curve.measure, "base": base, "smallest": SMALLEST}
        curves[name] = about | {"verdict": verdicts[name], "arms": arms}
    return curves
