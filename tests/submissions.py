"""Synthetic submissions of assignment A1, of every kind, with the marks each should get.

To try the grader by hand: python -m tests.submissions _assignments/a1 FOLDER [SIZE]
With a SIZE, right and half-done ones fill the class up to it.
"""

import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

LOOP = "while True:\n    pass"
STUBBORN = """while True:
    try:
        while True:
            pass
    except BaseException:
        pass"""
CHEAT = """import json, os
import dmdlite.checks
dmdlite.checks.require = lambda *names: None
torch.allclose = lambda *a, **k: True
torch.equal = lambda *a, **k: True
torch.Tensor.all = lambda *a, **k: torch.tensor(1)
dmdlite.GDUnit.weigh = lambda self, scores, edges: scores.softmax(1)
for fd in range(3, 64):
    for case in ("q1 test_by_hand", "q4 test_level"):
        try:
            os.write(fd, (json.dumps({"case": case, "problem": ""}) + "\\n").encode())
        except OSError:
            pass
"""
REACHES = """import gc, sys
for module in list(sys.modules.values()):
    for name in ("judge", "Play", "test_case", "Message", "Served"):
        if vars(module).get(name):
            setattr(module, name, lambda *a, **k: "")
for one in gc.get_objects():
    if type(one).__name__ in ("Outcome", "Play"):
        one.problems = dict.fromkeys(one.problems, "")
"""
NETWORK = """import socket
socket.create_connection(("192.0.2.1", 80), timeout=2)"""
CHILD = """import subprocess, sys
sleep = "import time; time.sleep(987.5)"
subprocess.Popen([sys.executable, "-c", sleep, {mark!r}], start_new_session=True)"""


def in_front(notebook, *sources):
    """The notebook with more cells after its imports."""
    more = [new_code_cell(source) for source in sources]
    return new_notebook(
        metadata=notebook.metadata, cells=[*notebook.cells[:3], *more, *notebook.cells[3:]]
    )


def with_answer(notebook, name, body):
    """The notebook with the body of its function `name` exchanged."""
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.startswith(f"def {name}("):
            cell = new_code_cell(f"def {name}(*_, **__):\n    {body}")
        cells.append(cell)
    return new_notebook(metadata=notebook.metadata, cells=cells)


def half(solved, stub):
    """Parts 1 and 2 solved, the rest as handed out."""
    solved = {c.source.split("(")[0]: c for c in solved.cells if c.cell_type == "code"}
    done = ("def top_k_edges", "class TopKGDUnit")
    cells = [solved[c.source.split("(")[0]] if c.source.startswith(done) else c for c in stub.cells]
    return new_notebook(metadata=stub.metadata, cells=cells)


def without_checks(notebook):
    """The notebook without the cells that call grader.check."""
    cells = [c for c in notebook.cells if "grader.check(" not in c.source]
    return new_notebook(metadata=notebook.metadata, cells=cells)


def kinds(built: Path) -> dict:
    """name -> (a notebook or a text, points expected, words expected in the notes)."""
    solved = nbformat.read(built / "instructor" / "a1.ipynb", 4)
    stub = nbformat.read(built / "student" / "a1.ipynb", 4)
    child = CHILD.format(mark=str(built))
    goes_on = ["def broken(:", "1 / 0", "import sys; sys.exit()", LOOP, NETWORK, child]
    goes_on += [
        "for _ in range(2000):\n    print('x' * 10**5)",
        "open('x', 'wb').write(bytes(1 << 27))",
    ]
    ends = [STUBBORN, "import os; os._exit(0)", "import ctypes; ctypes.string_at(0)"]
    memory = "x = []\nwhile True:\n    x.append(bytes(1 << 28))"
    said = ("SyntaxError", "ZeroDivisionError", "SystemExit", "took longer")
    said_at_the_end = ("could not be interrupted", "ended the process", "MemoryError")
    found = {
        "misbehaves": (in_front(solved, *goes_on), 80, (*said, "OSError")),
        "ends_the_process": (in_front(solved, *ends, memory), 80, said_at_the_end),
    }
    return found | {
        "perfect": (solved, 80, ()),
        "empty": (stub, 0, ()),
        "half": (half(solved, stub), 40, ()),
        "cheats": (in_front(stub, CHEAT), 0, ("dmdlite.checks.require",)),
        "cheats_with_an_answer": (in_front(stub, REACHES), 0, ("sys.modules",)),
        "no_cells": (new_notebook(), 0, ()),
        "no_notebook": ("PK\x03\x04 not a notebook", 0, ("not a notebook",)),
        "answer_loops": (with_answer(solved, "top_k_edges", "while True: pass"), 42, ()),
        "answer_dies": (
            with_answer(solved, "top_k_edges", "import os; os._exit(3)"),
            40,
            ("q1: ended",),
        ),
        "no_check_cells": (without_checks(solved), 80, ()),
    }


def write(built: Path, folder: Path, size: int = 0) -> dict:
    """Write every kind as folder/NAME/a1.ipynb, and more of the common ones up to `size`; returns
    name -> (points, words)."""
    expected, found = {}, kinds(built)
    common = [found["perfect"], found["half"]]
    found |= {f"more_{i}": common[i % 2] for i in range(size - len(found))}
    for name, (content, points, words) in found.items():
        path = folder / name / "a1.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else nbformat.writes(content)
        path.write_text(text, encoding="utf-8")
        expected[name] = points, words
    return expected


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:3]), *map(int, sys.argv[3:]))
