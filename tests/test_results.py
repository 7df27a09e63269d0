"""Committed measurements: read from the checkout, and shipped with an installed package."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dmdlite import DataError
from dmdlite.experiments import results

ROOT = Path(__file__).resolve().parent.parent


def test_what_was_measured_is_read_without_a_network():
    assert results.load_result("real_size")["float32"]["train"]["seconds"] > 0
    assert results.load_rows("toy", "table3")["seed"].nunique() == 5
    with pytest.raises(DataError, match=r"nosuch\.json: no such file"):
        results.load_result("nosuch")
    with pytest.raises(FileNotFoundError, match=r"nosuch\.csv"):
        results.load_rows("toy", "nosuch")


def test_an_installed_package_brings_them(tmp_path):
    """The wheel that pip builds holds every table and every benchmark, as on Colab."""
    copy = tmp_path / "copy"  # setuptools leaves a build folder beside what it builds
    copy.mkdir()
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, copy)
    for name in ("dmdlite", "benchmarks"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", tmp_path, copy], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    rows = {p.relative_to(ROOT).as_posix() for p in results.ROWS.glob("*/*.csv")}
    assert rows <= names
    measured = {f"dmdlite/results/benchmarks/{p.name}" for p in results.BENCHMARKS.glob("*.json")}
    assert measured <= names
    code = {p.relative_to(ROOT).as_posix() for p in (ROOT / "dmdlite").rglob("*.py")}
    assert code <= names
