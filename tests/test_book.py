"""The book's pages: names and defaults on the notation page, form of the notebooks."""

import dataclasses
import json
import os
import re
import statistics
from pathlib import Path

import list_exercises
import pytest
import yaml
from dmdlite_data.published import SHA256

import dmdlite
from dmdlite import losses

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))
OWNERS = {
    name: getattr(dmdlite, name)
    for name in ("Batch", "MultimodalDataset", "DMDOutput", "GDOutput", "DMDConfig", "losses")
}


def rows(heading_row: str) -> list[list[str]]:
    """The cells of every table row of the notation page under tables with this heading."""
    found, inside = [], False
    for line in (BOOK / "notation.md").read_text().splitlines():
        inside = line.startswith(heading_row) or (inside and line.startswith("|"))
        if inside and not line.startswith((heading_row, "|---")):
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def exists(name: str) -> bool:
    owner, _, member = name.partition(".")
    part = OWNERS[owner]
    fields = {f.name for f in dataclasses.fields(part)} if dataclasses.is_dataclass(part) else set()
    return member in fields or hasattr(part, member)


def test_every_name_of_the_notation_page_exists():
    names = [row[1].strip("`") for row in rows("| symbol | name")]
    assert len(names) > 25
    assert [name for name in names if not exists(name)] == []
    assert not exists("DMDOutput.nosuch")


def test_every_output_and_loss_is_on_the_notation_page():
    names = {row[1].strip("`") for row in rows("| symbol | name")}
    outputs = {f"DMDOutput.{f.name}" for f in dataclasses.fields(dmdlite.DMDOutput)}
    outputs |= {f"GDOutput.{name}" for name in dmdlite.GDOutput._fields}
    outputs -= {"DMDOutput.present", "DMDOutput.config", "DMDOutput.terms"}
    functions = {f"losses.{name}" for name in vars(losses) if name.endswith("_loss")}
    assert outputs | functions <= names


def test_defaults_on_the_notation_page():
    defaults = {f.name: f.default for f in dataclasses.fields(dmdlite.DMDConfig)}
    table = rows("| symbol | name | default")
    assert len(table) == 6
    for row in table:
        assert float(row[2]) == defaults[row[1].strip("`").removeprefix("DMDConfig.")]


def test_large_data_table_is_the_measured_one():
    """Bring your data, "When it is large": benchmarks/real_size.py."""
    found = json.loads((ROOT / "benchmarks/results/real_size.json").read_text())
    page = (BOOK / "bring_your_data.md").read_text()
    assert f"{found['pickle_gb']:.1f} GB, on two CPU cores" in page
    assert f"{sum(found['samples']):,} clips" in page
    sizes = [f"{found[d]['data_set_gb']:.1f} GB" for d in ("float32", "float16")]
    assert f"| step | stored as float32, {sizes[0]} | float16, {sizes[1]} |" in page
    table = re.findall(r"^\| (convert|verify|open|one epoch).*?\|(.*?)\|(.*?)\|$", page, re.M)
    steps = {"open": "first_batch", "one epoch": "train"}
    for row, *cells in table:
        for dtype, cell in zip(("float32", "float16"), cells, strict=True):
            measured = found[dtype].get(steps.get(row, row))
            digits = 1 if row == "open" else 0
            said = (
                f"{measured['seconds']:.{digits}f} s, {measured['own_gib']:.1f} GiB"
                if measured
                else ""
            )
            assert cell.strip() == said
    assert len(table) == 4


def test_published_hashes_on_the_page_are_those_checked():
    page = (BOOK / "bring_your_data.md").read_text()
    for sha256, known in SHA256.items():
        assert f"`{sha256[:8]}`" in page
        assert ", ".join(map(str, known.sizes)) in page


def test_the_list_of_exercises_is_current():
    """After a change: python tools/list_exercises.py."""
    assert (BOOK / "exercises.md").read_text() == list_exercises.page()


def headings(path: Path) -> set[str]:
    return {list_exercises.anchor(h) for h in re.findall(r"^#+ (.*)$", words(path), re.M)}


def words(path: Path) -> str:
    return list_exercises.text_of(path) if path.suffix == ".ipynb" else path.read_text()


@pytest.mark.parametrize("page", [*BOOK.glob("*.md"), *NOTEBOOKS], ids=lambda p: p.name)
def test_internal_links_resolve(page):
    prose = re.sub(r"```.*?```", "", words(page), flags=re.S)
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", prose):
        name, _, anchor = target.partition("#")
        path = BOOK / name if name else page
        assert path.exists(), target
        assert not anchor or anchor in headings(path), target


def test_every_page_is_in_the_table_of_contents():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = {toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])}
    chapters = [c for part in toc["parts"] for c in part["chapters"]]
    listed |= {s["file"] for c in chapters for s in c.get("sections", [])}
    found = [*BOOK.glob("*.md"), *NOTEBOOKS, *BOOK.glob("assignments/student/*/*.ipynb")]
    pages = {p.relative_to(ROOT).with_suffix("").as_posix() for p in found}
    assert listed == pages


@pytest.fixture(params=NOTEBOOKS, ids=lambda p: p.stem)
def notebook(request):
    return json.loads(request.param.read_text())


def code_cells(notebook):
    return [c for c in notebook["cells"] if c["cell_type"] == "code"]


def setup_cell():
    return "".join(code_cells(json.loads(NOTEBOOKS[0].read_text()))[0]["source"])


def shows_figure(cell):
    return any("image/png" in output.get("data", {}) for output in cell["outputs"])


def test_notebook_is_executed_top_to_bottom(notebook):
    cells = code_cells(notebook)
    assert [c["execution_count"] for c in cells] == list(range(1, len(cells) + 1))
    assert not any(o["output_type"] == "error" for c in cells for o in c["outputs"])
    assert "widgets" not in notebook["metadata"]
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def test_notebook_figures_have_alt_text(notebook):
    shown = [c for c in code_cells(notebook) if shows_figure(c)]
    assert shown
    for cell in shown:
        assert len(cell["metadata"]["mystnb"]["image"]["alt"]) > 60


def test_notebook_is_small_and_in_short_cells(notebook):
    cells = code_cells(notebook)[1:]  # the set-up is the same everywhere, and folded away
    lengths = sorted(len("".join(c["source"]).splitlines()) for c in cells)
    assert 15 <= len(lengths) <= 45
    assert lengths[-1] <= 30
    assert statistics.median_low(lengths) <= 9
    assert len(json.dumps([c["outputs"] for c in code_cells(notebook)])) < 500_000


def test_notebook_starts_with_a_guarded_setup_cell(notebook):
    first = "".join(code_cells(notebook)[0]["source"])
    assert first == setup_cell()
    assert "torch" not in first.lower().replace("pytorch", "")


@pytest.mark.parametrize("uploaded", [True, False])
def test_the_setup_cell_takes_an_uploaded_wheel_or_the_address(tmp_path, monkeypatch, uploaded):
    """Run as on a machine without dmdlite; what it would install is looked at."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DMDLITE_DEVICE", raising=False)
    if uploaded:
        (tmp_path / "dmdlite-1.0-py3-none-any.whl").touch()
    source = setup_cell()
    assert source.count("%pip install -q {source}") == 1
    there = []
    source = source.replace("%pip install -q {source}", "install(source)")
    source = source.replace("import dmdlite", "need()")

    def need():
        if not there:
            raise ImportError

    exec(source, {"need": need, "install": there.append})
    expected = "dmdlite-1.0-py3-none-any.whl" if uploaded else "git+https://github.com/"
    assert there[0].startswith(expected)
    assert os.environ["DMDLITE_DEVICE"] == "cpu"


def test_time_for_exercises_is_their_sum(notebook):
    text = "\n".join("".join(c["source"]) for c in notebook["cells"])
    stated = re.search(r"and (\d+) for the exercises", text)
    minutes = re.findall(r"^### Exercise \d+ – \w+ \((\d+) minutes\)", text, re.M)
    if minutes:  # the ten minutes have exercises of another form
        assert int(stated.group(1)) == sum(map(int, minutes))


def test_notebook_has_the_parts_of_a_chapter(notebook):
    text = "\n".join(
        "".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown"
    )
    for part in (
        "will be able to",
        "**Time:**",
        "**Predict.**",
        "## Exercises",
        "## Summary",
        "## Further reading",
        ":class: dropdown",
    ):
        assert part in text, part
    summary = text.split("## Summary")[1].split("##")[0]
    assert len(re.findall(r"^\d\. ", summary, re.M)) == 5


def test_every_promise_names_a_test_that_exists():
    page = (BOOK / "promises.md").read_text(encoding="utf-8")
    promised = re.findall(r"^  \*([\w ]+)\*, `(test_\w+\.py)`$", page, re.M)
    assert len(promised) == page.count("\n- ") > 10
    for name, file in promised:
        source = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert f"def test_{name.replace(' ', '_')}(" in source, f"{file}: {name}"
