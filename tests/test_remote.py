"""A submission's objects as tests see them: what they return, raise, change, and learn."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import dmdlite
from dmdlite.checks import GD_UNIT, testbed
from dmdlite.checks.report import run
from dmdlite.checks.values import own_work
from dmdlite.grading.exchange import Broken, Message
from dmdlite.grading.process import SubmissionProcess
from dmdlite.grading.sandbox import Limits
from tests.answers_there import ANSWERS
from tests.zoo import RIGHT, WRONG


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """theirs(name) -> what a test sees of the submission ANSWERS; .process is its process."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parent.parent))
    with SubmissionProcess(tmp_path_factory.mktemp("theirs"), Limits()) as process:
        assert process.run(ANSWERS, 60) == ""

        def look(name):
            (found,) = process.ask("look", name=name)
            return found

        look.process = process
        yield look
    monkeypatch.undo()


def pair(theirs, **options):
    """A unit of theirs and one of ours with the same parameters."""
    torch.manual_seed(0)
    mine, ours = theirs("Mine")(4, **options), dmdlite.GDUnit(4, **options)
    ours.load_state_dict(mine.state_dict())
    return mine, ours


@pytest.mark.parametrize("options", [{}, {"num_modalities": 4}, {"normalize": "target"}])
def test_a_unit_returns_and_learns_as_ours(theirs, options):
    mine, ours = pair(theirs, **options)
    m = options.get("num_modalities", 3)
    x = torch.randn(5, m, 4)
    present = torch.rand(5, m) > 0.3
    leaves = []
    for unit in (mine, ours):
        leaf = x.clone().requires_grad_()
        out = unit(leaf, present)
        (out.loss * 3 + out.logits.sum() + out.weights.square().sum()).backward()
        leaves.append((out, leaf))
    for a, b in zip(*(out for out, _ in leaves), strict=True):
        assert torch.equal(a, b)
        assert a.requires_grad == b.requires_grad
    assert torch.equal(leaves[0][1].grad, leaves[1][1].grad)
    theirs_by_name, ours_by_name = (dict(u.named_parameters()) for u in (mine, ours))
    assert theirs_by_name.keys() == ours_by_name.keys()
    for name, p in ours_by_name.items():
        assert torch.equal(theirs_by_name[name].grad, p.grad), name


def test_a_step_of_ours_is_seen_there_and_two_graphs_live_side_by_side(theirs):
    mine, ours = pair(theirs)
    x = torch.randn(5, 3, 4)
    for unit in (mine, ours):
        optimiser = torch.optim.Adam(unit.parameters(), 0.1)
        for _ in range(3):
            optimiser.zero_grad()
            (unit(x).loss + unit(2 * x).loss).backward()
            optimiser.step()
    assert torch.equal(mine(x).weights, ours(x).weights)
    assert mine(x).loss.requires_grad
    with torch.no_grad():
        assert not mine(x).loss.requires_grad


@pytest.mark.parametrize("group", ["RIGHT", "WRONG"])
def test_the_zoo_is_judged_as_at_home(theirs, group):
    """Right units are accepted and wrong ones refused for the same reason, though they live there;
    of the wrong ones every ninth, since tests/test_gd_unit_checks.py tries all of them here."""
    units = RIGHT if group == "RIGHT" else [unit for unit, _ in WRONG]
    names = [None] * len(RIGHT) if group == "RIGHT" else [name for _, name in WRONG]
    for index in range(0, len(units), 1 if group == "RIGHT" else 9):
        assert theirs.process.run(f"unit = {group}_UNITS[{index}]", 60) == ""
        failed = run(GD_UNIT, theirs("unit")).failed
        assert (failed or [None])[0] == names[index], units[index]


def test_own_work_is_asked_for_there(theirs):
    with pytest.raises(AssertionError, match="inherits"):
        own_work(theirs("Mine"))
    with pytest.raises(AssertionError, match="uses dmdlite's own"):
        own_work(theirs("Borrows"))


def test_operations_are_counted_there(theirs):
    assert testbed.cost(theirs("Mine")) == testbed.cost(dmdlite.GDUnit)


def test_a_trial_goes_as_at_home(theirs):
    splits = {k: d.subset(range(100)) for k, d in dmdlite.load_dataset("toy").items()}
    here, there = (
        testbed.try_unit(u, splits, 1, epochs=2) for u in (dmdlite.GDUnit, theirs("Mine"))
    )
    assert there.mae == here.mae  # the same first weights, too
    assert torch.equal(there.weights, here.weights)


def test_layers_get_their_width_and_statistics_their_values(theirs):
    torch.manual_seed(0)
    x, unit = torch.randn(8, 5), theirs("Lazy")()
    assert [*dict(unit.named_parameters())] == ["scale", "body.norm.weight", "body.norm.bias"]
    y = unit(x)
    assert unit.body.first.weight.shape == (3, 5)
    assert isinstance(unit.body.first, nn.Linear)
    assert not unit.scale.requires_grad
    assert torch.allclose(y.mean(0), torch.zeros(3), atol=1e-6)
    assert unit.body.norm.running_mean.abs().sum() > 0
    again = unit.eval()(x)
    assert not torch.equal(again, y)
    unit.scale.data.fill_(2.0)
    assert torch.equal(unit(x), 2 * again)


def test_attributes_methods_and_settings(theirs):
    unit = theirs("Mine")(4, price=0.25)
    assert unit.price == 0.25
    unit.price = 3
    assert unit.price == 3
    scores, edges = torch.zeros(1, 3, 3), ~torch.eye(3, dtype=torch.bool)[None]
    assert torch.allclose(unit.weigh(scores, edges).sum(), torch.tensor(1.0))
    assert unit.seen == (1, 3, 3)
    assert not hasattr(unit, "nowhere")
    assert theirs("Keeps")().kept == 3


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


def test_gradients_run_through_a_function(theirs):
    x = torch.ones(3, requires_grad=True)
    (theirs("same")(2 * x) * torch.arange(3)).sum().backward()
    assert x.grad.tolist() == [0, 2, 4]


def test_what_a_call_does_to_its_arguments_is_seen(theirs):
    x, y, words, data = torch.zeros(2), np.zeros(2), ["a"], {"old": 1}
    theirs("spoil")(x, y, words, data)
    assert x.tolist() == [1, 1]
    assert y.tolist() == [7, 0]
    assert words == ["a", "more"]
    assert data["old"] == 1
    assert data["new"].tolist() == [1, 1]


def test_a_unit_that_is_handed_over_comes_back_changed(theirs):
    unit = theirs("Mine")(4)
    with torch.no_grad():
        unit.node.bias.fill_(2.0)
    theirs("train")(unit)
    assert unit.logit.bias.item() == 5
    assert (unit.node.bias == 2).all()


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
