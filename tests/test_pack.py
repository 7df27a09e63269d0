"""The zip for who has no git: what a learner needs, and nothing that a teacher keeps."""

import subprocess
import zipfile
from io import BytesIO

import pack
import pytest


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    made = pack.pack(tmp_path_factory.mktemp("packed") / "new" / "dmd-book.zip")
    assert sorted(p.name for p in made.parent.iterdir()) == [made.name]
    return zipfile.ZipFile(made)


def test_it_holds_notebooks_package_and_wheel(course):
    names = set(course.namelist())
    assert {"pyproject.toml", "README.md", "book/06_gd_units.ipynb", "dmdlite/model.py"} <= names
    assert "book/assignments/student/a1/a1.ipynb" in names
    assert not any(n.startswith("book/assignments/a") for n in names)  # with solutions
    assert not any(n.startswith(("tests/", "build/", ".git")) for n in names)
    (wheel,) = (n for n in names if n.endswith(".whl"))
    inside = zipfile.ZipFile(BytesIO(course.read(wheel))).namelist()
    assert {"dmdlite/plots/arithmetic.js", "dmdlite/plots/playgrounds.js"} <= set(inside)
    assert "dmdlite/results/toy/table1.csv" in inside


def test_nothing_is_left_in_the_checkout(course):
    assert not (pack.ROOT / "build").exists()  # setuptools' own, beside what it builds


def test_a_build_that_fails_leaves_the_old_zip(tmp_path, monkeypatch):
    old = tmp_path / "dmd-book.zip"
    old.write_text("old")
    monkeypatch.setattr(pack, "TOP", ("README.md",))  # without a pyproject nothing can be built
    with pytest.raises(subprocess.CalledProcessError):
        pack.pack(old)
    assert old.read_text() == "old"
    assert list(tmp_path.iterdir()) == [old]
