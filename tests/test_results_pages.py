"""Tables of the book come from files under dmdlite/results: nothing is typed in.

Each committed table is made again from its rows; each number that a chapter shows in a table of
results must come out of the same rows.
"""

import json
from pathlib import Path

import pandas as pd
import pytest

import dmdlite
from dmdlite.experiments import tables
from dmdlite.experiments.claims import claims_table
from dmdlite.experiments.comparison import comparison, cost_table, rank_table
from dmdlite.experiments.curves import CURVES, tried
from dmdlite.experiments.results import ROWS as RESULTS
from dmdlite.experiments.separation import separation_table
from dmdlite.experiments.slopes import CELL, kept, summary
from dmdlite.experiments.systems import EXPERIMENTS

BOOK = Path(__file__).resolve().parent.parent / "book"
STUDIES = sorted(p.name for p in RESULTS.iterdir() if p.name != "runs")
MAKERS = {
    "table1": lambda rows: comparison(rows, 1),
    "table2": lambda rows: comparison(rows, 2),
    "table3": tables.table3,
    "table4": tables.table4,
    "table5": tables.table5,
    "simple": tables.simple,
    "weights": tables.weights,
    "homogd": tables.homogd,
    "fig1a": tables.gaps,
    "fig5": tables.fig5,
    "controls_edges": tables.edge_controls,
    "controls_choices": tables.choice_controls,
    "claims": claims_table,
}


def rows(path):
    return pd.read_csv(path.with_name(path.stem.split("_")[0] + ".csv"))


def made_again(path):
    if path.parent.name == "map":
        return summary(kept(path.parent))
    if path.stem in ("fig3", "fig4"):
        numbers = pd.read_csv(path.with_name(f"{path.stem}_numbers.csv"))
        return separation_table(numbers, rows(path))
    name, _, part = path.stem.partition("_")
    if name in ("table1", "table2") and part:
        points = path.with_name(f"{name}_{'ranks' if part == 'ranks' else 'chosen'}.csv")
        if part == "ranks":
            return rank_table(pd.read_csv(points), rows(path))
        return cost_table(rows(path), pd.read_csv(points))
    return MAKERS[path.stem](rows(path))


@pytest.mark.parametrize(
    "path", sorted(RESULTS.glob("*/*.md")), ids=lambda p: f"{p.parent.name}/{p.stem}"
)
def test_committed_tables_come_from_the_committed_rows(path):
    table = made_again(path)
    assert path.read_text(encoding="utf-8") == table.markdown()


@pytest.mark.parametrize("study", STUDIES)
def test_rows_say_how_they_were_made(study):
    for path in (RESULTS / study).glob("*.json"):
        facts = json.loads(path.read_text(encoding="utf-8"))
        assert facts["seeds"] == (10 if study.endswith("-draws") else 5)
        for key in ("device", "date", "dmdlite", "torch", "seconds", "setting", "samples"):
            assert facts[key]
        found = rows(path)
        systems = set(found["system"])
        assert systems <= set(EXPERIMENTS[path.stem].names)
        assert len(found) == facts["runs"] == facts["seeds"] * len(systems)
        assert found[["system", "seed"]].drop_duplicates().shape[0] == len(found)
        if study.endswith("-draws"):
            assert found["draw"].tolist() == found["seed"].tolist()


@pytest.mark.parametrize("name", kept(RESULTS / "map"))
def test_a_curve_has_every_arm_dose_and_draw_and_no_run_was_cut_off(name):
    curve, found = CURVES[name], kept(RESULTS / "map")[name]
    assert set(found["arm"]) == {*curve.arms, "ceiling"}
    assert found.groupby(["arm", "dose"])["draw"].nunique().eq(10).all()
    assert set(found["dose"]) == {*curve.doses}
    runs = found.groupby(CELL).size()
    for arm in curve.arms:
        assert (runs[arm] == len(tried(curve, arm))).all()
    assert not found["capped"].any(skipna=True)
    level = found.groupby(["dose", "arm"])["mae"].mean().unstack("arm")
    assert (level["ceiling"] < level.drop(columns="ceiling").min(axis=1) - 0.05).all()


def test_the_toy_has_everything():
    assert {p.stem for p in (RESULTS / "toy").glob("*.json")} == set(EXPERIMENTS)


def test_rows_are_of_this_toy():
    """The floors of the committed rows are those of the toy that the package makes."""
    splits = dmdlite.load_dataset("toy")
    floors = dmdlite.metrics.floors(splits["test"].labels, splits["train"].labels)
    found = pd.read_csv(RESULTS / "toy/table3.csv")
    for name in ("mae", "acc2", "acc7"):
        assert found[f"floor_{name}"].tolist() == pytest.approx(
            [floors[name]] * len(found), abs=1e-5
        )


def shown_tables():
    """(notebook, Markdown in a cell's plain output) of every table of results in the book."""
    for path in sorted(BOOK.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                text = "".join(output.get("data", {}).get("text/plain", []))
                if "Ours: " in text:
                    yield path.stem, text


def test_the_chapters_show_tables():
    shown = [chapter for chapter, _ in shown_tables()]
    assert {chapter: shown.count(chapter) for chapter in set(shown)} == {
        "10_reading_the_model": 3,
        "11_the_tables": 15,
        "12_paper_against_code": 1,
        "13_the_field": 6,
    }


@pytest.mark.parametrize(("chapter", "text"), list(shown_tables()))
def test_tables_in_the_chapters_are_the_committed_ones(chapter, text):
    known = {path.read_text(encoding="utf-8").strip() for path in RESULTS.glob("*/*.md")}
    assert text.strip() in known
