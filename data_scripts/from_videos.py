"""Make a data set of clips: face and voice from the files, words from transcripts.

Usage: python data_scripts/from_videos.py FOLDER --name mine; --help says more.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from dmdlite_data.conversion import data_home
from dmdlite_data.labels import check_labels, check_scale
from dmdlite_data.options import (
    Dtype,
    LabelScale,
    LabelShift,
    Out,
    Precision,
    Seed,
    Shares,
    Unlabelled,
    new_app,
)
from dmdlite_data.own_arrays import Source, about_clips
from dmdlite_data.own_clips import check_target, convert_own, splits_of
from dmdlite_data.own_files import Folder
from dmdlite_data.reading import plain, reading
from dmdlite_data.text_encoder import Level, TextEncoder
from dmdlite_data.video.clip import Found, by_word, extractors, look, worded
from dmdlite_data.video.media import SUFFIXES
from dmdlite_data.video.transcript import Recogniser, word_table
from tqdm.auto import tqdm
from verify import verify

from dmdlite import DataError
from dmdlite.cli import run_app
from dmdlite.devices import pick_device

app = new_app()
EXAMPLE = "python data_scripts/from_videos.py clips --name mine --encoder ./minilm"


@app.command(epilog=f"Example: {EXAMPLE}")
def from_videos(
    folder: Annotated[Path, typer.Argument(help="Of clips, a sentence or two each")],
    name: Annotated[str, typer.Option(help="Name of the data set")],
    encoder: Annotated[
        str | None, typer.Option(help="Of words: name on the Hugging Face hub, or a local folder")
    ] = None,
    aligned: Annotated[bool, typer.Option("--aligned", help="A step a word, in all")] = False,
    speech_model: Annotated[
        str | None, typer.Option(help="Recognises speech where there is no transcript")
    ] = None,
    longest: Annotated[float, typer.Option(min=0.1, help="Seconds that a clip may have")] = 120.0,
    shares: Shares = None,
    seed: Seed = 0,
    label_shift: LabelShift = 0.0,
    label_scale: LabelScale = 1.0,
    unlabelled: Unlabelled = False,
    out: Out = None,
    dtype: Dtype = Precision.float32,
) -> None:
    """Write a data set of a folder of clips (mp4, mov, mkv, webm, avi, m4v, wav, mp3, m4a, flac).

    What is said stands beside each clip (ID.srt, ID.vtt or ID.txt), in words.csv (id, word, start,
    end, in seconds), or in the column text of labels.csv. labels.csv has id, and label, split and
    group (the speaker) as far as you have them. Without labels the clips can be predicted.

    Vision: face geometry, 10 steps a second. Audio: pitch, loudness and spectrum, 20 a second.
    Language: hidden states of --encoder; without one, the transcripts are kept for embed_text.py.
    What a clip lacks is missing in it; a clip that cannot be used is named and left out. Clips
    that were looked at once are read from $DMDLITE_DATA/videos the next time.
    """
    says = f"clips in {folder.resolve().name}"
    check_target(name, out, says)
    clips = _clips(folder)
    rows = _rows(folder, clips)
    about = about_clips(str(folder / "labels.csv"), list(rows.values())) if rows else {}
    if "labels" in about:  # before the hours that the clips may take
        labels = (about["labels"] - label_shift) * label_scale
        check_labels(str(folder / "labels.csv"), labels, about["ids"], unlabelled)
        check_scale(str(folder / "labels.csv"), labels)
        splits_of(folder / "labels.csv", about, shares, seed, ~np.isnan(labels))
    told = word_table(folder / "words.csv") if (folder / "words.csv").is_file() else {}
    if unknown := sorted(set(told) - {path.stem for path in clips}):
        raise DataError(f"{folder / 'words.csv'}: no clip is called {unknown[0]!r}")
    level = Level.word if aligned else Level.token
    model = TextEncoder(encoder, level, -1, 32, pick_device(None), data_home()) if encoder else None
    recognise = Recogniser(speech_model) if speech_model else None
    found: list[Found] = []
    left_out = 0
    bar = tqdm(clips, desc=name, unit="clip", file=sys.stderr)
    for path in bar:
        try:
            row = rows.get(path.stem, {})
            with reading("it"):  # whatever a library raises for a file that it does not know
                clip = look(path, row.get("text") or "", told, longest, recognise, data_home())
            notes = [*clip.notes, *(worded(clip) if aligned else [])]
            if aligned and not clip.said.words:
                raise DataError("; ".join([*notes, "without words, no step of its own"]))
            found.append(clip)
        except DataError as error:
            left_out, notes = left_out + 1, [f"{error}; LEFT OUT"]
        if notes:
            bar.write(f"{path.name}: {plain('; '.join(notes))}", file=sys.stderr)
    if not found:
        raise DataError(f"{folder}: none of {len(clips)} clips can be used; see above")
    typer.echo(f"{len(found)} of {len(clips)} clips used, {left_out} left out")
    written = convert_own(
        folder,
        _source(found, rows, model, aligned),
        name,
        out,
        label_map=(label_shift, label_scale),
        unlabelled=unlabelled,
        shares=shares,
        seed=seed,
        dtype=dtype,
        aligned=aligned,
        trim=False,
        says=says,
        inputs=[path for path in clips if path.stem in {clip.name for clip in found}],
        extracted={"aligned": aligned, **extractors()},
        language=_language(encoder, model) if model else {},
    )
    verify(str(written))


def _language(name: str, model: TextEncoder) -> dict[str, Any]:
    """What the words' features are, for the manifest; as `embed_text.py` has it."""
    made = {"model": name, "weights": model.fingerprint}
    return made | {"level": model.level, "layer": model.layer}


def _clips(folder: Path) -> list[Path]:
    """The clips of a folder. Raises DataError where there are none, or two of one name."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    clips = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    clips = [path for path in clips if not path.name.startswith(".")]
    if not clips:
        raise DataError(f"{folder}: no clip in it ({', '.join(SUFFIXES)})")
    names = [path.stem for path in clips]
    twice = [path.name for path in clips if names.count(path.stem) > 1]
    if twice:
        raise DataError(f"{folder}: {twice[0]} and {twice[1]} share one name; a clip is one file")
    return clips


def _rows(folder: Path, clips: list[Path]) -> dict[str, dict[str, str]]:
    """Clip -> its row in labels.csv; empty without that file."""
    if not (folder / "labels.csv").is_file():
        return {}
    rows = Folder(folder).table("labels.csv")
    if not rows or "id" not in rows[0]:
        raise DataError(f"{folder / 'labels.csv'}: needs a header with id")
    ids = [row["id"] for row in rows]
    if len(set(ids)) < len(ids):
        raise DataError(f"{folder / 'labels.csv'}: {len(ids) - len(set(ids))} ids occur twice")
    names = {path.stem for path in clips}
    if orphans := [i for i in ids if i not in names]:
        says = (
            f"{len(orphans)} rows without a clip, first {orphans[0]!r} (a file's name, no ending)"
        )
        raise DataError(f"{folder / 'labels.csv'}: {says}")
    if lacking := sorted(names - set(ids)):
        raise DataError(f"{folder / 'labels.csv'}: no row for {len(lacking)} clips: {lacking[0]}")
    return {row["id"]: row for row in rows}


def _source(found: list[Found], rows: dict, model: TextEncoder | None, aligned: bool) -> Source:
    """What the converter of own features reads."""
    steps = [by_word(clip) if aligned else dict(clip.steps) for clip in found]
    texts = [clip.said.text for clip in found]
    if model:
        states, cut = model(texts)
        if cut:
            typer.echo(f"{cut} transcripts longer than the encoder takes, cut", err=True)
        steps = [
            {"language": x.numpy()} | {m: v[: len(x)] if aligned else v for m, v in s.items()}
            for x, s in zip(states, steps, strict=True)
        ]
    ids = np.array([clip.name for clip in found])
    about = about_clips("labels.csv", [rows[i] for i in ids.tolist()]) if rows else {"ids": ids}
    about["texts"] = np.array(texts)
    read = {m: lambda i, m=m: steps[i][m] for m in steps[0]}
    return Source(about, read, {m: x.shape[1] for m, x in steps[0].items()}, {}, len(found))


if __name__ == "__main__":
    run_app(app)
