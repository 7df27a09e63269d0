"""Give a data set language features: its transcripts through any Hugging Face encoder.

Usage: python data_scripts/embed_text.py NAME --model bert-base-uncased; --help says more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from dmdlite_data.conversion import Piece, convert, data_home
from dmdlite_data.options import Dtype, Out, Precision, new_app
from dmdlite_data.own_files import parse_table
from dmdlite_data.reading import reading
from dmdlite_data.text_encoder import Level, TextEncoder

from dmdlite import DataError, MultimodalDataset, load_dataset
from dmdlite.cli import run_app
from dmdlite.data.storage import manifest_of
from dmdlite.devices import pick_device

CHUNK = 256  # clips embedded, cached and written together
app = new_app()


@app.command(
    epilog="Example: python data_scripts/embed_text.py mosi_unaligned --model "
    "bert-base-uncased --out data/mosi_bert"
)
def embed_text(
    name: Annotated[str, typer.Argument(help="A data set's folder, or its name")],
    model: Annotated[str, typer.Option(help="Name on the Hugging Face hub, or a local folder")],
    out: Out = None,
    texts: Annotated[
        Path | None, typer.Option(help="csv with id and text, where the data set has none")
    ] = None,
    level: Annotated[
        Level, typer.Option(help="A step per token, or per word (the mean of its tokens)")
    ] = Level.token,
    layer: Annotated[int, typer.Option(help="Hidden layer; -1 is the last")] = -1,
    batch_size: Annotated[int, typer.Option(min=1, help="Texts at a time")] = 32,
    device: Annotated[str | None, typer.Option(help="cuda, mps or cpu; the best one")] = None,
    dtype: Dtype = Precision.float32,
) -> None:
    """Write a copy of the data set whose modality `language` comes from the encoder.

    Token steps include the encoder's own marks ([CLS], [SEP]), as MMSA's files do. Word steps
    follow the transcript's words, so data aligned to words stay aligned. What was embedded once is
    cached under $DMDLITE_DATA/embeddings. A model already on this machine needs no network.
    """
    splits = load_dataset(name)
    before = manifest_of(name)
    transcripts = _transcripts(name, splits, texts)
    words_fit = level == Level.word and _words_fit(splits, transcripts)
    encoder = TextEncoder(model, level, layer, batch_size, pick_device(device), data_home())
    old_name = Path(next(iter(splits.values())).name).name or "unnamed"
    new_name = f"{old_name}_{Path(model).name}"
    convert(
        (
            p
            for split, data in splits.items()
            for p in _pieces(split, data, transcripts[split], encoder, new_name)
        ),
        new_name,
        out,
        source=f"{before.get('source', name)}; language from {model}",
        inputs=[texts] if texts else [],
        total=sum(map(len, splits.values())),
        dtype=dtype,
        before=before,
        aligned=bool(before.get("aligned")) and words_fit,
        language={"model": model, "weights": encoder.fingerprint, "level": level, "layer": layer},
    )


def _words_fit(splits: dict[str, MultimodalDataset], transcripts: dict[str, list[str]]) -> bool:
    """Whether every clip's grid has room for no more steps than its transcript has words."""
    for split, data in splits.items():
        words = torch.tensor([len(text.split()) for text in transcripts[split]])
        for m in data.modalities:
            row, step, _ = data.locate(m, torch.arange(len(data)))
            if m != "language" and (step >= words[row]).any():
                return False
    return True


def _transcripts(
    name: str, splits: dict[str, MultimodalDataset], path: Path | None
) -> dict[str, list[str]]:
    """The transcripts of every split, in order. Raises DataError where some have none."""
    if not path:
        without = [split for split, data in splits.items() if not data.texts]
        if without:
            clip = splits[without[0]].ids[:1]
            raise DataError(
                f"{name}: {', '.join(without)} without text, for example {clip}; give it with "
                "--texts FILE.csv, columns id and text"
            )
        return {split: list(data.texts) for split, data in splits.items()}
    with reading(path):
        rows = parse_table(path.read_text(encoding="utf-8-sig"), str(path))
    if not rows or not {"id", "text"} <= set(rows[0]):
        raise DataError(f"{path}: needs a header with id and text")
    found = {row["id"]: row["text"] or "" for row in rows}
    every = [i for data in splits.values() for i in data.ids]
    if len(found) < len(rows) or len(set(every)) < len(every):
        raise DataError(f"{path}: an id stands for more than one clip; texts would be mixed up")
    if lacking := [i for i in every if i not in found]:
        raise DataError(f"{path}: {len(lacking)} clips without text, first {lacking[0]}")
    return {split: [found[i] for i in data.ids] for split, data in splits.items()}


def _pieces(
    split: str, data: MultimodalDataset, transcripts: list, encoder: TextEncoder, name: str
) -> Iterator[Piece]:
    for places in torch.arange(len(data)).split(CHUNK):
        piece = data.subset(places)
        texts = [transcripts[i] for i in places.tolist()]
        with reading(f"{name}, {split}: its texts"):
            states, cut = encoder(texts)
        counts = {"cut_texts": cut, "no_text": sum(len(x) == 0 for x in states)}
        yield split, _with_language(piece, states, tuple(texts), name), {"language": counts}


def _with_language(
    piece: MultimodalDataset, states: list[torch.Tensor], texts: tuple[str, ...], name: str
) -> MultimodalDataset:
    """The same clips, `language` in front, one step a token or word."""
    lengths = torch.tensor([len(x) for x in states])
    zero = torch.zeros(1, dtype=torch.int64)
    steps = torch.cat([torch.arange(len(x)) for x in states])
    new = {
        "values": torch.cat(states),
        "offsets": torch.cat([zero, lengths.cumsum(0)]),
        "steps": steps,
    }
    parts = {
        part: {"language": x} | {m: t for m, t in getattr(piece, part).items() if m != "language"}
        for part, x in new.items()
    }
    return replace(piece, **parts, texts=texts, name=name)


if __name__ == "__main__":
    run_app(app)
