"""What a chapter defines, without running it: definitions of its cells and of its solutions."""

import ast
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import dmdlite
from dmdlite.baselines.simple import ridge
from dmdlite.data.scaling import standardize
from dmdlite.encoders import TemporalConv

BOOK = Path(__file__).resolve().parent.parent / "book"
KEPT = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


def is_constant(node: ast.stmt) -> bool:
    """An assignment of numbers, strings, or containers of them: L, V, A = 0, 1, 2."""
    if not isinstance(node, ast.Assign) or isinstance(node.targets[0], ast.Subscript):
        return False
    try:
        return ast.literal_eval(node.value) is not None
    except ValueError:
        return False


def definitions(source: str) -> str:
    """The functions, classes, imports and constants of a piece of code."""
    nodes = ast.parse(source).body
    return "\n".join(ast.unparse(n) for n in nodes if isinstance(n, KEPT) or is_constant(n))


def scored_clips() -> dict:
    """What the scores chapter has at hand when its exercises come."""
    splits = dmdlite.load_dataset("toy")
    train, test = standardize(splits["train"], splits["test"])
    return {
        "y": np.array([-3.0, -1.6, -1.0, -0.4, 0.0, 0.0, 0.6, 1.2, 2.0, 2.8]),
        "p": np.array([-1.9, -2.2, -0.6, 0.3, -0.1, -0.2, 0.5, 0.2, 1.6, 3.4]),
        "test": test,
        "target": test.labels.numpy(),
        "everything": ridge(train, test),
        "words": ridge(train.select("language"), test.select("language")),
    }


def standardized_toy() -> dict:
    """The toy as it is, and standardised."""
    splits = dmdlite.load_dataset("toy")
    train, test = standardize(splits["train"], splits["test"])
    return {"splits": splits, "train": train, "test": test}


def convolved_toy() -> dict:
    """The standardised toy and the untrained convolutions of the decoupling chapter."""
    data = standardized_toy()
    torch.manual_seed(0)
    pairs = zip(dmdlite.MODALITIES, data["train"].widths, strict=True)
    convs = nn.ModuleDict({m: TemporalConv(width, 16, 5) for m, width in pairs})
    return data | {"convs": convs.requires_grad_(False)}


def complete_clips() -> dict:
    """The standardised toy's clips with every modality, as two batches."""
    data = standardized_toy()
    parts = {"seen": data["train"], "unseen": data["test"]}
    return data | {name: d.batch(d.present.all(1)) for name, d in parts.items()}


def one_batch() -> dict:
    """An untrained default model and a batch of 16."""
    train = dmdlite.load_dataset("toy")["train"]
    dmdlite.seed_everything(0)
    model = dmdlite.DMD(dmdlite.DMDConfig.for_dataset(train)).eval()
    return {"train": train, "model": model, "batch": train.batch(range(16))}


def plain_toy() -> dict:
    """The toy's splits by name."""
    splits = dmdlite.load_dataset("toy")
    return {"splits": splits, **splits}


def complete_test() -> dict:
    """The training clips, and the test clips with every modality."""
    data = plain_toy()
    return data | {"test": data["test"].subset(data["test"].present.all(1))}


# What a chapter's checks use beside its definitions.
DATA: dict[str, Callable[[], dict]] = {
    "01_three_voices": lambda: {"splits": dmdlite.load_dataset("toy")},
    "02_keeping_score": scored_clips,
    "03_temporal_convolutions": standardized_toy,
    "04_decoupling": convolved_toy,
    "05_margin_and_orthogonality": standardized_toy,
    "07_cross_modal_attention": complete_clips,
    "08_whole_objective": one_batch,
    "09_training_for_real": plain_toy,
    "10_reading_the_model": complete_test,
    "12_paper_against_code": plain_toy,
    "13_the_field": plain_toy,
}


def chapter(name: str) -> dict:
    """The namespace of a chapter's own definitions, and the data its checks use."""
    cells = json.loads((BOOK / f"{name}.ipynb").read_text())["cells"]
    code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    namespace = DATA.get(name, dict)()  # first: default values may refer to it
    exec("import dmdlite", namespace)
    for source in code[1:]:  # the first one installs
        exec(definitions(source), namespace)
    return namespace


def solved(name: str, namespace: dict) -> dict:
    """A copy of a chapter's namespace in which the solutions stand in for the stubs."""
    namespace = dict(namespace)
    for code in solutions(name):
        exec(code, namespace)
    return namespace


def solutions(name: str) -> list[str]:
    """The code of every solution in a dropdown, in order."""
    cells = json.loads((BOOK / f"{name}.ipynb").read_text())["cells"]
    text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    boxes = re.findall(r":::\{admonition\} Solution\n(.*?)\n:::", text, re.S)
    return [code for box in boxes for code in re.findall(r"```python\n(.*?)```", box, re.S)]


def refused(namespace: dict, **wrong: tuple) -> Callable[..., None]:
    """One test a wrong answer: refused(NS, check_gates=(one, another)), refused by that check."""
    cases = [(check, answer) for check, answers in wrong.items() for answer in answers]

    @pytest.mark.parametrize(("check", "answer"), cases)
    def test(capsys: pytest.CaptureFixture, check: str, answer: Callable) -> None:
        namespace["attempt"](namespace[check], answer)
        assert capsys.readouterr().out.startswith("not yet: ")

    return test


@cache
def space(number: str) -> dict:
    """The namespace of the chapter whose file begins with this number."""
    (path,) = BOOK.glob(f"{number}_*.ipynb")
    return chapter(path.stem)


def book(number: str, name: str) -> Any:
    """A chapter's own solution of this name."""
    (path,) = BOOK.glob(f"{number}_*.ipynb")
    return solved(path.stem, space(number))[name]


def told(cases: list[tuple[str, str, Callable, str]]) -> Callable[..., None]:
    """One test a case: chapter, check, answer, and words that the check then says of it."""

    @pytest.mark.parametrize(("number", "check", "answer", "said"), cases)
    def test(
        capsys: pytest.CaptureFixture, number: str, check: str, answer: Callable, said: str
    ) -> None:
        torch.manual_seed(0)
        space(number)["attempt"](space(number)[check], answer)
        out = capsys.readouterr().out
        assert said in out
        assert out.startswith("correct" if said == "correct" else "not yet: ")

    return test
