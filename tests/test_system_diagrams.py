"""A picture for every system: whole, and with nothing in it that leads nowhere."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dmdlite.experiments import paper
from dmdlite.experiments.comparison import FAMILIES, cost_plot, ranking_plot
from dmdlite.experiments.ranking import rank_intervals
from dmdlite.experiments.systems import TABLE_1
from dmdlite.plots.systems import DIAGRAMS, system_diagram
from dmdlite.registry import MODELS


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_every_other_system_has_a_picture():
    assert set(DIAGRAMS) == set(MODELS) - {"DMD"}


def test_the_paper_reports_systems_of_the_registry():
    reported = [t for table in (paper.TABLE_1, paper.TABLE_2) for t in table.values()]
    assert {name.rstrip("*") for table in reported for name in table} == set(MODELS)


@pytest.mark.parametrize("name", DIAGRAMS)
def test_pictures_are_whole(name):
    boxes, arrows = DIAGRAMS[name]
    ends = [re.split("[>~]", arrow) for arrow in arrows.split()]
    starts, targets = ({e[k] for e in ends} for k in (0, 1))
    assert {"L", "V", "A"} <= starts
    assert starts | targets == {"L", "V", "A", "y", *boxes}
    assert sum(arrow.endswith(">y") for arrow in arrows.split()) == 1
    reached, more = {"L", "V", "A"}, True
    while more:
        more = {b for a, b in ends if a in reached} - reached
        reached |= more
    assert reached == {"L", "V", "A", "y", *boxes}
    (ax,) = system_diagram(name).axes
    texts = {text.get_text() for text in ax.texts}
    assert {"language", "vision", "audio", "score"} <= texts
    assert {text for _, _, text in boxes.values()} <= texts


def ranked():
    rng = np.random.default_rng(0)
    names = TABLE_1
    errors = {name: rng.gamma(2, size=(2, 30)) + k / 5 for k, name in enumerate(names)}
    rows = pd.DataFrame(
        [
            {
                "system": s,
                "seed": 0,
                "parameters": 10.0 * (k + 1),
                "seconds": k + 1.0,
                "floor_mae": 9.0,
            }
            for k, s in enumerate(TABLE_1)
        ]
    )
    return rank_intervals(errors), rows


def test_the_ranking_is_drawn_best_first():
    ranking, rows = ranked()
    (ax,) = ranking_plot(ranking, rows).axes
    labels = [label.get_text().split("  ")[0] for label in ax.get_yticklabels()]
    assert labels == ranking["system"].tolist()
    assert ax.get_title(loc="right") == "floor: 9.000"
    assert [t.get_text() for t in ax.get_legend().texts] == list(dict.fromkeys(FAMILIES.values()))


def test_floor_and_ceiling_frame_the_ranking():
    ranking, rows = ranked()
    near = ranking["mae_high"].max() + 0.1
    for floor, drawn in ((near, [1.5, near]), (99.0, [1.5])):
        (ax,) = ranking_plot(ranking, rows.assign(floor_mae=floor), 1.5).axes
        assert ax.get_title(loc="right") == f"ceiling: 1.500   floor: {floor:.3f}"
        lines = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]
        assert lines == pytest.approx(drawn)


def test_cost_is_drawn_once_a_system_and_panel():
    ranking, rows = ranked()
    axes = cost_plot(ranking, rows).axes
    assert [ax.get_xlabel() for ax in axes] == ["parameters", "seconds"]
    for ax in axes:
        assert {t.get_text() for t in ax.texts} == {str(r) for r in ranking["rank"]}
        assert ax.get_xscale() == "log"
