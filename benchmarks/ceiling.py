"""What can be known of the toy, on ten draws: python benchmarks/ceiling.py

Writes benchmarks/results/ceiling.json: the scores on test of a reader who knows what made each clip
(left: rounding) and of one who sees the clips and knows all constants and when events happen.
"""

from __future__ import annotations

from typing import Annotated

import torch
import typer
from common import write_result
from joblib import Parallel, delayed

from dmdlite.data.toy import known
from dmdlite.experiments.ceiling import from_clips, from_factors
from dmdlite.metrics import sentiment_metrics

READERS = {"knows what made it": lambda clips, _: from_factors(clips), "ceiling": from_clips}


def one_draw(draw: int, reader: str) -> dict:
    """Scores of a reader on the test clips of a draw."""
    maps, clips = known(draw)
    test = clips["test"]
    predicted = torch.tensor(READERS[reader](test, maps)).float()
    labels = torch.tensor([clip["y"] for clip in test])
    return {"draw": draw, "system": reader, **sentiment_metrics(predicted, labels)}


def main(draws: Annotated[int, typer.Option(help="Of the toy: seeds 0, 1, ...")] = 10) -> None:
    """Read and write benchmarks/results/ceiling.json; a minute and a half a draw on one core."""
    tasks = [delayed(one_draw)(draw, reader) for draw in range(draws) for reader in READERS]
    rows = Parallel(n_jobs=-1)(tasks)
    write_result("ceiling", rows=rows)
    for reader in READERS:
        mae = [row["mae"] for row in rows if row["system"] == reader]
        print(f"{reader}: MAE {sum(mae) / len(mae):.3f}")


if __name__ == "__main__":
    typer.run(main)
