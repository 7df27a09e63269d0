"""Fetch a data set of the MFN release and convert it to the on-disk format.

Usage: python data_scripts/fetch.py mosi, or mmmo --splits valid,test; --help says more.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from download import DownloadError, download
from from_mfn import COMMIT, RELEASES, Release, read_split

from dmdlite import DataError, save_dataset
from dmdlite.cli import run_app
from dmdlite.storage import DATA_HOME, SPLITS

BASE_URL = f"https://raw.githubusercontent.com/pliang279/MFN/{COMMIT}"

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(epilog="Example: python data_scripts/fetch.py mosi && dmdlite train --data mosi ...")
def fetch(
    name: Annotated[str, typer.Argument(help=" or ".join(RELEASES))],
    splits: Annotated[str, typer.Option(help="Which ones, with commas")] = ",".join(SPLITS),
    allow_missing: Annotated[
        bool,
        typer.Option(
            "--allow-missing", help="Make do without a feature file: its modality is missing"
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help=f"Folder to write; by default NAME in ${DATA_HOME} or data")
    ] = None,
    base_url: Annotated[
        str, typer.Option(envvar="DMDLITE_BASE_URL", help="Another copy of the release")
    ] = BASE_URL,
) -> None:
    """Download what is not there yet, verify every file, convert, and report what was repaired."""
    if name not in RELEASES:
        raise DataError(f"{name}: unknown data set, one of {', '.join(RELEASES)}")
    wanted = splits.split(",")
    if unknown := sorted(set(wanted) - set(SPLITS)):
        names = ", ".join(map(repr, unknown))
        raise DataError(f"--splits: unknown {names}; choose from {','.join(SPLITS)}")
    release, home = RELEASES[name], Path(os.environ.get(DATA_HOME, "data"))
    out = out or home / name
    cache = home / "downloads" / name
    url = f"{base_url.rstrip('/')}/{release.folder}"
    failed = {split: _download_split(release, split, url, cache) for split in wanted}
    _refuse_incomplete(release, failed, allow_missing)
    parts, repaired = {}, {}
    for split in (s for s in SPLITS if s in wanted):
        absent = tuple(failed[split])
        parts[split], repaired[split] = read_split(release, name, split, cache, absent)
    save_dataset(
        out,
        parts,
        source=f"{release.title} as released with MFN (MIT), commit {COMMIT}",
        files={f"{release.folder}/{file}.h5": sha1 for file, sha1 in release.sha1.items()},
        not_available=sorted(file for files in failed.values() for file in files),
        repaired=repaired,
        label_map=f"(label - {release.label_shift:g}) * {release.label_scale:g}",
    )
    _report(out, parts, repaired)


def _download_split(release: Release, split: str, url: str, cache: Path) -> dict[str, str]:
    """Fetch one split's files; returns those that cannot be had, each with the reason."""
    failed = {}
    for file in [*release.files(split), release.labels.format(split=split)]:
        try:
            fresh = download(f"{url}/{file}.h5", cache / f"{file}.h5", release.sha1[file])
            typer.echo(f"{file}.h5: {'fetched' if fresh else 'already here'}, hash verified")
        except DownloadError as error:
            failed[file] = str(error)
            typer.echo(f"{file}.h5: cannot be had, {error}", err=True)
    return failed


def _refuse_incomplete(release: Release, failed: dict[str, dict[str, str]], allow: bool) -> None:
    """Raise DataError that names the splits that cannot be made, and what can be done."""
    unusable = {s: f for s, f in failed.items() if release.labels.format(split=s) in f}
    unusable |= {s: f for s, f in failed.items() if len(f) >= len(release.parts)}
    if not allow:
        unusable |= {s: f for s, f in failed.items() if f}
    if not unusable:
        return
    lacking = "; ".join(f"{s} lacks {', '.join(files)}" for s, files in unusable.items())
    usable = ",".join(s for s in failed if s not in unusable)
    remedy = f". The rest is usable: --splits {usable}" if usable else ""
    if not any(release.labels.format(split=s) in failed[s] for s in unusable) and not allow:
        remedy += "; or --allow-missing keeps such samples without that modality"
    raise DataError(f"{lacking}{remedy}")


def _report(out: Path, parts: dict, repaired: dict[str, dict[str, int]]) -> None:
    for split, dataset in parts.items():
        typer.echo(f"{split}: {len(dataset)} samples")
        for m in dataset.modalities:
            missing = int((dataset.lengths(m) == 0).sum())
            fixed = repaired[split][m]
            typer.echo(f"  {m:10} NaN or inf set to 0: {fixed:6}   missing in {missing:4} samples")
        typer.echo(f"  {'labels':10} outside [-3, 3], cut: {repaired[split]['labels']}")
    typer.echo(f"written to {out}; look at it with: dmdlite data info {out}")


if __name__ == "__main__":
    run_app(app)
