"""An assignment's own tests, shown and hidden, on answers to it."""

import inspect
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

SOURCES = Path(__file__).resolve().parent.parent / "book" / "assignments"


@cache
def its_tests(name: str) -> list[Callable]:
    """The tests in an assignment's source notebook."""
    found = []
    for cell in json.loads((SOURCES / f"{name}.ipynb").read_text())["cells"]:
        text = "".join(cell["source"])
        if "BEGIN TEST CONFIG" in text:
            exec(text, space := {})
            found += [f for key, f in space.items() if key.startswith("test_")]
    return found


def problems(name: str, answers: dict) -> list[str]:
    """What those tests say that ask for these answers alone."""
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DMDLITE_DEVICE", "cpu")  # as in the notebook
        for test in its_tests(name):
            wanted = inspect.signature(test).parameters
            if set(wanted) <= set(answers):
                torch.manual_seed(0)
                try:
                    test(*(answers[key] for key in wanted))
                except Exception as error:
                    said.append(f"{type(error).__name__}: {error}")
    return said


def refuses(name: str, cases: list[dict]) -> Callable[..., None]:
    """One test a wrong answer: some test of the assignment fails, and says more than a name."""

    @pytest.mark.parametrize("answers", cases)
    def test(answers: dict) -> None:
        said = problems(name, answers)
        assert said
        assert not [line for line in said if re.fullmatch(r"\w+: .{,10}", line, re.S)]

    return test


def accepts(name: str, cases: list[dict]) -> Callable[..., None]:
    """One test a right answer: every test that asks for it alone passes."""

    @pytest.mark.parametrize("answers", cases)
    def test(answers: dict) -> None:
        assert problems(name, answers) == []

    return test
