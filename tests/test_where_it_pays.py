"""What the chapter on where it pays says of its curves is in their rows."""

import pytest

from dmdlite.experiments.curves import CURVES
from dmdlite.experiments.formatting import half_width
from dmdlite.experiments.results import ROWS
from dmdlite.experiments.slopes import chosen, differences, kept, summary

OURS = "who errs less teaches"
CURVE = kept(ROWS / "map")


def gain(curve, arm, base, measure, dose):
    """Mean and half the 95 % interval over draws."""
    found = differences(CURVE[curve], arm, base, measure)[dose]
    return found.mean(), half_width(found)


@pytest.mark.parametrize("dose", [30, 60, 120, 250])
def test_with_few_labels_a_fixed_teacher_pays(dose):
    mean, within = gain("labels", "language teaches", "nobody teaches", "weak_corr", dose)
    assert 0.05 <= round(mean, 2) <= 0.08
    assert mean - within > 0


def test_the_learned_graph_is_the_uniform_one_and_gets_part_of_the_lesson():
    for dose in (30, 60, 120, 250):
        mean, within = gain("labels", "learned graph", "uniform graph", "weak_corr", dose)
        assert abs(mean) + within < 0.035
    for dose, said in ((30, (-0.045, 0.031)), (250, (-0.024, 0.012))):
        found = gain("labels", "learned graph", "language teaches", "weak_corr", dose)
        assert found == pytest.approx(said, abs=6e-4)
    learned, taught = (
        differences(CURVE["labels"], arm, "nobody teaches", "weak_corr").mean(axis=1)
        for arm in ("learned graph", "language teaches")
    )
    assert (learned.mean(), taught.mean()) == pytest.approx((0.035, 0.063), abs=6e-4)
    mean, within = gain("labels", "learned graph, prior", "learned graph", "weak_corr", 30)
    assert (mean, within) == pytest.approx((0.025, 0.020), abs=6e-4)
    edges = [c for c in CURVE["labels"] if c.startswith("homo_edge")]
    learned = CURVE["labels"].query("arm == 'learned graph' and weight == 2").groupby("dose")
    assert learned[edges].mean().stack().between(0.145, 0.195).all()


def at_weight(measure, curve="labels"):
    rows = CURVE[curve].dropna(subset="weight")
    return rows.pivot(index=["draw", "dose"], columns=["arm", "weight"], values=measure)


def test_the_learned_graph_costs_its_teacher_something_where_labels_are_few():
    own = at_weight("homo_language_corr")
    lost = (own["nobody teaches", 0.0] - own["learned graph", 2.0]).unstack()
    found = [(lost[d].mean(), half_width(lost[d])) for d in (30, 60)]
    assert found == [pytest.approx(x, abs=6e-3) for x in ((0.07, 0.08), (0.04, 0.03))]
    assert lost[[120, 250]].mean().abs().max() < 0.01


@pytest.mark.parametrize(
    ("fixed", "learned", "mean", "within"),
    [(2.0, 2.0, 0.029, 0.020), (0.5, 0.5, 0.010, 0.013), (0.5, 2.0, -0.014, 0.019)],
)
def test_at_equal_pull_the_fixed_teacher_does_not_lead(fixed, learned, mean, within):
    own = at_weight("weak_corr")
    lead = own["language teaches", fixed] - own["learned graph", learned]
    lead = lead.unstack().mean(axis=1)
    assert (lead.mean(), half_width(lead)) == pytest.approx((mean, within), abs=6e-4)


def test_the_curve_of_reliability_has_no_room_and_its_three_graphs_are_one():
    for dose in CURVES["graph"].doses:
        for arm in ("learned graph", "another clip's graph"):
            mean, within = gain("graph", arm, "uniform graph", "weak_corr", dose)
            assert abs(mean) < 0.01
            assert within < 0.03
    for dose, said in ((0.0, 0.12), (1.5, 0.11)):  # wins where the dial stands at 0, too
        mean, _ = gain("graph", "best teaches", "nobody teaches", "weak_corr", dose)
        assert mean == pytest.approx(said, abs=6e-3)
    told = differences(CURVE["graph"], "best teaches", "language teaches", "weak_corr")
    found = told.mean(axis=1)
    assert (found.mean(), half_width(found)) == pytest.approx((0.029, 0.025), abs=6e-4)
    trust = at_weight("trust", "graph")["learned graph", 2.0].unstack()[1.5]
    assert (trust.mean(), half_width(trust)) == pytest.approx((0.033, 0.161), abs=6e-4)
    untaught = CURVE["graph"].query("arm == 'nobody teaches'").groupby("dose")
    assert untaught["homo_language_corr"].mean().between(0.67, 0.68).all()
    table = summary({"graph": CURVE["graph"]})
    assert table.cells[0][table.columns.index("verdict")] == "no room"


def test_the_fused_prediction_gains_little_and_the_linear_model_is_level():
    taught = [a for a in CURVES["labels"].arms if "teaches" in a or "graph" in a]
    taught.remove("nobody teaches")
    for arm in taught:
        for dose in (120, 250):
            assert abs(gain("labels", arm, "nobody teaches", "mae", dose)[0]) < 0.02
        assert abs(gain("labels", arm, "linear", "mae", 30)[0]) < 0.02
        assert 0.015 < gain("labels", arm, "linear", "mae", 120)[0] < 0.035
    linear = chosen(CURVE["labels"].query("arm == 'linear'"), "mae").groupby("dose")["mae"].mean()
    assert linear.round(3)[[30, 120]].tolist() == [0.897, 0.749]
    found = gain("labels", "learned graph", "nobody teaches", "mae", 30)
    assert found == pytest.approx((-0.038, 0.030), abs=6e-4)
    found = gain("labels", "language teaches", "nobody teaches", "mae", 30)
    assert found == pytest.approx((-0.027, 0.024), abs=6e-4)


def test_ours_is_level_with_the_fixed_teacher_and_ahead_of_the_learned_graph():
    for dose in (30, 60, 120, 250):
        mean, within = gain("labels", OURS, "language teaches", "weak_corr", dose)
        assert abs(mean) + within < (0.01 if dose == 250 else 0.056)
    found = gain("labels", OURS, "learned graph", "weak_corr", 30)
    assert found == pytest.approx((0.051, 0.027), abs=6e-4)


def test_nobody_finds_the_product_at_a_thousand_clips():
    level = chosen(CURVE["binding"], "mae").groupby(["arm", "dose"])["mae"].mean().unstack("dose")
    arms = level.drop("ceiling")
    assert arms.drop("ridge")[0.3].between(0.87, 0.92).all()
    assert level[0.3]["bare"] - level[0.3]["ceiling"] > 0.25
    assert level.loc["ceiling"].round(2).tolist() == [0.31, 0.46, 0.62, 0.96]
    found = gain("binding", "attention", "bare", "mae", 0.3)
    assert found == pytest.approx((0.004, 0.013), abs=6e-4)
    found = gain("binding", "attention", "bare", "mae", 1.0)
    assert found == pytest.approx((0.010, 0.005), abs=6e-4)


def test_decoupling_does_not_keep_a_habit_out():
    level = chosen(CURVE["speaker shift"], "mae").groupby(["arm", "dose"])["mae"].mean()
    level = level.unstack("dose")
    trained = level.drop(["ceiling", "what shifts taken out"])
    assert trained[0.9].between(1.95, 2.15).all()
    assert level.loc["what shifts taken out"].between(0.68, 0.725).all()
    assert level.loc[["decoupling", "what shifts taken out"], 0.9].round(2).tolist() == [2.07, 0.72]
    for arm, dose, said in (
        ("decoupling", 0.0, (-0.007, 0.013)),
        ("decoupling", 0.6, (0.065, 0.096)),
        ("decoupling", 0.9, (-0.015, 0.043)),
        ("FDMER", 0.3, (0.065, 0.020)),
        ("FDMER", 0.6, (0.132, 0.052)),
    ):
        found = gain("speaker shift", arm, "bare", "mae", dose)
        assert found == pytest.approx(said, abs=6e-4), (arm, dose)
    assert gain("speaker shift", "FDMER", "bare", "mae", 0.0)[0] > 0.03


def test_wrong_labels_cost_a_tenth_and_no_graph_changes_that():
    level = chosen(CURVE["label noise"], "mae").groupby(["arm", "dose"])["mae"].mean()
    untaught = level["nobody teaches"]
    assert (untaught[0.0], untaught[2.0]) == pytest.approx((0.69, 0.79), abs=6e-3)
    for arm in ("learned graph", "language teaches"):
        for dose in CURVES["label noise"].doses:
            mean, within = gain("label noise", arm, "nobody teaches", "mae", dose)
            assert abs(mean) + within < 0.0155
    found = gain("label noise", "learned graph", "nobody teaches", "mae", 2.0)
    assert found == pytest.approx((0.000, 0.006), abs=6e-4)


def test_with_wrong_labels_the_learned_graph_costs_the_logits_and_not_the_error():
    said = {
        ("learned graph", "language"): (-0.080, 0.046),
        ("learned graph", "vision"): (-0.072, 0.056),
        ("language teaches", "language"): (-0.001, 0.002),
    }
    for (arm, m), numbers in said.items():
        own = at_weight(f"homo_{m}_corr", "label noise")
        lost = (own[arm, 2.0] - own["nobody teaches", 0.0]).unstack()[2.0]
        assert (lost.mean(), half_width(lost)) == pytest.approx(numbers, abs=6e-4)
    untaught = at_weight("homo_language_corr", "label noise")["nobody teaches", 0.0]
    level = untaught.groupby("dose").mean()
    assert (level[0.0], level[2.0]) == pytest.approx((0.693, 0.685), abs=6e-4)
    weights = chosen(CURVE["label noise"], "mae").query("dose == 2.0").groupby("arm")["weight"]
    for arm in ("learned graph", "language teaches"):
        assert (weights.get_group(arm) == 0).sum() in (6, 7)
    fused = at_weight("mae", "label noise")
    for arm in ("learned graph", "language teaches"):
        change = (fused[arm, 2.0] - fused["nobody teaches", 0.0]).unstack()[2.0]
        assert abs(change.mean()) + half_width(change) < 0.0235


def test_where_language_is_gone_at_test_dropout_helps_and_neither_margin_nor_graph():
    for arm in ("learned graph", "no margin"):
        for dose in CURVES["missing at test"].doses:
            mean, within = gain("missing at test", arm, "nobody teaches", "mae", dose)
            assert abs(mean) + within < 0.0125
    said = {
        ("modality dropout", "nobody teaches", 0.75): (-0.020, 0.012),
        ("modality dropout", "nobody teaches", 0.06): (0.009, 0.011),
        ("learned graph", "nobody teaches", 0.75): (-0.001, 0.008),
        ("linear", "ridge", 0.75): (0.032, 0.016),
        ("ridge", "modality dropout", 0.75): (0.002, 0.017),
        ("modality dropout", "no margin", 0.06): (0.010, 0.006),
    }
    for (arm, base, dose), numbers in said.items():
        assert gain("missing at test", arm, base, "mae", dose) == pytest.approx(numbers, abs=6e-4)
    level = chosen(CURVE["missing at test"], "mae").groupby(["arm", "dose"])["mae"].mean()
    assert level["ridge"][0.06] - level["nobody teaches"][0.06] == pytest.approx(0.06, abs=6e-3)
    ends = [level[a][0.75] for a in ("ridge", "linear", "ceiling")]
    assert [*ends, level["ceiling"][0.06]] == pytest.approx([1.02, 1.05, 0.77, 0.38], abs=6e-3)
    verdicts = {cells[0]: cells[8] for cells in summary(CURVE).cells}
    assert verdicts["missing at test"] == "does not change"
    assert verdicts["label noise"] == "no room"


def test_networks_pass_the_linear_model_between_one_and_two_thousand_clips():
    said = {
        ("bare", "linear", 2000): (-0.013, 0.010),
        ("bare", "linear", 4000): (-0.016, 0.013),
        ("attention", "linear", 4000): (-0.025, 0.019),
        ("attention", "bare", 4000): (-0.008, 0.016),
    }
    for (arm, base, dose), numbers in said.items():
        assert gain("clips", arm, base, "mae", dose) == pytest.approx(numbers, abs=6e-4)
    for arm in ("bare", "attention"):
        for dose in (250, 1000):
            mean, within = gain("clips", arm, "linear", "mae", dose)
            assert mean > 0 > mean - within
    last = chosen(CURVE["clips"], "mae").query("dose == 4000").groupby("arm")["mae"].mean()
    way = (last["linear"] - last["attention"]) / (last["linear"] - last["ceiling"])
    assert way == pytest.approx(0.09, abs=6e-3)
    (line,) = [cells for cells in summary(CURVE).cells if cells[0] == "clips"]
    assert line[6] == "-0.033 ± 0.028"
    assert line[8] == "not known"
