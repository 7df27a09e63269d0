"""A submission's units as tests see them: what they return, and how they learn."""

import pytest
import torch
from torch import nn

import dmdlite
from dmdlite.checks import GD_UNIT, testbed
from dmdlite.checks.report import run
from dmdlite.checks.values import own_work
from tests.zoo import RIGHT, WRONG


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
    names = {"scale", *(f"body.{a}.{b}" for a in ("first", "norm") for b in ("weight", "bias"))}
    assert {*dict(unit.named_parameters())} == names
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


def test_lazy_layers_learn_in_the_optimiser_that_was_made_before(theirs):
    unit = theirs("Lazy")()
    optimiser = torch.optim.SGD(unit.parameters(), 0.1)
    x = torch.randn(8, 5, generator=torch.manual_seed(0))
    before = unit(x)
    first = unit.body.first.weight.detach().clone()
    before.square().sum().backward()
    optimiser.step()
    assert unit.body.first.weight is dict(unit.named_parameters())["body.first.weight"]
    assert not torch.equal(unit.body.first.weight, first)
    loaded = theirs("Lazy")()
    loaded.load_state_dict(unit.state_dict())
    assert torch.equal(loaded(x), unit(x))


def test_a_parameter_behind_a_property_and_a_dataclass_as_output(theirs):
    unit, x = theirs("Indirect")(), torch.tensor(3.0)
    out = unit(x)
    assert (out.other, [*out][1], out[1]) == (3, 3, 3)
    (slope,) = torch.autograd.grad(out.value, unit.theta)
    assert slope == 3
    with torch.no_grad():
        unit.theta.fill_(2.0)
    assert unit(x).value == 6
    assert type(unit).__name__ == "Indirect"


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


def test_gradients_run_through_a_function(theirs):
    x = torch.ones(3, requires_grad=True)
    (theirs("same")(2 * x) * torch.arange(3)).sum().backward()
    assert x.grad.tolist() == [0, 2, 4]


def test_a_unit_that_is_handed_over_comes_back_changed(theirs):
    unit = theirs("Mine")(4)
    with torch.no_grad():
        unit.node.bias.fill_(2.0)
    theirs("train")(unit)
    assert unit.logit.bias.item() == 5
    assert (unit.node.bias == 2).all()
