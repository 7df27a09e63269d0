"""`dmdlite reproduce`: train what a table or figure needs, then write it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from ..commands.options import DataName, Device, Settings, parse_settings, parse_value
from ..data.storage import warn_of_unfit
from ..errors import ConfigError
from ..files import claimed
from ..registry import MODELS, YARDSTICKS
from .artifacts import artifacts, as_written, own_runs
from .cluster import submit
from .curves import CURVES
from .mapping import draw_map, listing
from .runs import Run
from .search import BUDGET, overruled, search_rows, to_run, to_try
from .separation import FIGURES, separation
from .study import Study
from .sweep import open_runs, sweep
from .systems import EXPERIMENTS, chosen, systems_of
from .writing import check_place, check_settings, settings_of, write_artifacts, write_csv

SEEDS = 5
WHAT = f"{', '.join(EXPERIMENTS)}, or all; map, or a curve of it: {', '.join(CURVES)}"


def reproduce(
    what: Annotated[str | None, typer.Argument(help=WHAT)] = None,
    data: DataName = "toy",
    seeds: Annotated[
        int, typer.Option(help="Seeds 0, 1, ...; each system is run with all")
    ] = SEEDS,
    draws: Annotated[
        int | None, typer.Option(help="Instead: so many samples of the data, a seed for each")
    ] = None,
    setting: Annotated[
        str | None, typer.Option(help="aligned or unaligned; as the data are")
    ] = None,
    folds: Annotated[
        int, typer.Option(help="Cross-validate on the complete samples; 0: the data's splits")
    ] = 0,
    standardize: Annotated[
        bool, typer.Option("--standardize", help="Scale features on train; folds always are")
    ] = False,
    jobs: Annotated[int, typer.Option(help="Runs at a time; -1: one a core")] = -1,
    epochs: Annotated[int | None, typer.Option(help="At most; the recipe's by default")] = None,
    out: Annotated[Path, typer.Option(help="Folder for tables, figures and runs")] = Path(
        "runs/reproduce"
    ),
    labelled: Annotated[
        int | None, typer.Option(help="Training samples that keep their label; the rest lose it")
    ] = None,
    budget: Annotated[
        int,
        typer.Option("--trials", help="Settings tried of a searched system, on every draw; or 0"),
    ] = BUDGET,
    device: Device = None,
    settings: Settings = None,
    cluster: Annotated[
        str | None, typer.Option(help="Submit the runs instead: slurm, through submitit")
    ] = None,
    job: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="For --cluster: timeout_min=240, repeatable"),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="What there is, what is done, how long it took")
    ] = False,
) -> None:
    """Reproduce a table or figure of the paper, or the controls it lacks.

    Writes one row a run (CSV), tables (Markdown, LaTeX) and figures (PNG, SVG). What is done is
    not repeated; a killed sweep goes on.
    """
    if not (what or listed):
        raise ConfigError(f"reproduce what? {WHAT}")
    for option, number in (("seeds", seeds), ("draws", draws)):
        if number is not None and number < 1:
            raise ConfigError(f"{option}: 1 or more, got {number}")
    mapped = what in ("map", *CURVES)
    names = [] if mapped else chosen(what or "all")
    check_place(out)
    study = _study(data, setting, folds, standardize, epochs, device, settings, labelled)
    if mapped and listed:
        typer.echo(listing(out))
        return
    if mapped:
        if cluster or job or seeds != SEEDS or budget != BUDGET:
            raise ConfigError(
                "the map takes --draws, and runs here: no --cluster, --seeds, --trials"
            )
        draw_map(what, out, draws, jobs, study)
        return
    systems, runs = systems_of(names, study.modalities), out / "runs"
    trials = to_try(systems, study, budget, draws)

    def planned() -> list[Run]:
        return to_run(systems, study, runs, budget, seeds, draws)

    if listed:
        typer.echo(_listing(names, planned(), runs))
        return
    warn_of_unfit(data)
    if study.folds:
        typer.echo(f"folds {study.grouping}")
    folder = out / (study.name if draws is None else f"{study.name}-draws")
    settings = settings_of(study, budget)
    check_settings(folder, names, settings)
    if ignored := overruled(study, trials):
        typer.echo(f"{', '.join(ignored)}: where there is a search it decides (--trials)", err=True)
    if cluster or job:
        todo = open_runs(planned(), runs)
        submit(todo, runs.resolve(), cluster or "slurm", _parameters(job or []))
        typer.echo(
            f"{len(todo)} jobs submitted; a search goes on when its trials are done and the same "
            "command is given again; without --cluster it makes the tables"
        )
        return
    with claimed(out):
        sweep(trials, runs, jobs)
        done = planned()
        sweep(done, runs, jobs)
        for file, kinds in (("search", MODELS), ("search_yardsticks", YARDSTICKS)):
            own = [run for run in trials if run.system.kind in kinds]
            if own:
                write_csv(pd.DataFrame(search_rows(own, runs)), folder / f"{file}.csv")
        for name in names:
            _make(name, done, runs, folder, jobs, settings)
    typer.echo(f"written to {folder}: {', '.join(names)}")


def _make(
    name: str, done: list[Run], runs: Path, folder: Path, jobs: int, settings: dict[str, Any]
) -> None:
    """The tables and figures of one experiment, written and its tables shown."""
    own = own_runs(name, done)
    rows = as_written(pd.DataFrame([run.result(runs) for run in own]))
    if name in FIGURES:
        _separate(own, runs, name, jobs)
    made = artifacts(name, rows, own, runs)
    write_artifacts(made, rows, name, folder, settings)
    for table in made.tables.values():
        typer.echo(f"\n{table.markdown()}")


def _study(
    data: str,
    setting: str | None,
    folds: int,
    standardize: bool,
    epochs: int | None,
    device: str | None,
    settings: list[str] | None,
    labelled: int | None,
) -> Study:
    if setting not in (None, "aligned", "unaligned"):
        raise ConfigError(f"setting: aligned or unaligned, got {setting!r}")
    if folds < 0:
        raise ConfigError(f"folds: 0 or more, got {folds}")
    refused = ("out", "epochs", "seed", "device", "resume", "progress")
    model, training = parse_settings(settings, *refused)
    training |= {} if epochs is None else {"epochs": epochs}
    model, training = tuple(model.items()), tuple(training.items())
    return Study(data, setting, folds, standardize, model, training, device, labelled=labelled)


def _parameters(settings: list[str]) -> dict[str, Any]:
    """NAME=VALUE strings for submitit."""
    pairs = [setting.partition("=") for setting in settings]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise ConfigError(f"--job {name}: write NAME=VALUE, for example timeout_min=240")
    return {name: parse_value(text) for name, _, text in pairs}


def _separate(own: list[Run], runs: Path, figure: str, jobs: int) -> None:
    """Measure the codes of every run for a t-SNE figure; what is measured is kept."""
    tasks = Parallel(jobs, return_as="generator_unordered")(
        delayed(separation)(run.folder(runs), figure) for run in own
    )
    for _ in tqdm(tasks, total=len(own), unit="run", desc=figure, file=sys.stderr):
        pass


def _listing(names: list[str], planned: list[Run], runs: Path) -> str:
    """One line an experiment: runs done, their seconds, what it shows."""
    results = {run.folder(runs): run.result(runs) for run in planned}
    lines = []
    for name in names:
        own = [results[run.folder(runs)] for run in own_runs(name, planned)]
        done = [result["seconds"] for result in own if result]
        took = f"{sum(done) / 60:6.1f} min" if done else ""
        lines.append(
            f"{name:9}{len(done):4} of {len(own):3} runs {took:>11}  {EXPERIMENTS[name].shows}"
        )
    head = f"{'':9}{'done':>14}{'compute':>16}  shows"
    return "\n".join([head, *lines])
