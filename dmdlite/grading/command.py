"""The command `dmdlite grade`."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from ..files import ours
from . import sandbox
from .course import grade_course, submissions


def _stop_once(*_: object) -> None:
    """Stop what runs, as Ctrl-C does; a second signal, as `timeout` sends, must not stop that."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def grade(
    folder: Annotated[Path, typer.Argument(help="Folder of notebooks, or of folders of them")],
    assignment: Annotated[str, typer.Option(help="a1 ... a5, or a built assignment's folder")],
    out: Annotated[Path, typer.Option(help="The CSV file to write")],
    feedback: Annotated[
        Path | None, typer.Option(help="Folder for a text file a student: every test, and why")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Submissions at a time")] = os.cpu_count() or 1,
    step_seconds: Annotated[float, typer.Option(min=1, help="For one cell, or one question")] = 60,
    total_seconds: Annotated[float, typer.Option(min=1, help="For one submission")] = 600,
    memory: Annotated[float, typer.Option(min=1, help="GiB for one process")] = 4,
) -> None:
    """Grade a class's notebooks, each in a process of its own without a network.

    Writes points a question; the written parts are for you. Limits keep a class from mistakes, not
    from malice: see the teachers' page for what a submission can reach.
    """
    signal.signal(signal.SIGTERM, _stop_once)
    limits = sandbox.Limits(step_seconds, total_seconds, memory)
    if not sandbox.isolation():
        typer.echo("no namespaces here (unshare): sockets are blocked within Python only", err=True)
    with tqdm(total=len(submissions(folder)), unit="notebook", disable=None) as bar:
        rows = grade_course(
            folder,
            assignment,
            ours(out, "submission,"),
            jobs,
            limits,
            feedback,
            lambda _: bar.update(),
        )
    for row in rows:
        notes = f"   {row['notes'][:100]}" if row["notes"] else ""
        line = f"{row['submission']:30} {row['points']:5g} of {row['of']:g}{notes}"
        typer.echo("".join(c if c.isprintable() else "?" for c in line))
    typer.echo(f"{len(rows)} submissions in {out}")
