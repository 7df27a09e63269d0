"""What `dmdlite predict` writes of each clip, and draws."""

import numpy as np
import pytest

import dmdlite
from dmdlite.experiments.predict import predictions
from dmdlite.plots.opinions import MOST, opinions
from dmdlite.registry import find_model


def test_predictions_leave_empty_what_a_clip_lacks():
    splits = dmdlite.load_dataset("toy:seed=0,train=40,valid=10,test=30,missing=0.4:0.4:0.4")
    model = dmdlite.DMD.for_dataset(splits["train"], dim=8, heads=2, layers=1, hetero_gd=False)
    table, present = predictions(model, splits["test"]), splits["test"].present.numpy()
    assert not present.all()
    names = [f"homo_{m}" for m in model.config.modalities]
    assert (table[names].notna().to_numpy() == present).all()
    assert list(table["id"]) == list(splits["test"].ids)
    output = model.eval()(splits["test"].batch(range(30)))
    edge, both = table["homo_language_to_audio"].to_numpy(), present[:, 0] & present[:, 2]
    weight = output.homo.weights[:, 0, 2].detach().numpy()
    assert edge[both] == pytest.approx(weight[both], abs=1e-5)
    assert np.isnan(edge[~both]).all()


@pytest.mark.parametrize("off", [{"homo_gd": False}, {"lambda_ddl": 0.0}])
def test_edges_that_nobody_trained_are_not_written(off):
    splits = dmdlite.load_dataset("toy:seed=0,train=40,valid=10,test=30")
    model = dmdlite.DMD.for_dataset(splits["train"], dim=8, heads=2, layers=1, **off)
    found = [name for name in predictions(model, splits["test"]) if "_to_" in name]
    assert len(found) == (0 if "lambda_ddl" in off else 6)
    assert all(name.startswith("hetero") for name in found)


def test_a_model_without_units_says_only_what_it_predicts():
    splits = dmdlite.load_dataset("toy:seed=0,train=40,valid=10,test=30")
    model = find_model("linear").for_dataset(splits["train"])
    assert list(predictions(model, splits["test"])) == ["id", "label", "prediction"]


def marked(ax):
    """What stands under each name of the legend: the points' x, in order."""
    return {line.get_label(): list(line.get_xdata()) for line in ax.get_lines()}


def test_the_picture_shows_every_number_and_an_absent_edge_as_nothing():
    logits = {"language": np.array([1.0, np.nan]), "vision": np.array([-4.5, 0.5])}
    edges = {
        ("language", "vision"): np.array([0.7, 0.0]),
        ("vision", "language"): np.array([0.3, 0.0]),
    }
    label = np.array([np.nan, -2.0])
    figure = opinions(["a", "b" * 40], np.array([0.2, -1.0]), label, logits, edges, "run on new")
    left, right = figure.axes
    shown = marked(left)
    assert shown["language alone"] == pytest.approx([1.0, np.nan], nan_ok=True)
    assert shown["fused"] == [0.2, -1.0]
    assert shown["label"] == pytest.approx([np.nan, -2.0], nan_ok=True)
    assert left.get_xlim()[0] < -4.5  # nothing is outside
    assert [t.get_text() for t in right.texts] == ["0.70", "0.30", "", ""]
    assert [t.get_text() for t in right.get_xticklabels()] == ["L→V", "V→L"]
    assert len(left.get_yticklabels()[1].get_text()) == 24


def test_the_picture_of_many_clips_shows_the_first_and_says_so():
    n = MOST + 5
    x = np.zeros(n)
    figure = opinions([f"c{i}" for i in range(n)], x, x * np.nan, {}, {}, "run on new")
    (ax,) = figure.axes
    assert len(marked(ax)["fused"]) == MOST
    assert "label" not in marked(ax)
    assert figure.get_suptitle() == f"run on new, the first {MOST} of {n} clips"
