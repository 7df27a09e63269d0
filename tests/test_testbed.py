"""The testbed of GD-Units: it learns, repeats itself, and compares units seed by seed."""

import pytest
import torch

import dmdlite
from dmdlite.checks import testbed


@pytest.fixture(scope="module")
def splits():
    return dmdlite.load_dataset("toy")


class WithMoreLayers(dmdlite.GDUnit):
    """The plain unit, after it drew other random numbers."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        torch.randn(100)


def test_a_unit_learns_far_below_the_floor(splits):
    trial = testbed.try_unit(dmdlite.GDUnit, splits)
    assert trial.mae < 0.6 * trial.floor
    assert trial.unimodal.argmin() == 0  # language, made the clearest
    assert (trial.unimodal < trial.floor).all()
    complete = int(splits["test"].present.all(1).sum())
    assert trial.weights.shape == (complete, 3, 3)
    torch.testing.assert_close(trial.weights.sum((1, 2)), torch.ones(complete))


def test_a_seed_repeats_and_two_seeds_differ(splits):
    first, again, other = (
        testbed.try_unit(dmdlite.GDUnit, splits, seed, epochs=2) for seed in (0, 0, 1)
    )
    assert first.mae == again.mae != other.mae
    assert torch.equal(first.weights, again.weights)


def test_what_a_unit_draws_changes_nothing_else(splits):
    trials = [testbed.try_unit(unit, splits, epochs=2) for unit in (dmdlite.GDUnit, WithMoreLayers)]
    assert trials[0].mae == trials[1].mae


def test_distil_weighs_the_unit_s_loss(splits):
    alike = [
        testbed.try_unit(dmdlite.GDUnit, splits, distil=d).weights.amax((1, 2)).mean()
        for d in (0.0, 1.0)
    ]
    assert alike[1] > alike[0] + 0.1  # without it nothing trains the graph


def test_any_number_of_modalities(splits):
    two = {name: d.select("audio", "language") for name, d in splits.items()}
    trial = testbed.try_unit(dmdlite.GDUnit, two, epochs=1)
    assert trial.weights.shape[1:] == (2, 2)
    assert trial.unimodal.shape == (2,)


def test_cost_by_hand():
    """Two operations a multiply-add: logit B M F, node B M (1 + F) H, edge B M M 2H."""
    parameters, operations = testbed.cost(dmdlite.GDUnit, modalities=4)
    assert parameters == (16 + 1) + (17 * 32 + 32) + (64 + 1)
    assert operations == 2 * 100 * (4 * 16 + 4 * 17 * 32 + 16 * 64)
