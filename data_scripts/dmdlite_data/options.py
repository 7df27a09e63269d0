"""What every command in `data_scripts` takes: names, places and precision."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from dmdlite.data.storage import DATA_HOME


class Precision(str, Enum):
    """How values are stored."""

    float32 = "float32"
    float16 = "float16"


Out = Annotated[
    Path | None, typer.Option(help=f"Folder to write; by default NAME in ${DATA_HOME} or data")
]
Name = Annotated[str | None, typer.Option(help="Name of the data set; by default from the file")]
Shares = Annotated[
    str | None, typer.Option(help="Percent for train,valid,test, where no split is given")
]
Seed = Annotated[int, typer.Option(min=0, help="Of the random split")]
LabelShift = Annotated[float, typer.Option(help="sentiment = (label - shift) * scale")]
LabelScale = Annotated[float, typer.Option(help="See --label-shift")]
Unlabelled = Annotated[
    bool, typer.Option("--unlabelled", help="Keep clips without a label, in train")
]
Dtype = Annotated[Precision, typer.Option(help="float16 halves the size, with 3 digits")]


def new_app() -> typer.Typer:
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
