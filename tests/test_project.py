"""The repository hangs together: dependency lists, the one place for its address, file sizes."""

import re
import shutil
import subprocess
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from set_repo import SINGLE_SOURCE, addresses, set_repo, text_files

import dmdlite

try:
    import tomllib
except ImportError:  # Python 3.10; pytest brings tomli there
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REPOSITORY = (ROOT / SINGLE_SOURCE).read_text().strip()


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    found = [Requirement(r) for r in [*PROJECT["dependencies"], *(r for e in extras for r in e)]]
    return [r for r in found if r.name != PROJECT["name"]]  # an extra may take in another


def test_constraints_pin_every_requirement_within_its_bounds():
    for requirement in requirements():
        version = pins()[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_a_pin_installs_on_the_oldest_python_and_on_the_newest():
    """One list for all of them: a pin made on one Python may leave another out."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
    pythons = workflow["jobs"]["linux"]["strategy"]["matrix"]["python"]
    assert PROJECT["requires-python"] == f">={pythons[0]}"
    tried = 0
    for found in distributions():
        wants = found.metadata.get("Requires-Python")
        if wants and canonicalize_name(found.name) in pins():
            tried += 1
            assert all(SpecifierSet(wants).contains(f"{p}.0") for p in pythons), found.name
    assert tried > 100


def test_every_requirement_has_a_lower_bound_and_a_reason():
    text = (ROOT / "pyproject.toml").read_text()
    for requirement in requirements():
        assert any(s.operator == ">=" for s in requirement.specifier), requirement
        assert re.search(rf'"{requirement.name}[^"]*",? +# \w', text), requirement


def test_conda_environment_installs_the_same_lists():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    extras = re.search(r"^EXTRAS := (.*)$", (ROOT / "Makefile").read_text(), re.M).group(1)
    assert pip == ["-c constraints.txt", f"-e .[{extras}]"]
    apart = {"classroom", "video", "pages"}  # installed by who needs them, or by a verb
    assert set(extras.split(",")) == set(PROJECT["optional-dependencies"]) - apart
    assert f"python{PROJECT['requires-python']}" in environment["dependencies"]


def test_ci_runs_both_halves_of_the_tests_and_nothing_more():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [x for x in lines if x and not x.startswith(("#", "set "))]
    assert commands == ['exec make -C "$(dirname "$0")/.." test test-long']
    chosen = re.findall(r' -m (".*"|\w+)$', (ROOT / "Makefile").read_text(), re.M)
    assert chosen == ['"not long"', "long"]
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    assert "run: make test test-long\n" in workflow


def test_the_version_is_the_same_everywhere():
    version = PROJECT["version"]
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    assert dmdlite.__version__ == version
    assert config["sphinx"]["config"]["version"] == version
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
    assert f"version = {{{version}}}" in (ROOT / "book" / "cite.md").read_text()
    assert re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)[1] == version


def test_the_citation_file_has_what_the_format_asks_for():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    for work in [citation, *citation["references"]]:
        assert work["type"] in ("software", "conference-paper")
        assert all({"name"} == set(a) or {"family-names"} <= set(a) for a in work["authors"])


# Whoever holds an address decides what is behind it, so each has a reason to be here.
ADDRESSES = {
    "github.com": {REPOSITORY, "yaohungt/Multimodal-Transformer", "thuiar/MMSA", "pliang279/MFN"}
    | {"CMU-MultiComp-Lab/CMU-MultimodalSDK"},  # data and code of others, to read
    "raw.githubusercontent.com": {"pliang279/MFN"},  # data, by published hash
    "download.pytorch.org": {"whl/cpu"},  # PyTorch's own
    f"{REPOSITORY.split('/')[0]}.github.io": {REPOSITORY.split("/")[1]},
    "colab.research.google.com": {f"github/{REPOSITORY}", "assets/colab-badge.svg", ""},
    "otter-grader.readthedocs.io": {""},
    "dolos.ugent.be": {""},
    "semver.org": {""},
    "127.0.0.1": {""},
    "www.w3.org": {"2000/svg"},  # the name of a format
}


def test_no_address_but_those_listed():
    pattern = re.compile(r"https?://([\w.-]+[.]\w+)(?:/([\w./-]*))?")
    files = [p for p in text_files(ROOT) if p.parent.name != "tests"]
    files += [p for p in (ROOT / "_static").iterdir() if p.suffix != ".png"]
    files += [*ROOT.glob("dmdlite/*/*.js"), ROOT / "Makefile"]
    for path in files:
        for host, place in pattern.findall(path.read_text(encoding="utf-8")):
            allowed = ADDRESSES.get(host, set())
            known = any(not a or f"{place}/".startswith(f"{a}/") for a in allowed)
            assert known, f"{path.name} names {host}/{place}"


def test_workflows_run_what_github_makes_and_nothing_of_strangers():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        assert "contents: read" in text, path
        assert all(used.startswith("actions/") for used in re.findall(r"uses: (\S+)", text)), path
        assert not re.search(r"\|\s*(?:ba)?sh\b", text), path
        images = re.findall(r"\S+/\S+/runtime\b", text)
        assert set(images) <= {"us-docker.pkg.dev/colab-images/public/runtime"}, path


def test_repository_is_named_the_same_everywhere():
    name = REPOSITORY.split("/")[1]
    pattern = re.compile(
        r"(?:github\.com|colab\.research\.google\.com/github|raw\.githubusercontent\.com)/"
        rf"([\w-]+/{re.escape(name)})\b|https://([\w-]+)\.github\.io/{re.escape(name)}"
    )
    found = set()
    for path in text_files(ROOT):
        if path.parent.name == "tests":
            continue
        for match in pattern.finditer(path.read_text(encoding="utf-8")):
            assert (match.group(1) or f"{match.group(2)}/{name}") == REPOSITORY, path
            found.add(path.name)
    assert {"README.md", "_config.yml", "CITATION.cff", "setup.md", "ten_minutes.ipynb"} <= found


@pytest.fixture
def copy(tmp_path):
    """A copy of the tracked files, as a git repository."""
    for path in text_files(ROOT):
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def test_set_repo_repoints_everything_and_back(copy):
    before = {p: p.read_bytes() for p in text_files(copy)}
    changed = set_repo(copy, "ada/teaching-dmd")
    names = {p.name for p in changed}
    assert {"README.md", "_config.yml", "CITATION.cff", "06_gd_units.ipynb"} <= names
    for path in text_files(copy):
        text = path.read_text(encoding="utf-8")
        assert not any(old in text for old in addresses(REPOSITORY)), path
    assert "ada.github.io/teaching-dmd" in (copy / "README.md").read_text()
    set_repo(copy, REPOSITORY)
    assert {p: p.read_bytes() for p in text_files(copy)} == before


@pytest.mark.parametrize("bad", ["", "nosuch", "a/b/c", "https://github.com/a/b", "a /b"])
def test_set_repo_refuses_what_is_no_name(copy, bad):
    before = (copy / SINGLE_SOURCE).read_text()
    with pytest.raises(ValueError, match="write owner/name"):
        set_repo(copy, bad)
    assert (copy / SINGLE_SOURCE).read_text() == before


def test_python_files_are_short():
    sizes = {p: len(p.read_text().splitlines()) for p in text_files(ROOT) if p.suffix == ".py"}
    assert {p.name: n for p, n in sizes.items() if n > 250} == {}


def test_no_path_of_one_machine_is_written_down():
    folders = re.compile(r"(?<![\w.])/(?:root|home|work|tmp|Users)/\w")
    for path in text_files(ROOT):
        hits = [m.group() for m in folders.finditer(path.read_text(encoding="utf-8"))]
        assert hits == [], path
