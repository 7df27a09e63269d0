"""Numbers in the prose of the chapters come from somewhere: from what the chapter's cells print,
compute with, or show; from the paper's tables; or from a source that is named here.

Only numbers with a decimal point are looked at, and any number of the chapter that rounds to one
will do for it: the test finds what went stale, not what is misattributed.
"""

import json
import re
from functools import cache
from pathlib import Path

import pytest

from dmdlite.experiments import paper
from dmdlite.experiments.results import load_rows

BOOK = Path(__file__).resolve().parent.parent / "book"
CHAPTERS = [*sorted(p.stem for p in BOOK.glob("[0-9]*.ipynb")), "ten_minutes"]
NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?![\w]|\.\d)")
LEFT_OUT = re.compile(r"```.*?```|\{\w+\}`[^`]*`|\]\([^)]*\)|\$\$.*?\$\$", re.DOTALL)
# Where a number comes from that no cell prints. "measured": once, by hand, as the text says.
SOURCES = {
    "01_three_voices": {
        "1.5": "SENSES, a rate",
        "0.59": "measured",
        "0.69": "measured",
        "0.51": "measured",
        "0.04": "measured",
        "0.48": "mosi400_aligned-5folds/simple.md",
        "0.05": "mosi400_aligned-5folds/simple.md",
        "0.26": "mosi400_aligned-5folds/simple.md",
    },
    "02_keeping_score": {
        "5.2": "a sum by hand",
        "0.17": "1 - 0.83",
        "0.017": "the root before it",
        "1.4": "measured; an F interval",
        "0.004": "measured",
        "4.2": "measured",
    },
    "03_temporal_convolutions": dict.fromkeys(
        ("0.006", "0.008", "0.009", "0.011", "0.017", "0.028"), "measured"
    ),
    "04_decoupling": {"0.14": "measured", "0.55": "measured", "0.56": "measured"},
    "05_margin_and_orthogonality": {
        "0.71": "cos 45°",
        "0.07": "measured; half an interval",
        "0.38": "measured",
        "0.87": "measured",
        "0.98": "measured",
        "1.1": "measured",
        "0.28": "measured",
        "0.04": "measured",
    },
    "06_gd_units": {
        "1.2": "t of 4, over the root of 5",
        "0.03": "a t-test of the printed changes",
        "0.46": "measured",
        "0.75": "by hand, from the gaps",
        "0.003": "toy/weights.csv, labels unseen minus FD",
        "0.024": "toy/weights.csv, half its interval",
        "5.3": "HOMO_GD, 61.8 - 56.5",
        "9.7": "HOMO_GD, 64.1 - 54.4",
        "3.2": "a section of the paper",
    },
    "08_whole_objective": {
        "0.28": "measured",
        "0.22": "measured",
        "4.4": "Table 3, 41.9 - 37.5",
        "0.08": "mmmo-5folds/claims.csv, FD + HomoGD + CA minus FD + HomoGD",
    },
    "09_training_for_real": {
        "0.98": "benchmarks/README.md",
        "18.1": "gpu_NVIDIA_H200.json",
        "29.7": "gpu_NVIDIA_H200.json",
        "4.6": "gpu_NVIDIA_H200.json, 60 s over 13 epochs",
        "2.9": "gpu_NVIDIA_H200.json, runs, 52.6 s over 18 epochs",
        "0.0003": "gpu_NVIDIA_H200.json, repeats",
        "1.2": "gpu_NVIDIA_H200.json, compiled_run: 182.2 s less 165 s, by 14 epochs",
    },
    "10_reading_the_model": {
        "1.06": "measured",
        "0.017": "toy/fig4_numbers.csv, DMD minus FD + CA",
        "0.052": "toy/fig4_numbers.csv, half its interval",
        "0.044": "toy/fig4_numbers.csv, DMD minus FD + HomoGD + CA",
        "0.039": "toy/fig4_numbers.csv, half its interval",
    },
    "12_paper_against_code": {
        "0.46": "measured",
        "0.61": "sum_or_mean.json",
        "1.4": "100 sqrt(0.848 * 0.152 / 656)",
    },
    "13_the_field": {
        "1.895": "mmmo-5folds, floor",
        "0.071": "people.json",
        "0.081": "people.json",
        "0.156": "people.json",
    },
    "ten_minutes": {
        "0.17": "a sixth",
        "0.38": "ceiling.json",
        "0.48": "toy/fig5.csv",
        "0.88": "toy/fig5.csv",
        "1.1": "measured",
        "1.2": "measured",
        "1.4": "measured",
        "0.42": "mmmo_crossval.json",
        "0.49": "mmmo_crossval.json",
        "80.5": "toy-draws/simple.csv, ridge on language",
        "82.9": "toy-draws/simple.csv, DMD",
        "1.19": "mosi400_aligned-5folds/simple.md",
        "1.06": "mosi400_aligned-5folds/simple.md",
    },
}


def published() -> list[float]:
    """Every number of the paper that the package holds."""
    text = json.dumps([paper.TABLE_1, paper.TABLE_2, paper.TABLE_3, paper.TABLE_4, paper.TABLE_5])
    return numbers_in(text + json.dumps([paper.HOMO_GD, paper.HETERO]))


def numbers_in(text: str) -> list[float]:
    return [float(x) for x in re.findall(r"\d+\.?\d*(?:e-?\d+)?", text)]


def cells(chapter: str) -> list[dict]:
    return json.loads((BOOK / f"{chapter}.ipynb").read_text(encoding="utf-8"))["cells"]


def code(chapter: str) -> list[str]:
    """The lines of its code cells."""
    return [line for c in cells(chapter) if c["cell_type"] == "code" for line in c["source"]]


@cache
def given(chapter: str) -> list[float]:
    """What code cells say and give."""
    return numbers_in("\n".join(code(chapter))) + printed(chapter) + published()


def printed(chapter: str, first: int = 0, last: int | None = None) -> list[float]:
    """What its cells give, from the first to before the last."""
    parts = []
    for cell in cells(chapter)[first:last]:
        for output in cell.get("outputs", []):
            parts += output.get("text", [])
            parts += output.get("data", {}).get("text/plain", [])
    return numbers_in("\n".join(parts))


def prose(chapter: str) -> str:
    """Markdown cells, without formulas, code, links, tables and solutions."""
    texts = ["".join(c["source"]) for c in cells(chapter) if c["cell_type"] == "markdown"]
    text = "\n".join(t.split("## Paper against code")[0] for t in texts if "dropdown" not in t)
    lines = LEFT_OUT.sub(" ", text).splitlines()
    return "\n".join(line for line in lines if not line.startswith("|"))


def tied(number: str, known: list[float]) -> bool:
    """Whether some known number, or a hundred times it, rounds to this one."""
    digits = len(number.partition(".")[2])
    near = 0.51 * 10**-digits
    return any(abs(k * scale - float(number)) < near for k in known for scale in (1, 100))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_numbers_in_the_prose_come_from_the_chapters_cells(chapter):
    sources = SOURCES.get(chapter, {})
    in_doubt = [n for n in NUMBER.findall(prose(chapter)) if n not in sources]
    loose = [n for n in in_doubt if not tied(n, given(chapter))]
    assert not loose, f"print them in a cell, or name their source: {sorted(set(loose))}"


@pytest.mark.parametrize("chapter", SOURCES)
def test_named_sources_are_needed(chapter):
    found = set(NUMBER.findall(prose(chapter)))
    stale = [n for n in SOURCES[chapter] if n not in found or tied(n, given(chapter))]
    assert not stale


LOADED = re.compile(r'load_rows\(\s*"([^"]+)",\s*"(\w+)"')


def means(study: str, name: str) -> list[float]:
    """The mean of every measure of every system."""
    rows = load_rows(study, name)
    if "system" not in rows:
        return []
    return rows.groupby("system").mean(numeric_only=True).to_numpy().ravel().tolist()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_numbers_of_three_places_that_a_figure_s_words_give(chapter):
    """Those are of the rows loaded last, or printed near by; what is read off a picture has two."""
    loaded, loose = [], []
    for i, cell in enumerate(cells(chapter)):
        loaded += LOADED.findall("".join(cell["source"])) if cell["cell_type"] == "code" else []
        words = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
        exact = [n for n in NUMBER.findall(words) if len(n.partition(".")[2]) > 2]
        known = printed(chapter, max(0, i - 4), i + 4)
        known += [mean for rows in (loaded[-3:] if exact else []) for mean in means(*rows)]
        loose += [n for n in exact if not tied(n, known)]
    assert loose == []


def test_the_test_can_fail():
    assert tied("0.63", [0.6312])
    assert tied("83.3", [0.833])
    assert not tied("0.64", [0.6312])
    assert NUMBER.findall("0.5, 1.2.3 v2.0 [x](1.5) 3.0.") == ["0.5", "1.5", "3.0"]
