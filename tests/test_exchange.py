"""What a submission's answers are made of when they arrive: data, errors, and nothing else."""

import time

import numpy as np
import pytest
import torch

import dmdlite
from dmdlite.grading.exchange import Broken, Message


def test_arrays_however_they_lie_in_memory(theirs):
    order, turned = theirs("backwards")(np.array([3.0, 1.0, 2.0]))
    assert order.tolist() == [0, 2, 1]
    assert turned.tolist() == [2, 1, 3]


def test_data_of_every_kind_go_there_and_back(theirs):
    x = torch.tensor([1.0, torch.nan], dtype=torch.float64)
    found = theirs("things")(x)
    assert found["pair"].second == [2.5, None]
    assert found["pair"] == (1, [2.5, None])
    assert found[3][1] == {True}
    assert torch.equal(found[3][0], x) or found[3][0].isnan().tolist() == [False, True]
    assert (found["text"], found["array"].tolist()) == ("\ud800", [0, 1, 2])
    for value in (None, True, -(10**30), float("inf"), "é", (), [[]], np.float32(0.5), torch.bool):
        if value is torch.bool:
            with pytest.raises(TypeError, match="cannot hand over"):
                theirs("same")(value)
        else:
            assert theirs("same")(value) == value


def test_what_a_call_does_to_its_arguments_is_seen(theirs):
    x, y, words, data = torch.zeros(2), np.zeros(2), ["a"], {"old": 1}
    theirs("spoil")(x, y, words, data)
    assert x.tolist() == [1, 1]
    assert y.tolist() == [7, 0]
    assert words == ["a", "more"]
    assert data["old"] == 1
    assert data["new"].tolist() == [1, 1]


def test_data_sets_and_models(theirs, toy, monkeypatch):
    before = {*toy["test"].values}
    small = theirs("half")(toy["test"])
    assert small.modalities[-1] == "extra"
    assert torch.equal(small.values["audio"], toy["test"].subset(range(2)).values["audio"])
    assert {*toy["test"].values} == before | {"extra"}  # what it did to the argument is seen
    for part in (toy["test"].values, toy["test"].offsets, toy["test"].steps):
        part.pop("extra", None)
    model = theirs("fitted")(toy["train"])
    assert isinstance(model, dmdlite.DMD)
    batch = toy["test"].batch(range(3))
    assert model(batch).prediction.shape == (3,)


@pytest.mark.parametrize(
    ("kind", "error"), [("value", ValueError), ("own", KeyError), ("exit", RuntimeError)]
)
def test_errors_are_raised_here_as_what_they_are(theirs, kind, error):
    with pytest.raises(error, match="so"):
        theirs("fails")(kind)


def test_what_cannot_be_handed_over_is_an_error_of_theirs(theirs):
    with pytest.raises(TypeError, match="cannot be handed over"):
        theirs("sparse")()


def test_calls_draw_the_numbers_that_the_test_s_seed_gives(theirs):
    torch.manual_seed(0)
    first, second = theirs("noise")(), theirs("noise")()
    torch.manual_seed(0)
    assert theirs("noise")() == first != second
    torch.manual_seed(0)
    assert torch.rand(1).item() == first[0]


def test_an_answer_that_never_comes_is_a_timeout(theirs):
    theirs.process.until = time.monotonic() + 2
    try:
        with pytest.raises(TimeoutError):
            theirs("loop")()
        with pytest.raises(TimeoutError):
            theirs("loop")()
    finally:
        theirs.process.until = float("inf")


@pytest.mark.parametrize("raw", [b"", b"\0" * 8, b"x" * 50, (3).to_bytes(8, "little") + b"[1]"])
def test_what_is_no_message_is_refused(raw):
    with pytest.raises(Broken):
        Message.from_bytes(raw)
