"""The search before Tables 1 and 2: the same points for all, the lowest validation error wins."""

from dataclasses import replace
from itertools import combinations
from math import inf

import pandas as pd
import pytest

from dmdlite import ConfigError
from dmdlite.experiments import sweep
from dmdlite.experiments.runs import Run
from dmdlite.experiments.search import (
    BUDGET,
    RATES,
    found_so_far,
    points,
    search_rows,
    to_run,
    to_try,
    trials,
    was_searched,
)
from dmdlite.experiments.study import Study
from dmdlite.experiments.systems import EXPERIMENTS, SYSTEMS, TABLE_1
from dmdlite.registry import MODELS
from tests.conftest import SMALL

TUNED = {system.name: system for system in EXPERIMENTS["table1"].systems}
TFN, DMD = TUNED["TFN"], TUNED["DMD"]


def settled(systems, study, runs, budget):
    """The systems as a search leaves them."""
    sweep.sweep(to_try(systems, study, budget, None), runs, 1, progress=False)
    return found_so_far(systems, study, runs, budget)


@pytest.fixture
def study(toy_folder):
    training = (("epochs", 1), ("batch_size", 16))
    return Study(str(toy_folder), model=tuple(SMALL.items()), training=training, device="cpu")


def test_the_first_half_of_the_grid_is_balanced():
    grid = pd.DataFrame(points((16, 32)))
    assert len(grid.drop_duplicates()) == 8
    half = grid[:BUDGET]
    for column in half:
        assert half[column].value_counts().tolist() == [2, 2]
    for pair in combinations(half.columns, 2):
        assert len(half[list(pair)].drop_duplicates()) == 4


def test_every_system_of_the_paper_is_searched_alike(study):
    searched = [name for name, system in TUNED.items() if system.searched]
    assert searched == ["linear", *MODELS, "MISA, absolute error"]
    assert set(TABLE_1) - set(searched) == {"ridge", "ridge, absolute error"}
    tried = set()
    for name in searched[1:]:
        group = trials(TUNED[name], study, BUDGET)
        lines = []
        for trial in group:
            model, training = Run(study, trial, 0).configs
            dropout = getattr(model, "dropout", None)
            if dropout is None:
                dropout = model.output_dropout
            lines.append((model.dim, training.learning_rate, dropout))
        tried.add(tuple(lines))
        assert [trial.trial for trial in group] == list(range(1, BUDGET + 1))
    assert len(tried) == 1
    assert {rate for line in tried.pop() for rate in line[1:2]} == set(RATES)


def test_widths_fit_the_heads_of_real_data():
    real = Study("mosi")
    assert {t.settings["dim"] for t in trials(DMD, real, 8)} == {30, 50}  # ten heads


def test_the_lowest_validation_error_is_chosen(study, tmp_path):
    systems = [TFN, SYSTEMS["ridge"]]
    group = trials(TFN, study, 3)
    assert found_so_far(systems, study, tmp_path, 3) == [*group, SYSTEMS["ridge"]]
    tuned, ridge = settled(systems, study, tmp_path, 3)
    assert ridge == SYSTEMS["ridge"]
    results = [Run(study, trial, 0).result(tmp_path) for trial in group]
    lowest = inf
    for trial, result in zip(group, results, strict=True):
        if result["valid_mae"] < lowest:
            lowest, best = result["valid_mae"], trial
    assert tuned == replace(best, trial=None)
    assert tuned.searched
    assert Run(study, tuned, 0).result(tmp_path) is not None  # seed 0 is not run again
    rows = pd.DataFrame(search_rows(to_try(systems, study, 3, None), tmp_path))
    assert rows["valid_mae"].tolist() == [r["valid_mae"] for r in results]
    assert rows["mae"].tolist() == [r["mae"] for r in results]
    assert rows["dim"].tolist() == [trial.settings["dim"] for trial in group]


def test_every_draw_is_searched_by_itself(study, tmp_path, monkeypatch):
    """Its trials see its data and its seed, and what is best there may be another point."""
    systems, draws = [TFN, SYSTEMS["ridge"]], 3
    searched = to_try(systems, study, 2, draws)
    assert [(run.study.draw, run.seed, run.system.trial) for run in searched] == [
        (k, k, trial) for k in range(draws) for trial in (1, 2)
    ]
    assert len({run.study.data_id for run in searched}) == draws
    waiting = to_run(systems, study, tmp_path, 2, 9, draws)
    assert [run.system.trial for run in waiting] == [1, 2, None] * draws  # none is settled yet
    lowest = {(0, 1): 0.5, (0, 2): 0.6, (1, 1): 0.6, (1, 2): 0.5, (2, 1): 0.7, (2, 2): 0.7}

    def result(run, _):
        assert run.seed == run.study.draw  # no other run was made
        return {"valid_mae": lowest[run.study.draw, run.system.trial]}

    monkeypatch.setattr(Run, "result", result)
    planned = to_run(systems, study, tmp_path, 2, 9, draws)
    first, second = (dict(t.settings) for t in trials(TFN, study, 2))
    own = [run for run in planned if run.system.name == "TFN"]
    assert [run.study.draw for run in own] == [run.seed for run in own] == [0, 1, 2]
    assert [dict(run.system.settings) for run in own] == [first, second, first]  # a tie: the first
    assert all(run.system.trial is None for run in planned)


def test_seeds_share_the_search_of_the_data_as_they_are(study, tmp_path):
    waiting = to_run([TFN], study, tmp_path, 2, 3, None)
    assert [(run.seed, run.system.trial) for run in waiting] == [(0, 1), (0, 2)]
    sweep.sweep(to_try([TFN], study, 2, None), tmp_path, 1, progress=False)
    planned = to_run([TFN], study, tmp_path, 2, 3, None)
    assert [run.seed for run in planned] == [0, 1, 2]
    assert len({str(dict(run.system.settings)) for run in planned}) == 1
    assert all(map(was_searched, planned))


def test_what_is_done_is_not_searched_again(study, tmp_path, monkeypatch):
    first = settled([TFN], study, tmp_path, 2)
    monkeypatch.setattr(sweep, "carry_out", lambda *_: pytest.fail("trained again"))
    assert settled([TFN], study, tmp_path, 2) == found_so_far([TFN], study, tmp_path, 2) == first


def test_no_budget_leaves_the_defaults(study, tmp_path):
    (found,) = settled([DMD], study, tmp_path, 0)
    assert not found.settings
    assert to_try([DMD], study, 0, 3) == []
    assert not was_searched(Run(study, found, 0))
    model, _ = Run(study, found, 0).configs
    assert model.dim == SMALL["dim"]


@pytest.mark.parametrize("budget", [-1, 9])
def test_budgets_there_are_not(study, tmp_path, budget):
    with pytest.raises(ConfigError, match="trials: from 1 to 8, or 0 for no search"):
        to_try([TFN], study, budget, None)
