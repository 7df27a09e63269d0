"""Fetch a data set of the MFN release and convert it to the on-disk format.

Usage: python data_scripts/fetch.py mosi, or mmmo --splits valid,test; --help says more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from dmdlite_data.conversion import data_home
from dmdlite_data.download import DownloadError, download
from dmdlite_data.options import Dtype, Out, Precision, new_app
from from_mfn import (
    ALL_SPLITS,
    COMMIT,
    RELEASES,
    AllowMissing,
    Release,
    Splits,
    convert_release,
    find_release,
    parse_splits,
    refuse_incomplete,
)

from dmdlite.cli import run_app

BASE_URL = f"https://raw.githubusercontent.com/pliang279/MFN/{COMMIT}"

app = new_app()


@app.command(epilog="Example: python data_scripts/fetch.py mosi && dmdlite train --data mosi ...")
def fetch(
    name: Annotated[str, typer.Argument(help=" or ".join(RELEASES))],
    splits: Splits = ALL_SPLITS,
    allow_missing: AllowMissing = False,
    out: Out = None,
    dtype: Dtype = Precision.float32,
    base_url: Annotated[
        str, typer.Option(envvar="DMDLITE_BASE_URL", help="Another copy of the release")
    ] = BASE_URL,
) -> None:
    """Download what is not there yet, verify every file, convert, and report what was repaired."""
    release, wanted = find_release(name), parse_splits(splits)
    cache = data_home() / "downloads" / name
    url = f"{base_url.rstrip('/')}/{release.folder}"
    failed = {split: _download_split(release, split, url, cache) for split in wanted}
    refuse_incomplete(release, failed, allow_missing)
    convert_release(name, cache, failed, out, dtype)


def _download_split(release: Release, split: str, url: str, cache: Path) -> dict[str, str]:
    """Fetch one split's files; returns those that cannot be had, each with the reason."""
    failed = {}
    for file in release.names(split):
        try:
            fresh = download(f"{url}/{file}.h5", cache / f"{file}.h5", release.sha1[file])
            typer.echo(f"{file}.h5: {'fetched' if fresh else 'already here'}, hash verified")
        except DownloadError as error:
            failed[file] = str(error)
            typer.echo(f"{file}.h5: cannot be had, {error}", err=True)
    return failed


if __name__ == "__main__":
    run_app(app)
