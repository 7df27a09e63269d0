"""The rooms of the package: what a newcomer sees before opening a file is true."""

import ast
import functools
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dmdlite"
MODULES = sorted(p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.py"))
CHAPTERS = {int(p.name[:2]): p for p in (ROOT / "book").glob("[0-9][0-9]_*.ipynb")}
PAGES = [*(ROOT / "book").rglob("*.ipynb"), *(ROOT / "book").glob("*.md"), ROOT / "README.md"]
METHOD = ("config", "encoders", "losses", "gd_unit", "attention", "model", "training", "metrics")


@functools.cache
def first_line(module):
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "-").splitlines()[0]


def named_chapters(module):
    """The chapters that a module's first line names."""
    found = re.search(r"Chapters? ([\d, and]+)", first_line(module))
    return {int(n) for n in re.findall(r"\d+", found[1])} if found else set()


def linked_modules(number):
    """The modules that a chapter links to, a room by its __init__.py."""
    address = r"https://github\.com/[\w-]+/[\w-]+/blob/main/dmdlite/([\w/.]+)\)"
    found = re.findall(address, CHAPTERS[number].read_text(encoding="utf-8"))
    return {path if path.endswith(".py") else f"{path}/__init__.py" for path in found}


@pytest.mark.parametrize("module", MODULES)
def test_first_line_says_what_a_module_holds(module):
    line = first_line(module)
    assert line.endswith((".", ":"))
    assert len(line) <= 100
    assert named_chapters(module) <= set(CHAPTERS)


def equations(line):
    """ "(Eq. 2-6 and 11, Chapters 4, 5 and 8)" -> {2, 3, 4, 5, 6, 11}"""
    said = re.search(r"Eq\. ([\d, and-]+?)(?:, Chapter|\))", line)
    parts = re.findall(r"(\d+)(?:-(\d+))?", said[1] if said else "")
    return {n for first, last in parts for n in range(int(first), int(last or first) + 1)}


def test_the_method_names_its_chapters_and_equations():
    lines = [first_line(f"{module}.py") for module in METHOD]
    assert all(named_chapters(f"{module}.py") for module in METHOD)
    assert set().union(*map(equations, lines)) == set(range(1, 12))


@pytest.mark.parametrize("number", CHAPTERS)
def test_chapters_and_modules_name_each_other(number):
    named = {module for module in MODULES if number in named_chapters(module)}
    assert linked_modules(number) == named
    assert named


def test_the_top_level_is_the_paper():
    top = [module for module in MODULES if "/" not in module]
    assert len(top) <= 23
    assert sum(len((PACKAGE / m).read_text(encoding="utf-8").splitlines()) for m in top) < 2700


def test_every_module_is_on_the_reference_page():
    page = (ROOT / "book" / "reference.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"automodule:: dmdlite\.([\w.]+)", page))
    names = {m.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for m in MODULES}
    commands = {
        "cli",
        "commands",
        "commands.options",
        "experiments.reproduce",
        "grading.command",
        "__main__",
    }
    inner = {n for n in names if n.startswith(("checks.", "grading."))}
    assert listed <= names
    assert names - listed <= commands | inner | {
        "__init__",
        "checks",
        "grading",
        "data.validation",
        "plots.style",
    }


def test_data_scripts_shows_commands_alone():
    """What they share is a package of a name that nothing else has."""
    for path in (ROOT / "data_scripts").glob("*.py"):
        assert 'if __name__ == "__main__":' in path.read_text(encoding="utf-8"), path.name
    assert not {"checks", "scan", "reading"} & {p.stem for p in ROOT.glob("data_scripts/*.py")}


def test_readme_s_map_leads_somewhere():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("| to see |")[2].partition("\n\n")[0]
    rows = table.splitlines()[2:]
    assert 8 <= len(rows) <= 14
    for path in re.findall(r"\]\(([\w/.]+)\)", table):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("dmdlite", "testbed"),
        ("dmdlite.testbed", "try_unit"),
        ("dmdlite.crossval", "ridge"),
        ("dmdlite.measure", "measured"),
        ("dmdlite.checks", "require"),
        ("dmdlite.metrics", "sentiment_metrics"),
        ("dmdlite.losses", "task_loss"),
        ("dmdlite.attention", "positions"),
        ("dmdlite.encoders", "masked_mean"),
        ("dmdlite.encoders", "last_step"),
        ("dmdlite.model", "DMDOutput"),
        ("dmdlite.training", "forward_all"),
        ("dmdlite.gd_unit", "discrepancy"),
        ("dmdlite.data", "Batch"),
    ],
)
def test_names_that_others_rely_on_stay(module, name):
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_what_a_page_names_is_there(page):
    """`dmdlite.encoders.last_step` in prose: modules first, then their attributes."""
    for name in set(re.findall(r"`(dmdlite(?:\.\w+)+)`", page.read_text(encoding="utf-8"))):
        pkgutil.resolve_name(name)
