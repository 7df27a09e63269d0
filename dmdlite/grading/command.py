"""The command `dmdlite grade`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from ..errors import DataError
from . import sandbox


def grade(
    folder: Annotated[Path, typer.Argument(help="Folder of notebooks, or of folders of them")],
    assignment: Annotated[str, typer.Option(help="a1 ... a5, or a built assignment's folder")],
    out: Annotated[Path, typer.Option(help="The CSV file to write")],
    feedback: Annotated[
        Path | None, typer.Option(help="Folder for a text file a student: every test, and why")
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(help="CSV of the class: names, e-mail and ids in rows; who is missing"),
    ] = None,
    lms: Annotated[
        str, typer.Option(help="moodle or canvas: also write what it imports; needs --roster")
    ] = "",
    jobs: Annotated[int, typer.Option(min=1, help="Submissions at a time")] = os.cpu_count() or 1,
    step_seconds: Annotated[float, typer.Option(min=1, help="For one cell, or one question")] = 60,
    total_seconds: Annotated[float, typer.Option(min=1, help="For one submission")] = 600,
    memory: Annotated[float, typer.Option(min=1, help="GiB for one process")] = 4,
) -> None:
    """Grade what a class handed in: each notebook in a process of its own, without a network.

    Writes points a question, and a page of all written answers, which are for you to mark. No
    submission can write its marks; see the teachers' page for what else it can reach.
    """
    try:
        from .course import grade_course  # needs more than the rest of dmdlite
    except ModuleNotFoundError as error:
        raise DataError(f'grading needs {error.name}: pip install "dmdlite[grading]"') from None
    limits = sandbox.Limits(step_seconds, total_seconds, memory)
    if not sandbox.isolation():
        typer.echo("no namespaces here (unshare): sockets are blocked within Python only", err=True)
    with tqdm(unit="submission", disable=None) as bar:
        rows = grade_course(
            folder,
            assignment,
            out,
            jobs,
            limits,
            feedback,
            lambda _: bar.update(),
            bar.reset,
            roster,
            lms,
        )
    for row in rows:
        notes = f"   {row['notes'][:100]}" if row["notes"] else ""
        name = row["submission"] or row["name"] or row["email"] or row["id"]
        line = f"{name:30} {row['points']:5g} of {row['of']:g}{notes}"
        typer.echo("".join(c if c.isprintable() else "?" for c in line))
    typer.echo(f"marks are in {out}, written answers in {out.with_name('answers.html')}")
