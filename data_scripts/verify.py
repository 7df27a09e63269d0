"""Check a data set before trusting a score on it: leaks, duplicates, dead columns, padding, ...

Usage: python data_scripts/verify.py NAME_OR_FOLDER; --help says more.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import matplotlib.pyplot as plt
import typer
from dmdlite_data.checks import Finding, Status, check
from dmdlite_data.options import new_app
from dmdlite_data.reading import reading
from dmdlite_data.scan import scan
from tqdm.auto import tqdm

from dmdlite import DataError, load_dataset
from dmdlite.cli import run_app
from dmdlite.data.storage import manifest_of
from dmdlite.files import ours, replacing
from dmdlite.plots import data_overview

MARK = "dmdlite verify"  # in the figure's metadata: what may be drawn anew
app = new_app()


@app.command(epilog="Example: python data_scripts/verify.py mmmo --figure mmmo.png")
def verify(
    name: Annotated[str, typer.Argument(help="A data set's folder, its name, or toy")],
    figure: Annotated[
        Path | None, typer.Option(help="Overview to draw; by default NAME_overview.png here")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Notes count as failures")] = False,
) -> None:
    """Print a table of checks and draw one figure.

    Exit code: 0 all well or worth a note, 1 a check failed, 2 the data set cannot be read.
    """
    figure = figure or Path(f"{Path(name).name.replace(':', '_')}_overview.png")
    if figure.suffix not in (".png", ".svg", ".pdf"):
        raise DataError(f"--figure {figure}: give it the ending .png, .svg or .pdf")
    ours(figure, MARK)
    splits = load_dataset(name)
    manifest = manifest_of(name)
    total = sum(data.nbytes for data in splits.values())
    with tqdm(total=total, desc="reading", unit="B", unit_scale=True, file=sys.stderr) as bar:
        scans = {split: scan(data, bar) for split, data in splits.items()}
    with reading(f"{name}: dataset.json"):
        findings = check(splits, scans, manifest)
    _print(findings)
    with reading(f"{figure}, a picture of {name}"):
        drawn = data_overview(splits)
        about = {"Software" if figure.suffix == ".png" else "Creator": MARK}
        with replacing(figure) as temporary:
            drawn.savefig(temporary, dpi=120, format=figure.suffix[1:], metadata=about)
        plt.close(drawn)
    worst = max(finding.status for finding in findings)
    failed = worst == Status.FAIL or (strict and worst == Status.note)
    typer.echo(f"\n{name}: {'not fit for use' if failed else 'fit for use'}; see also {figure}")
    if failed:
        raise typer.Exit(1)


def _print(findings: list[Finding]) -> None:
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        typer.echo(f"{finding.check:{width}}  {finding.status.name:4}  {finding.says}")


if __name__ == "__main__":
    run_app(app)
