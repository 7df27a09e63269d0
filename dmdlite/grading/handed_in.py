"""Every file that was handed in: notebooks, also those in a zip, and a reason for the rest."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ..errors import DataError

LARGEST = 200 << 20  # bytes of a notebook in a zip
MOST = 20  # notebooks in a zip


@dataclass(frozen=True)
class Handed:
    """One file, by the name of its row: a notebook to mark, or why it is none."""

    name: str
    notebook: Path | None = None
    note: str = ""


def handed_in(folder: Path, unpacked: Path) -> list[Handed]:
    """Every file under `folder`, by name, but for hidden ones and the tests that were handed out.

    Links are not followed. Zips are opened, those inside them are not; their notebooks are put
    under `unpacked`. Raises DataError where there is nothing.
    """
    found = [h for path in _files(folder) for h in _looked_at(path, folder, unpacked)]
    if not found:
        raise DataError(f"{folder}: nothing was handed in here")
    together = Counter(PurePosixPath(h.name).parent for h in found if h.notebook)
    short = Counter(_short(h) for h in found)
    named = []
    for handed in found:
        parent = PurePosixPath(handed.name).parent
        if handed.notebook and parent.parts and together[parent] > 1:
            handed = replace(handed, note=f"one of {together[parent]} notebooks in {parent}")
        alone = short[_short(handed)] == 1  # also where case alone tells two apart
        named.append(replace(handed, name=_short(handed)) if alone else handed)
    return named


def _short(handed: Handed) -> str:
    """Its name, without .ipynb."""
    return handed.name.rpartition(".")[0] if handed.notebook else handed.name


def _files(folder: Path) -> Iterator[Path]:
    """Files, links and empty folders, sorted; nothing hidden."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not _hidden(f))
        shown = [f for f in files if not _hidden(f)]
        if Path(place).name == "tests" and any(
            _is_notebook(n) for n in os.listdir(Path(place).parent)
        ):
            shown = []  # they came with the notebook
        elif not folders and not shown and Path(place) != folder:
            yield Path(place)
        links = [f for f in folders if (Path(place) / f).is_symlink()]
        yield from (Path(place) / name for name in sorted([*shown, *links]))


def _hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _is_notebook(name: str) -> bool:
    return name.lower().endswith(".ipynb")


def _looked_at(path: Path, folder: Path, unpacked: Path) -> list[Handed]:
    name = path.relative_to(folder).as_posix()
    if path.is_symlink():
        return [Handed(name, note="a link, which is not followed")]
    if path.is_dir():
        return [Handed(name, note="an empty folder")]
    if not path.is_file():
        return [Handed(name, note="not a file")]
    if _is_notebook(name):
        return [Handed(name, path)]
    if path.suffix.lower() == ".zip":
        return _in_zip(path, name, unpacked)
    kind = f"a {path.suffix} file" if path.suffix else "a file without an ending"
    return [Handed(name, note=f"{kind}, not a notebook (.ipynb)")]


def _in_zip(path: Path, name: str, unpacked: Path) -> list[Handed]:
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [i for i in archive.infolist() if _wanted(i)][: MOST + 1]
            if not inside or len(inside) > MOST:
                many = f"more than {MOST} notebooks" if inside else "no notebook (.ipynb)"
                return [Handed(name, note=f"a zip with {many} in it")]
            return [_unpacked(archive, i, "/".join([name, *_words(i)]), unpacked) for i in inside]
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        return [Handed(name, note=f"a zip that cannot be opened: {error}")]


def _wanted(inside: zipfile.ZipInfo) -> bool:
    words = _words(inside)
    return not inside.is_dir() and _is_notebook(words[-1]) and not any(map(_hidden, words))


def _words(inside: zipfile.ZipInfo) -> list[str]:
    """The parts of its name, without those that lead out of the zip."""
    return [w for w in PurePosixPath(inside.filename).parts if w not in ("..", "/")] or [""]


def _unpacked(
    archive: zipfile.ZipFile, inside: zipfile.ZipInfo, name: str, unpacked: Path
) -> Handed:
    with archive.open(inside) as file:
        content = file.read(LARGEST + 1)  # it may say another size than it has
    if len(content) > LARGEST:
        return Handed(name, note=f"larger than {LARGEST >> 20} MB")
    target = unpacked / f"{len(list(unpacked.iterdir()))}.ipynb"
    target.write_bytes(content)
    return Handed(name, target)
