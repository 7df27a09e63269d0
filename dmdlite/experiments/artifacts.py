"""What each experiment writes: its rows, its tables, its points and its figures."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from safetensors.torch import load_file

from ..config import MODALITIES
from ..plots.arrays import runs as run_plot
from ..plots.graphs import distillation_graphs
from ..plots.sweeps import code_map, edge_grid, edge_names, edge_violins, system_dots
from . import tables
from .claims import claims_table
from .comparison import compared
from .formatting import Table, values
from .measures import UNITS
from .runs import OUTPUTS, Run
from .separation import separation, separation_table
from .systems import (
    CHOICE_CONTROLS,
    EDGE_CONTROLS,
    EXPERIMENTS,
    VARIANTS,
    WEIGHTS,
    reads_alone,
)


@dataclass
class Artifacts:
    """Tables, figures and points by name; the experiment's own name goes in front."""

    tables: dict[str, Table]
    figures: dict[str, Figure] = field(default_factory=dict)
    points: dict[str, pd.DataFrame] = field(default_factory=dict)


def as_written(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the digits that a CSV file keeps, so that a table can be made from it again."""
    return pd.read_csv(io.StringIO(csv_of(rows)))


def csv_of(rows: pd.DataFrame) -> str:
    """Six significant digits a number, but all of a column of whole ones."""
    return rows.convert_dtypes().to_csv(index=False, float_format="%.6g")


def own_runs(name: str, planned: list[Run]) -> list[Run]:
    """The runs that experiment `name` shows: seed by seed, its systems in their order. Who reads
    one modality alone stands where the paper's modalities do, whatever its own is called."""
    place = {(s.name, s.searched): i for i, s in enumerate(EXPERIMENTS[name].systems)}

    def at(run: Run) -> int | None:
        alone = "modalities" in run.system.settings
        title = reads_alone(MODALITIES[0]).name if alone else run.system.name
        return place.get((title, run.system.searched))

    own = [run for run in planned if at(run) is not None]
    return sorted(own, key=lambda run: (run.seed, at(run)))


def artifacts(name: str, rows: pd.DataFrame, own: list[Run], runs: Path) -> Artifacts:
    """Everything that experiment `name` shows; `rows` are those of its `own_runs`."""
    return MAKERS[name](rows, own, runs)


def mae_dots(rows: pd.DataFrame) -> Figure:
    found = {s: values(rows, s, "mae") for s in dict.fromkeys(rows["system"])}
    return system_dots(found, "MAE (sentiment points), lower is better")


def scored(
    table: Callable[[pd.DataFrame], Table],
) -> Callable[[pd.DataFrame, list[Run], Path], Artifacts]:
    """A table of scores and the dots of its MAE."""
    return lambda rows, *_: Artifacts({"": table(rows)}, {"": mae_dots(rows)})


def unimodal(
    table: Callable[[pd.DataFrame], Table], systems: tuple[str, ...]
) -> Callable[[pd.DataFrame, list[Run], Path], Artifacts]:
    """A table of each modality's own score and the figure of it."""

    def made(rows: pd.DataFrame, *_) -> Artifacts:
        found = {s: 100 * tables.alone(rows, s, "acc2") for s in systems}
        floor = 100 * rows["floor_acc2"].mean()
        label = "ACC2 of its own logit (%)"
        figure = run_plot(tables.modalities_of(rows), found, "modality", label, floor)
        return Artifacts({"": table(rows)}, {"": figure})

    return made


def maps(figure: str, by: str) -> Callable[[pd.DataFrame, list[Run], Path], Artifacts]:
    """Fig. 3 or 4: pictures of the first seed, numbers of all."""

    def made(rows: pd.DataFrame, planned: list[Run], runs: Path) -> Artifacts:
        found, points = [], []
        names = tables.modalities_of(rows)
        for run in planned:
            part = separation(run.folder(runs), figure)
            found.append({"system": run.system.name, "seed": run.seed, **part["numbers"]})
            if run.seed == 0:
                points.append(pd.DataFrame(part["points"]).assign(system=run.system.name))
        numbers = as_written(pd.DataFrame(found))
        drawn = pd.concat(points)
        drawn["name"] = [names[int(i)] for i in drawn["modality"]]
        titles = {system: title for title, system in VARIANTS.items()}
        drawn["system"] = drawn["system"].map(titles)
        table = separation_table(numbers, rows)
        return Artifacts(
            {"": table}, {"": code_map(drawn, by)}, {"numbers": numbers, "points": drawn}
        )

    return made


def edges(rows: pd.DataFrame, planned: list[Run], runs: Path) -> Artifacts:
    """Fig. 5: every complete clip's weights with the first seed, and the mean graph; and by seed
    how far the two ends of each edge differ."""
    found = tables.edges_of(rows, "homo")
    names = tables.modalities_of(rows)
    first = load_file(planned[0].folder(runs) / OUTPUTS)
    complete = first["present"].all(1)
    clips, graphs = [], {}
    for unit in UNITS:
        weights = first[f"{unit}_weights"][complete]  # [n, M, M]
        graphs[f"{unit.capitalize()}GD"] = weights.mean(0).numpy()
        for (a, b), edge in zip(found, edge_names(found), strict=True):
            weight = weights[:, names.index(a), names.index(b)].numpy()
            clips.append(pd.DataFrame({"unit": unit, "edge": edge, "weight": weight}))
    points = pd.concat(clips).round(4)
    gaps = pd.concat([edge_gaps(run, runs, names, found) for run in planned])
    figures = {"": edge_violins(points), "graphs": distillation_graphs(graphs, names)}
    return Artifacts({"": tables.fig5(rows)}, figures, {"points": points, "gaps": gaps})


def edge_gaps(run: Run, runs: Path, names: list[str], found: list[tuple[str, str]]) -> pd.DataFrame:
    """Mean weight and mean |f(X_i) - f(X_j)| of every edge over a run's complete samples."""
    outputs = load_file(run.folder(runs) / OUTPUTS)
    complete, lines = outputs["present"].all(1), []
    for unit in UNITS:
        weights, logits = (outputs[f"{unit}_{k}"][complete] for k in ("weights", "logits"))
        for (a, b), edge in zip(found, edge_names(found), strict=True):
            i, j = names.index(a), names.index(b)
            gap = (logits[:, i] - logits[:, j]).abs().mean()
            line = {"seed": run.seed, "unit": unit, "edge": edge}
            lines.append(line | {"weight": float(weights[:, i, j].mean()), "gap": float(gap)})
    return pd.DataFrame(lines)


def controls(rows: pd.DataFrame, *_) -> Artifacts:
    """Edges under control, and choices one at a time."""
    found = tables.edges_of(rows, "homo")
    weights = {
        f"{unit.capitalize()}GD": {
            s: [values(rows, s, f"{unit}_edge_{a}_{b}").mean() for a, b in found]
            for s in EDGE_CONTROLS
        }
        for unit in UNITS
    }
    figures = {
        "edges": edge_grid(weights, edge_names(found)),
        "choices": mae_dots(rows[rows["system"].isin(CHOICE_CONTROLS)]),
    }
    return Artifacts(
        {"edges": tables.edge_controls(rows), "choices": tables.choice_controls(rows)}, figures
    )


MAKERS: dict[str, Callable[[pd.DataFrame, list[Run], Path], Artifacts]] = {
    "table1": lambda *args: Artifacts(*compared(*args, 1)),
    "table2": lambda *args: Artifacts(*compared(*args, 2)),
    "table3": scored(tables.table3),
    "table4": unimodal(tables.table4, ("none", "FD")),
    "table5": scored(tables.table5),
    "simple": scored(tables.simple),
    "weights": unimodal(tables.weights, WEIGHTS),
    "homogd": unimodal(tables.homogd, ("FD", "FD + HomoGD")),
    "fig1a": unimodal(tables.gaps, ("none", "FD", "FD + HomoGD", "DMD")),
    "fig3": maps("fig3", "class"),
    "fig4": maps("fig4", "modality"),
    "fig5": edges,
    "controls": controls,
    "claims": lambda rows, *_: Artifacts({"": claims_table(rows)}),
}
