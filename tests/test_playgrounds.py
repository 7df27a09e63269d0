"""The playgrounds: their script computes what the package computes, and they stand alone."""

import json
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dmdlite.experiments.results import ROWS
from dmdlite.experiments.slopes import chosen, differences, for_playground, kept
from dmdlite.gd_unit import discrepancy
from dmdlite.losses import margin_loss
from dmdlite.metrics import sentiment_metrics
from dmdlite.plots import playgrounds
from dmdlite.plots.playgrounds import softmin_weights

MiniRacer = pytest.importorskip("py_mini_racer").MiniRacer
LABELS = st.lists(st.sampled_from(np.arange(-3, 3.01, 0.25).tolist()), min_size=2, max_size=12)


@pytest.fixture(scope="module")
def script():
    engine = MiniRacer()
    engine.eval(playgrounds.scripts().split("\n// The playgrounds")[0])
    return lambda name, *values: json.loads(
        engine.eval(f"JSON.stringify(arithmetic.{name}(...{json.dumps(values)}))")
    )


@settings(max_examples=60, deadline=None)
@given(target=LABELS, data=st.data())
def test_scores_are_those_of_the_package(script, target, data):
    size = {"min_size": len(target), "max_size": len(target)}
    # Quarters: rounding, clipping and the sign of zero are all met.
    prediction = data.draw(st.lists(st.sampled_from(np.arange(-5, 5.01, 0.25).tolist()), **size))
    ours, theirs = sentiment_metrics(prediction, target), script("scores", prediction, target)
    assert list(theirs) == list(ours)
    for name, value in ours.items():
        shown = np.nan if theirs[name] is None else theirs[name]  # JSON has no NaN
        assert shown == pytest.approx(value, abs=1e-9, nan_ok=True), name


def test_halves_go_to_the_even_class(script):
    assert [script("rounded", x) for x in (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5)] == [-2, -2, 0, 0, 2, 2]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-3, 3, width=32), min_size=2, max_size=5),
    st.floats(0.125, 5, width=32),
)
def test_the_graph_and_its_loss_are_those_of_the_package(script, logits, temperature):
    found = script("softmin", logits, temperature)
    z = torch.tensor(logits, dtype=torch.float64)
    weights = softmin_weights(z, temperature)
    assert np.allclose(found["weights"], weights, atol=1e-9)
    assert found["loss"] == pytest.approx(float((weights * discrepancy(z[None])[0]).sum()))


def test_a_small_temperature_does_not_underflow(script):
    found = script("softmin", [100.0, 0.0, -100.0], 0.01)
    assert np.sum(found["weights"]) == pytest.approx(1)


def test_the_triplet_costs_what_the_margin_loss_says(script):
    """Each by the cosines of the angles; then the four triplets of two clips, whose codes lie at 0
    and 60, 45 and 90 degrees, have the mean that the loss has."""
    for positive, negative, margin in ((60, 45, 0.2), (150, -150, 0.2), (0, 180, 2.0)):
        a, p, n = (np.array([np.cos(t), np.sin(t)]) for t in np.radians([0, positive, negative]))
        found = script("hinge", positive, negative, margin)
        assert found["loss"] == pytest.approx(max(0, margin - a @ p + a @ n))
    codes = torch.tensor([[[1.0, 0.0], [0.5, 3**0.5 / 2]], [[2**-0.5, 2**-0.5], [0.0, 1.0]]])
    triplets = [(0, 60, 45), (60, 0, 90), (45, 90, 0), (90, 45, 60)]  # anchor, positive, negative
    costs = [script("hinge", p - a, n - a, 0.2)["loss"] for a, p, n in triplets]
    assert float(margin_loss(codes, torch.tensor([1.0, -1.0]), 0.2)) == pytest.approx(
        np.mean(costs), abs=1e-6
    )


def test_the_kernel_and_the_gate(script):
    signal, kernel = [0.0, 1.0, 3.0, 3.0, 1.0, 0.0, -2.0, 0.0], [-1.0, 0.5, 2.0]
    x = torch.tensor(signal)[None, None]
    expected = torch.nn.functional.conv1d(x, torch.tensor([[kernel]]), padding=1)[0, 0]
    assert script("convolve", signal, kernel) == expected.tolist()
    assert script("gated", -1, np.log(3)) == pytest.approx({"gate": 0.75, "passed": -0.75})


def test_the_map_shows_every_arm_that_can_be_compared():
    found = kept(ROWS / "map")
    curves = for_playground(found)
    assert list(curves) == list(found)
    for name, about in curves.items():
        for arm, shown in about["arms"].items():
            gaps = differences(found[name], arm, about["base"], about["measure"])
            assert [mean for mean, _ in shown] == pytest.approx(gaps.mean().tolist())
            assert len(shown) == len(about["doses"])
        measured = chosen(found[name], about["measure"]).dropna(subset=[about["measure"]])
        assert set(about["arms"]) == set(measured["arm"]) - {about["base"], "ceiling"}


def shown():
    curves = for_playground(kept(ROWS / "map"))
    made = [
        playgrounds.score_playground(torch.tensor([0.12345678, -1.0]), torch.tensor([1.0, 0.0])),
        playgrounds.kernel_playground(torch.tensor([1.0, 2.0])),
        playgrounds.triplet_playground(),
        playgrounds.gd_unit_playground(),
        playgrounds.gate_playground(),
        playgrounds.map_playground(curves),
    ]
    return [playground._repr_html_() for playground in made]


@pytest.mark.parametrize("page", shown())
def test_a_playground_stands_alone_and_draws(page):
    """In an engine with no more of a page than what the script asks for."""
    assert not re.search(r"https?:|src=|href=|import ", page)
    about = unescape(re.search(r'data-about="([^"]*)"', page)[1])
    engine = MiniRacer()
    engine.eval(PAGE % json.dumps(about))
    engine.eval(re.search(r"<script>(.*)</script>", page, re.S)[1])
    drawing, says = json.loads(
        engine.eval("JSON.stringify([made[2].innerHTML, made[3].textContent])")
    )
    assert drawing.count("<svg") == 1
    assert not re.search("NaN|undefined|null", drawing + says)
    controls = json.loads(about)["controls"]
    inputs = json.loads(engine.eval("JSON.stringify(inputs.map(i => i.type ?? 'select'))"))
    assert len(inputs) == len(controls)
    # At both ends of every slider it still draws, and something else.
    for i, control in enumerate(controls.values()):
        for end in control.get("options") or (control["low"], control["high"]):
            engine.eval(f"inputs[{i}].value = {json.dumps(end)}; inputs[{i}].act();")
            moved = engine.eval("made[2].innerHTML + made[3].textContent")
            assert not re.search("NaN|undefined", moved)
        assert moved != drawing + says
        engine.eval(f"inputs[{i}].value = {json.dumps(control['start'])}; inputs[{i}].act();")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_cannot_be_drawn_is_refused(bad):
    with pytest.raises(ValueError, match="not JSON compliant"):
        playgrounds.kernel_playground(torch.tensor([1.0, bad]))


def test_names_are_text_and_not_markup():
    curve = {"asks": "a < b?", "dial": "d", "doses": [0, 1], "measure": "mae", "base": "base"}
    curve |= {
        "smallest": 0.05,
        "verdict": "not known",
        "arms": {"<b>x</b> & y": [[0.01, 0.02]] * 2},
    }
    engine = MiniRacer()
    page = playgrounds.map_playground({"one": curve})._repr_html_()
    about = unescape(re.search(r'data-about="([^"]*)"', page)[1])
    engine.eval(PAGE % json.dumps(about))
    engine.eval(re.search(r"<script>(.*)</script>", page, re.S)[1])
    drawing = engine.eval("made[2].innerHTML")
    assert "&lt;b>x&lt;/b> &amp; y" in drawing
    assert "<b>" not in drawing


def test_small_negatives_are_zero_and_not_minus_zero():
    engine = MiniRacer()
    source = (Path(playgrounds.__file__).parent / "playgrounds.js").read_text()
    fixed = source[source.index("const fixed") : source.index("const signed")]
    assert engine.eval(f"{fixed}; [-0.03, -0.06, 0].map(x => fixed(x, 1)).join()") == "0.0,−0.1,0.0"


PAGE = """
const made = [], inputs = [];
class Element {
  constructor(name) {
    made.push(this);
    if (/input|select/.test(name)) inputs.push(this);
    this.classList = { add() {} };
    this.firstChild = { setAttribute() {} };
  }
  appendChild(child) { return child; }
  append() {}
  add() {}
  setAttribute() {}
  addEventListener(_, act) { this.act = act; }
}
const document = { createElement: (name) => new Element(name), querySelectorAll: () => [place] };
class Option {}
const place = new Element("div");
place.dataset = { about: %s };
"""
