"""What was handed in: the cells of a notebook, and what to look at in them."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

IGNORED = "otter_ignore"  # the tag of cells that need not run for the tests
LARGEST = 200 << 20  # bytes of a file
PRINTED = 4000  # characters of a cell's outputs that are kept
SOURCE_BYTES = 2 << 20  # of all its cells
REACHING = {"gc", "ctypes", "otter.test_files", "dmdlite.grading", "sys.modules", "sys._getframe"}
REACHING |= {"inspect.currentframe", "inspect.stack", "builtins"}


@dataclass(frozen=True)
class Cell:
    """One cell of a notebook."""

    code: bool
    source: str
    tags: tuple[str, ...] = ()
    output: str = ""  # what it printed when it was handed in, for people to read


@dataclass
class Submission:
    """A notebook's code cells but for those tagged as not needed; what a person should know."""

    cells: list[tuple[int, str]] = field(default_factory=list)  # (number, source)
    notes: list[str] = field(default_factory=list)


def read_submission(path: Path) -> Submission:
    """Raises ValueError when the file is not a notebook."""
    found = Submission()
    for number, cell in enumerate(cells_of(path), start=1):
        if cell.code and IGNORED not in cell.tags:
            found.cells.append((number, cell.source))
    whole = "\n".join(source for _, source in found.cells)
    if len(whole) > SOURCE_BYTES:
        raise ValueError(f"more than {SOURCE_BYTES >> 20} MB of code")
    for number, source in found.cells:
        if names := reaching(source, whole):
            found.notes.append(f"cell {number} reaches into others' code: {', '.join(names)}")
    return found


def cells_of(path: Path) -> list[Cell]:
    """All cells of a notebook, with the beginning of what they printed, however large.

    Raises ValueError when the file is not a notebook.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"larger than {LARGEST >> 20} MB")
        content = json.loads(_text(path.read_bytes()))
        if content["nbformat"] < 4:
            content = nbformat.convert(nbformat.from_dict(content), 4)
        return [_cell(cell) for cell in content["cells"]]
    except Exception as error:  # the parsers raise many kinds
        text = "no cells in it" if isinstance(error, KeyError | TypeError) else str(error)
        raise ValueError(" ".join(text.split())[:200] or type(error).__name__) from None


def _text(raw: bytes) -> str:
    """UTF-8 as Jupyter writes it, or what an editor has made of it."""
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    return raw.decode("utf-16" if wide else "utf-8-sig")


def _cell(cell: dict[str, Any]) -> Cell:
    """Files are read that lack parts or hold them in another form than Jupyter's."""
    source = cell.get("source") or ""
    source = source if isinstance(source, str) else "".join(source)
    tags = (cell.get("metadata") or {}).get("tags") or ()
    return Cell(cell.get("cell_type") == "code", source, tuple(tags), _printed(cell))


def _printed(cell: dict[str, Any]) -> str:
    """The beginning of the text of a cell's outputs."""
    found = ""
    for output in cell.get("outputs") or []:
        text = output.get("text") or (output.get("data") or {}).get("text/plain") or ""
        found += "".join(text)[:PRINTED]
    return found[:PRINTED]


def reaching(source: str, whole: str) -> list[str]:
    """What of other people's code a cell sets or gets hold of, by name: for a person to look at.

    `whole` is the code of all cells, whose imports tell which names are modules.
    """
    modules, found = _imported(whole), []
    for node in ast.walk(_parsed(source)):
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        names = [_dotted(t, modules) for t in targets if isinstance(t, ast.Attribute)]
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("setattr", "delattr"):
            names += [_dotted(node.args[0], modules)] if node.args else []
        if isinstance(node, ast.Attribute | ast.Name):
            names += [n for n in [_dotted(node, modules)] if n and _is_reaching(n)]
        if isinstance(node, ast.Import):
            names += [a.name for a in node.names if _is_reaching(a.name)]
        if isinstance(node, ast.ImportFrom) and _is_reaching(node.module or ""):
            names.append(node.module or "")
        if isinstance(node, ast.Attribute) and node.attr in ("__code__", "__globals__"):
            names.append(node.attr)
        found += [name for name in names if name]
    return sorted(set(found))[:10]


def _is_reaching(name: str) -> bool:
    return any(name == r or name.startswith(r + ".") for r in REACHING)


def _parsed(source: str) -> ast.AST:
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def _imported(whole: str) -> dict[str, str]:
    """Name -> the module, or the member of one, that an import gave it."""
    found = {}
    for line in re.findall(r"^\s*(?:from\s+\S+\s+)?import\s[^\n]*", whole, re.M):
        for node in ast.walk(_parsed(line.strip())):
            if isinstance(node, ast.Import):
                found |= {a.asname or a.name.split(".")[0]: a.asname and a.name for a in node.names}
            if isinstance(node, ast.ImportFrom):
                found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return {name: full or name for name, full in found.items()}


def _dotted(node: ast.AST, modules: dict[str, str]) -> str:
    """`torch.nn.Linear` of an expression that starts at an imported name; "" of any other."""
    words: list[str] = []
    while isinstance(node, ast.Attribute):
        words.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in modules:
        return ""
    return ".".join([modules[node.id], *reversed(words)])
