"""An exercise's answer is watched: its arguments stay, and what it returned is named."""

import copy
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from dmdlite.checks import attempt


@dataclass
class Held:
    x: torch.Tensor = field(default_factory=lambda: torch.zeros(2))


GIVEN = {
    "tensor": torch.tensor([1.0, torch.nan]),
    "flags": torch.tensor([True, False]),
    "array": np.array([1.0, np.nan]),
    "words": np.array(["a", "b"]),
    "table": pd.DataFrame({"x": [1.0, np.nan]}),
    "column": pd.Series([1.0, np.nan]),
    "list": [1, [torch.ones(2)]],
    "dict": {"a": torch.ones(2)},
    "dataclass": Held(),
    "model": nn.Linear(2, 1),
    "number": 3,
    "nothing": None,
}
CHANGES = {
    "tensor": lambda x: x.nan_to_num_(),
    "flags": lambda x: x.fill_(True),
    "array": lambda x: np.nan_to_num(x, copy=False),
    "words": lambda x: x.sort() or x.fill("c"),
    "table": lambda x: x.insert(0, "y", 1),
    "column": lambda x: x.update(pd.Series([2.0])),
    "list": lambda x: x[1][0].zero_(),
    "dict": lambda x: x.popitem(),
    "dataclass": lambda x: x.x.add_(1),
    "model": lambda x: nn.init.zeros_(x.weight),
}


def asked(capsys, answer, given):
    """What `attempt` says of an answer that gets copies of these arguments."""

    def check(answer):
        answer(**copy.deepcopy(given))

    attempt(check, answer)
    return capsys.readouterr().out


def test_who_only_reads_is_right(capsys):
    def answer(**given):
        return [len(str(value)) for value in given.values()]

    assert asked(capsys, answer, GIVEN) == "correct\n"


@pytest.mark.parametrize("kind", CHANGES)
def test_who_changes_an_argument_is_told_which(capsys, kind):
    def answer(mine, other):
        CHANGES[kind](mine)

    said = asked(capsys, answer, {"mine": GIVEN[kind], "other": torch.ones(1)})
    assert said == "not yet: it changes `mine`, which it was given: work on a copy\n"


def test_gradients_of_a_model_may_change(capsys):
    def answer(model):
        model(torch.ones(1, 2)).sum().backward()

    assert asked(capsys, answer, {"model": GIVEN["model"]}) == "correct\n"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "it returned None (is a `return` missing?), and the check stops with TypeError"),
        ("words", "it returned a str, and the check stops with TypeError"),
        (torch.ones(2, 3), "it returned a Tensor of shape [2, 3], and the check stops with"),
    ],
)
def test_what_a_check_cannot_use_is_named(capsys, found, said):
    def check(answer):
        assert abs(float(answer() + 1)) > 0

    attempt(check, lambda: found)
    assert capsys.readouterr().out.startswith(f"not yet: {said}")


def test_an_error_of_the_answer_s_own_is_not_blamed_on_what_it_returned_before(capsys):
    def answer(fails):
        return 1 / 0 if fails else 1

    def check(answer):
        answer(False)
        answer(True)

    attempt(check, answer)
    said = capsys.readouterr().out
    assert said.startswith("not yet: it stops with ZeroDivisionError")
    assert "return 1 / 0" in said


def asked_with(capsys, answer):
    def check(answer):
        answer(torch.ones(2))

    attempt(check, answer)
    return capsys.readouterr().out


def test_too_many_arguments_are_told_as_python_tells_them(capsys):
    assert "takes 0 positional arguments" in asked_with(capsys, lambda: 1)


def test_a_class_is_handed_on(capsys):
    def check(kind):
        assert kind is nn.Linear

    attempt(check, nn.Linear)
    assert capsys.readouterr().out == "correct\n"
