"""`dmdlite reproduce` as a user runs it."""

from dataclasses import replace

import pandas as pd
import pytest

import dmdlite
from dmdlite import cli
from dmdlite.experiments import separation, sweep
from dmdlite.experiments.systems import EXPERIMENTS
from dmdlite.files import PARTIAL
from tests.conftest import SMALL
from tests.test_baselines import several

SETTINGS = [f"--set={k}={v}" for k, v in (SMALL | {"batch_size": 16}).items()]


@pytest.fixture
def reproduce(run_script, toy_folder, tmp_path):
    """reproduce("table3", ...) -> (exit code, stdout, stderr); writes to tmp_path."""

    def run(*args, data=toy_folder, out=tmp_path):
        shared = ("--data", data, "--seeds", 2, "--epochs", 1, "--jobs", 1, "--trials", 1)
        shared += ("--out", out)
        return run_script(cli.app, "reproduce", *SETTINGS, *shared, *args)

    return run


@pytest.fixture
def folder(tmp_path, toy_folder):
    return tmp_path / toy_folder.name


@pytest.mark.long
def test_everything_is_written_and_nothing_done_twice(reproduce, folder, tmp_path, monkeypatch):
    code, out, err = reproduce("all")
    assert code == 0, err
    assert "written to" in out
    for name in EXPERIMENTS:
        rows = pd.read_csv(folder / f"{name}.csv")
        assert set(rows["system"]) == set(EXPERIMENTS[name].names)
        assert set(rows["seed"]) == {0, 1}
        for column in ("config_hash", "dmdlite", "device", "seconds", "acc7", "acc2", "f1", "mae"):
            assert rows[column].notna().all()
        facts = dmdlite.files.read_json(folder / f"{name}.json")
        assert facts["seeds"] == 2
        assert facts["runs"] == len(rows)
        shown = [p.name for p in folder.glob(f"{name}*.md")]
        assert shown
        assert all((folder / stem.replace(".md", ".tex")).exists() for stem in shown)
        drawn = list(folder.glob(f"{name}*.png"))
        assert drawn or name == "claims"
        assert all(p.with_suffix(".svg").exists() for p in drawn)
    files = {p: p.read_bytes() for p in folder.iterdir()}
    monkeypatch.setattr(sweep, "carry_out", lambda *_: pytest.fail("trained again"))
    monkeypatch.setattr(separation, "picture", lambda *_: pytest.fail("drawn again"))
    code, _, err = reproduce("all")
    assert code == 0, err
    assert {p: p.read_bytes() for p in folder.iterdir()} == files
    code, listing, _ = reproduce("all", "--list")
    assert listing.count(" runs ") == len(EXPERIMENTS)
    assert "14 of  14 runs" in next(line for line in listing.splitlines() if "table3" in line)
    assert not list(tmp_path.glob(f"**/*{PARTIAL}"))


def test_listing_before_anything_is_done(reproduce):
    code, out, _ = reproduce("all", "--list")
    assert code == 0
    assert "   0 of  13 runs" in next(line for line in out.splitlines() if "table3" in line)


def test_one_table_with_folds_and_setting(reproduce, tmp_path, toy_folder):
    code, out, err = reproduce("homogd", "--folds", 2, "--setting", "aligned")
    assert code == 0, err
    name = f"{toy_folder.name}-aligned-2folds"
    rows = pd.read_csv(tmp_path / name / "homogd.csv")
    assert set(rows["folds"]) == {2}
    assert set(rows["setting"]) == {"aligned"}
    assert "paper" in out
    assert str(toy_folder.parent) not in (tmp_path / name / "homogd.csv").read_text()


def test_runs_as_cluster_jobs(reproduce, folder, tmp_path):
    pytest.importorskip("submitit", reason="make test installs the cluster extra")
    code, out, err = reproduce("homogd", "--cluster", "debug", "--job", "timeout_min=5")
    assert code == 0, err
    assert "4 jobs submitted" in out
    assert not folder.exists()  # submitted, not yet gathered


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "reproduce what? table1, table2"),
        (("table9",), "table9: no such experiment; one of table1, table2"),
        (("table3", "--setting", "sideways"), "setting: aligned or unaligned"),
        (("table3", "--folds", "-1"), "folds: 0 or more"),
        (("table3", "--folds", "500"), "folds: from 2 to"),
        (("table3", "--set", "out=x"), "--set out: not here"),
        (("table3", "--set", "dim=7"), "heads: must divide dim 7"),
        (("table3", "--job", "timeout_min"), "write NAME=VALUE"),
        (("table3", "--cluster", "nowhere"), "--cluster nowhere"),
        (("table1", "--trials", "9"), "trials: from 1 to 8, or 0"),
        (("table3", "--device", "quantum"), "device: 'quantum' cannot be used"),
    ],
)
def test_mistakes_end_in_one_line(reproduce, args, message):
    code, _, err = reproduce(*args)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("option", ["seeds", "draws"])
def test_none_of_them_is_refused_before_anything_is_trained(reproduce, monkeypatch, option):
    monkeypatch.setattr(sweep, "carry_out", lambda *_: pytest.fail("trained before it refused"))
    code, _, err = reproduce("table1", f"--{option}", 0)
    assert code == 2
    assert f"{option}: 1 or more, got 0" in err


@pytest.mark.long
def test_a_search_is_submitted_before_what_it_decides(reproduce, folder):
    pytest.importorskip("submitit", reason="make test installs the cluster extra")
    code, out, err = reproduce("table1", "--trials", 2, "--cluster", "debug")
    assert code == 0, err
    assert "36 jobs submitted" in out  # two trials of 16 systems, two seeds of two ridges
    assert "0 of  36 runs" in reproduce("table1", "--trials", 2, "--list")[1]  # debug jobs wait
    code, out, err = reproduce("table1", "--trials", 2)
    assert code == 0, err
    search = pd.read_csv(folder / "search.csv")
    rows = pd.read_csv(folder / "table1.csv")
    assert len(search) == 30
    for system, group in search.groupby("system"):
        best = group.loc[group["valid_mae"].idxmin()]
        own = rows[(rows["system"] == system) & (rows["seed"] == 0)].iloc[0]
        assert own["mae"] == pytest.approx(best["mae"])


def test_data_that_are_not_there(reproduce):
    code, _, err = reproduce("table3", data="nosuch")
    assert code == 2
    assert "nosuch" in err


@pytest.mark.parametrize("names", [("eeg", "pulse"), ("pulse", "eeg", "hands", "gaze")])
def test_data_with_modalities_of_its_own(reproduce, tmp_path, names):
    """Two, or four: ridge regression on each alone, and claims that need three are not asked."""
    splits = {}
    for seed, split in enumerate(("train", "valid", "test")):
        made = several(len(names), 16, seed)
        values = dict(zip(names, made.values.values(), strict=True))
        offsets = dict(zip(names, made.offsets.values(), strict=True))
        ids = tuple(f"{split}{i}" for i in made.ids)
        splits[split] = replace(made, values=values, offsets=offsets, ids=ids)
    dmdlite.save_dataset(tmp_path / "mine", splits, source="a test")
    for what in ("simple", "claims"):
        code, _, err = reproduce(what, data="mine", out=tmp_path / "out")
        assert code == 0, err
        assert "Traceback" not in err
    rows = pd.read_csv(tmp_path / "out" / "mine" / "simple.csv")
    alone = [f"ridge on {m}" for m in names]
    assert [s for s in dict.fromkeys(rows["system"]) if s.startswith("ridge on")] == alone
    shown = (tmp_path / "out" / "mine" / "simple.md").read_text(encoding="utf-8")
    assert all(name in shown for name in alone)
    assert "ridge on language" not in shown
    said = (tmp_path / "out" / "mine" / "claims.md").read_text(encoding="utf-8")
    assert f"of {13 if len(names) == 2 else 14} claims" in said
    assert ("In HeteroGD eeg teaches hands" in said) == (len(names) > 2)
    assert f"In HomoGD {names[0]} teaches" in said
    assert "language" not in said
    assert "vision" not in said
    listing = reproduce("simple", "--list", data="mine", out=tmp_path / "out")[1]
    assert f"{2 * (4 + len(names) + 1)} of" in listing
