"""Tables and claims from planted rows: every number by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp, ttest_rel

from dmdlite.experiments import tables
from dmdlite.experiments.artifacts import csv_of
from dmdlite.experiments.claims import CLAIMS, claims_table, verdicts
from dmdlite.experiments.formatting import (
    Table,
    about,
    equivalent,
    half_width,
    holm,
    paired_p,
    score,
    shown,
    shown_p,
    values,
)
from dmdlite.experiments.systems import EXPERIMENTS, SYSTEMS

NAMES = ("language", "vision", "audio")


def planted(seeds=3, systems=SYSTEMS, **changes):
    """Rows in which every score of system number k with seed s is known: MAE = 1 + k/10 + s/100.

    `changes` give a column's values by system name, one a seed.
    """
    rows = []
    for k, name in enumerate(systems):
        for s in range(seeds):
            row = {
                "system": name,
                "seed": s,
                "data": "toy",
                "setting": "unaligned",
                "folds": 0,
                "samples": 50,
                "device": "cpu",
                "mae": 1 + k / 10 + s / 100,
                "acc7": 0.4 + s / 100,
                "acc2": 0.8 + s / 100,
                "f1": 0.79,
                "corr": 0.5,
                "floor_acc7": 0.2,
                "floor_acc2": 0.55,
                "floor_f1": 0.4,
                "floor_mae": 1.3,
            }
            for unit in ("homo", "hetero"):
                for i, m in enumerate(NAMES):
                    row |= {f"{unit}_{m}_acc2": 0.8 - i / 10 + s / 100, f"{unit}_{m}_f1": 0.7}
                    for other in NAMES:
                        if other != m:
                            row[f"{unit}_edge_{m}_{other}"] = 1 / 6 + (s - 1) / 1000
            for column, by_system in changes.items():
                if name in by_system:
                    row[column] = by_system[name][s]
            rows.append(row)
    return pd.DataFrame(rows)


def lines(table):
    return {cells[0]: dict(zip(table.columns, cells, strict=True)) for cells in table.cells}


def test_cells_by_hand():
    assert shown([0.5, 0.7]) == "60.0 ± 14.1"
    assert shown([0.5]) == "50.0"
    assert shown([1.0, 3.0], 2, 1) == "2.00 ± 1.41"
    assert shown_p(0.0004) == "< 0.001"
    assert shown_p(float("nan")) == "–"
    assert np.isnan(paired_p([1.0], [2.0]))
    assert np.isnan(paired_p([1.0, 2.0], [2.0, 3.0]))  # no spread
    rows = planted()
    assert score(rows, "DMD", "acc2") == "81.0 ± 1.0"
    assert score(rows, "DMD", "mae") == "1.010 ± 0.010"
    with pytest.raises(KeyError, match="nothing: not among the rows"):
        values(rows, "nothing", "mae")


def test_several_tests_together_by_hand():
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    found = holm([0.5, float("nan"), 0.01, 0.9])
    assert found[[0, 2, 3]].tolist() == pytest.approx([1.0, 0.03, 1.0])
    assert np.isnan(found[1])


@settings(max_examples=50)
@given(
    d=st.lists(st.floats(-0.05, 0.05), min_size=2, max_size=12),
    smallest=st.floats(0.005, 0.1),
)
def test_intervals_and_equivalence_are_scipys(d, smallest):
    d = np.array(d)
    assume(np.ptp(d) > 1e-6)
    interval = ttest_1samp(d, 0).confidence_interval(0.95)
    assert half_width(d) == pytest.approx((interval.high - interval.low) / 2)
    above = ttest_1samp(d, -smallest, alternative="greater").pvalue
    below = ttest_1samp(d, smallest, alternative="less").pvalue
    assume(abs(max(above, below) - 0.05) > 1e-6)
    assert equivalent(d, smallest) == (max(above, below) < 0.05)


def test_captions_tell_draws_from_seeds_and_name_what_was_cut_off():
    rows = planted()
    assert "mean ± sd of 3 seeds" in about(rows.assign(draw=0))
    rows["draw"] = rows["seed"]
    rows["capped"] = ((rows["system"] == "FD") & (rows["seed"] > 0)).astype(float)
    assert "mean ± sd of 3 draws" in about(rows)
    assert about(rows).endswith("Cut off by the limit of epochs, in so many runs: FD (2).")


def test_values_follow_the_seeds_not_the_rows():
    rows = planted().iloc[::-1]
    assert values(rows, "DMD", "mae").tolist() == [1.0, 1.01, 1.02]


def test_table3_has_ours_the_papers_the_floor_and_p():
    fd, none = (0.7, 0.75, 0.71), (1.1, 1.01, 1.06)
    kept = {s: SYSTEMS[s] for s in ("DMD", "FD", "none")}
    rows = planted(mae={"FD": fd, "none": none}, systems=kept)
    table = lines(tables.table3(rows))
    assert list(table) == [*EXPERIMENTS["table3"].names[1:], "floor"]  # linear: neither has it
    assert table["DMD"]["ACC7, MOSI, paper"] == "41.9"
    assert table["none"]["F1, MOSEI, paper"] == "81.9"
    assert table["FD"]["MAE, ours"] == "0.720 ± 0.026"
    p = [ttest_rel(mae, (1.0, 1.01, 1.02)).pvalue for mae in (fd, none)]
    assert p[0] < p[1]
    assert table["FD"]["p (Holm)"] == shown_p(2 * p[0])
    assert table["none"]["p (Holm)"] == shown_p(p[1])
    half = ttest_rel(fd, (1.0, 1.01, 1.02)).confidence_interval()
    expected = f"-0.290 ± {(half.high - half.low) / 2:.3f}"
    assert table["FD"]["MAE − DMD's, 95 %"] == expected
    assert table["floor"]["ACC7, ours"] == "20.0"
    assert table["floor"]["MAE, ours"] == "1.300"


def test_table4_and_homogd_by_hand():
    rows = planted(homo_vision_acc2={"FD": (0.9, 0.8, 0.7), "FD + HomoGD": (0.8, 0.9, 0.7)})
    table = lines(tables.table4(rows))
    assert table["language"]["ACC2 w/o FD, ours"] == "81.0 ± 1.0"
    assert table["vision"]["ACC2 w/ FD, ours"] == "80.0 ± 10.0"
    assert table["vision"]["ACC2 w/ FD, paper"] == "62.8"
    assert table["mean"]["ACC2 w/o FD, ours"] == "71.0 ± 1.0"
    sd = 100 * np.std([0.8, 0.7, 0.6])
    assert table["sd"]["ACC2 w/o FD, ours"] == f"{sd:.1f} ± 0.0"
    gains = lines(tables.homogd(rows))
    assert gains["vision"]["gain, ours"] == "0.0 ± 10.0"
    assert gains["vision"]["w/ HomoGD, paper"] == "61.8"


def test_other_modalities_have_no_published_value():
    rows = planted().rename(columns=lambda c: c.replace("audio", "pulse"))
    table = lines(tables.table4(rows))
    assert table["pulse"]["ACC2 w/ FD, paper"] == "–"
    assert list(tables.edges_of(rows, "homo"))[1] == ("language", "pulse")


def test_edge_tables_have_every_edge_of_both_units():
    table = tables.edge_controls(planted())
    assert len(table.columns) == 2 + 6
    assert {cells[1] for cells in table.cells} == {"homo", "hetero"}
    assert "they would be 0.17" in table.caption


def test_markdown_and_latex():
    table = Table("What it is.", ("a", "b_c"), (("x", "1.0 ± 2.0"),))
    assert table.markdown().splitlines()[2].split("|")[2].strip() == "1.0 ± 2.0"
    assert table.markdown().endswith("What it is.\n")
    assert r"\toprule" in table.latex()
    assert r"b\_c" in table.latex()
    assert ">1.0 ± 2.0</td>" in table._repr_html_()
    assert "a &lt; b" in Table("a < b", ("x",), (("<i>",),))._repr_html_()
    assert "<i>" not in Table("a < b", ("x",), (("<i>",),))._repr_html_()


def test_claims_hold_fail_or_are_not_seen():
    better, worse, same = (0.8, 0.81, 0.79), (1.4, 1.41, 1.39), (1.0, 1.012, 0.991)
    changes = {
        "MulT": worse,
        "MulT + GD": better,
        "DMD": same,
        "FD + CA": (1.0, 1.1, 0.9),
        "FD": worse,
        "none": (0.8, 0.82, 0.79),
    }
    found = verdicts(planted(mae=changes)).set_index("claim")
    assert len(found) == len(CLAIMS)

    def by_start(text):
        return found.loc[next(c for c in found.index if c.startswith(text))]

    assert by_start("DMD is better than MulT")["verdict"] == "holds"
    assert by_start("DMD is better than MulT")["difference"] == pytest.approx(0.399)
    assert by_start("Decoupling helps")["verdict"] == "opposite"
    assert by_start("Both GD-Units")["verdict"] == "open"  # 0, known to two tenths
    assert by_start("Decoupling lifts")["verdict"] == "none"  # no difference at all: no p


def test_claims_are_of_names_wherever_their_columns_stand():
    rows = planted()
    pd.testing.assert_frame_equal(verdicts(rows), verdicts(rows[rows.columns[::-1]]))
    renamed = rows.rename(columns=lambda c: c.replace("language", "pulse"))
    assert "In HomoGD pulse teaches (Fig. 5a)" in set(verdicts(renamed)["claim"])


def test_claims_about_edges():
    up = {f"homo_edge_language_{m}": {"DMD": (0.4, 0.42, 0.38)} for m in ("vision", "audio")}
    down = {"hetero_edge_vision_audio": {"DMD": (0.05, 0.06, 0.04)}}
    found = verdicts(planted(**up, **down))
    homo, hetero = found.iloc[-2], found.iloc[-1]
    assert homo["difference"] == pytest.approx(0.4 - 1 / 6)  # the planted noise row: alike
    assert homo["verdict"] == "holds"
    assert hetero["verdict"] == "opposite"


def test_one_seed_proves_nothing():
    table = claims_table(planted(seeds=1))
    assert {cells[-1] for cells in table.cells} == {"open"}
    assert not any("nan" in cell for cells in table.cells for cell in cells)


@pytest.mark.parametrize("unit", ["homo", "hetero"])
def test_each_unit_scores_its_own_logits(unit):
    rows = planted(seeds=2)
    assert tables.modalities_of(rows, unit) == list(NAMES)
    rows["hetero_audio_acc2"] = 0.9
    found = tables.alone(rows, next(iter(SYSTEMS)), "acc2", unit)
    assert found.shape == (3, 2)
    assert (found[2] == 0.9).all() == (unit == "hetero")


def test_a_file_of_rows_rounds_measures_and_no_counts():
    rows = pd.DataFrame({"parameters": [2317841.0, 49.0], "mae": [0.70268912345, np.nan]})
    assert csv_of(rows) == "parameters,mae\n2317841,0.702689\n49,\n"
