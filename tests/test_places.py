"""What commands write never takes the place of anything else, and one folder has one writer."""

import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import verify

from dmdlite import DataError
from dmdlite.checkpoint import FEATURES, RUN_FILES
from dmdlite.experiments.writing import check_place
from dmdlite.files import PARTIAL, claimed, ours
from tests.test_training import SETTINGS, train

MINE = {
    "config.json": '{"database": "mine"}',
    "metrics.json": '{"accuracy": 0.93}',
    "history.csv": "epoch,loss\n1,0.3\n",
    "thesis.txt": "years of work",
}


@pytest.fixture
def mine(tmp_path):
    """A person's folder with files that are called as ours are."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, text in MINE.items():
        (folder / name).write_text(text)
    return folder


def content(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def one_line(err):
    assert "Traceback" not in err
    return err.strip().splitlines()[-1]


@pytest.mark.parametrize("more", [(), ("--resume",), ("--device", "cuda:77"), ("--epochs", "0")])
def test_train_leaves_a_persons_folder_alone(run_cli, toy_folder, mine, more):
    before = content(mine)
    code, _, err = run_cli("train", "--data", toy_folder, "--out", mine, *SETTINGS, *more)
    assert code == 2
    if more in ((), ("--resume",)):
        assert "holds something else than a run; choose another folder" in one_line(err)
    assert content(mine) == before


@pytest.mark.parametrize("name", ["history.csv", "metrics.json", "checkpoint.pt", "notes.md"])
def test_any_one_file_of_a_persons_is_enough(toy, tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(DataError, match="holds something else than a run"):
        train(toy, tmp_path, epochs=1)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_run_may_have_other_files_beside_it_and_be_run_again(toy, tmp_path):
    (tmp_path / ".DS_Store").write_text("")
    (tmp_path / f"checkpoint.pt{PARTIAL}").write_text("a killed process's")
    train(toy, tmp_path, epochs=1)
    (tmp_path / "predictions.csv").write_text("id\n")
    train(toy, tmp_path, epochs=2)
    assert {*RUN_FILES, "predictions.csv"} - {FEATURES} <= {p.name for p in tmp_path.iterdir()}
    for name in ("config.json", "model.safetensors", "metrics.json", "history.csv"):
        (tmp_path / name).unlink()  # as if killed before they were written
    (tmp_path / "predictions.csv").unlink()
    train(toy, tmp_path, epochs=3, resume=True)


def commands(folder, trained):
    quick = ("--set", "epochs=1", *SETTINGS)
    return {
        "reproduce": ("reproduce", "fig1a", "--data", folder, "--seeds", 1, "--epochs", 1),
        "crossval": ("crossval", "--data", folder, "--folds", 2, "--repeats", 1, *quick),
        "predict": ("predict", trained, "--data", folder),
    }


@pytest.mark.parametrize(
    ("command", "out"),
    [
        ("reproduce", ""),
        ("crossval", "metrics.json"),
        ("crossval", "thesis.txt"),
        ("predict", "thesis.txt"),
        ("predict", "history.csv"),
    ],
)
def test_other_commands_leave_a_persons_files_alone(
    run_cli, toy, toy_folder, mine, tmp_path, command, out
):
    train(toy, tmp_path / "run", epochs=1)
    before = content(mine)
    arguments = commands(toy_folder, tmp_path / "run")[command]
    code, _, err = run_cli(*arguments, "--out", mine / out)
    assert code == 2
    assert "holds something else than" in one_line(err)
    assert content(mine) == before


def test_reproduce_goes_on_beside_tables_whose_runs_are_gone(tmp_path):
    """As in a clone of the repository, which has the tables and not the runs."""
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "table3.json").write_text("{}")
    check_place(tmp_path)
    (tmp_path / "thesis").mkdir()
    with pytest.raises(DataError, match="holds something else than runs"):
        check_place(tmp_path)


def test_verify_leaves_a_persons_picture_alone(run_script, toy_folder, tmp_path):
    picture = tmp_path / "small_overview.png"
    picture.write_bytes(b"\x89PNG of my own")
    code, _, err = run_script(verify.app, toy_folder, "--figure", picture)
    assert (code, "holds something else" in one_line(err)) == (2, True)
    assert picture.read_bytes() == b"\x89PNG of my own"
    for name in ("new.png", "new.svg", "new.pdf"):
        for _ in range(2):  # its own may be drawn anew
            assert run_script(verify.app, toy_folder, "--figure", tmp_path / name)[0] == 0


def test_ours_may_be_replaced(tmp_path):
    path = tmp_path / "grades.csv"
    assert ours(path, "submission,") == path
    path.write_text("")
    ours(path, "submission,")
    path.write_text("submission,q1\n")
    ours(path, "submission,")
    path.write_text("name,mark\n")
    with pytest.raises(DataError, match="holds something else"):
        ours(path, "submission,")


HOLDS = """
import sys, time
from pathlib import Path
from dmdlite.files import claimed
with claimed(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def held(tmp_path):
    """A folder that a living process writes in; `kill` ends that process as the system would."""
    folder = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", HOLDS, folder], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    yield folder, process
    process.kill()
    process.wait()


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_run_in_a_folder_is_refused(toy, held, resume):
    folder, process = held
    with pytest.raises(DataError, match="another process writes into this folder"):
        train(toy, folder, epochs=1, resume=resume)
    assert not folder.exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    train(toy, folder, epochs=1, resume=resume)  # a killed process holds nothing


def test_a_second_reproduce_is_refused(run_cli, toy_folder, held):
    folder, _ = held
    command = ("reproduce", "fig1a", "--data", toy_folder, "--seeds", 1, "--epochs", 1, "--jobs", 1)
    code, _, err = run_cli(*command, "--out", folder)
    assert code == 2
    assert "another process writes into this folder" in one_line(err)
    assert run_cli(*command, "--out", folder, "--list")[0] == 0  # looking is allowed


def test_a_folder_is_one_folder_by_any_name(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    monkeypatch.chdir(tmp_path / "run")
    with claimed(tmp_path / "run"):
        for other in (Path(), Path("../run"), tmp_path / "link"):
            with pytest.raises(DataError, match="another process"), claimed(other):
                pass


@pytest.mark.parametrize("limit", [3_000, 30_000])
def test_a_disk_that_is_full_leaves_the_earlier_run_whole(toy, toy_folder, tmp_path, limit):
    train(toy, tmp_path / "run", epochs=1)
    before = content(tmp_path)
    bound = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # noqa: E731
    command = [sys.executable, "-m", "dmdlite", "train", "--data", toy_folder, "--seed", "7"]
    command += ["--epochs", "2", "--out", tmp_path / "run", *SETTINGS]
    done = subprocess.run(list(map(str, command)), preexec_fn=bound, capture_output=True, text=True)
    assert done.returncode == 2
    assert "checkpoint.pt: cannot be written (File too large)" in one_line(done.stderr)
    assert content(tmp_path) == before


def test_a_disk_that_is_full_while_results_are_written(toy, tmp_path, monkeypatch):
    """What comes after the first checkpoint is named, too: model, scores, tables, pictures."""

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dmdlite.base.save", full)
    with pytest.raises(OSError, match=r"model\.safetensors: cannot be written \(No space left"):
        train(toy, tmp_path, epochs=1)
    assert not (tmp_path / "model.safetensors").exists()
    monkeypatch.undo()
    train(toy, tmp_path, epochs=1, resume=True)  # nothing of the training is lost
    assert (tmp_path / "model.safetensors").exists()


def test_a_read_only_folder_is_named(run_cli, toy_folder, tmp_path, monkeypatch):
    original = Path.mkdir

    def refuses(path, *more, **options):
        if tmp_path in path.parents:
            raise PermissionError(13, "Permission denied")
        original(path, *more, **options)

    monkeypatch.setattr(Path, "mkdir", refuses)
    code, _, err = run_cli("train", "--data", toy_folder, "--out", tmp_path / "a/b", *SETTINGS)
    assert code == 2
    assert "b/checkpoint.pt: cannot be written (Permission denied)" in one_line(err)


def test_json_stays_json(tmp_path):
    from dmdlite.files import write_json

    write_json(tmp_path / "x.json", {"a": float("nan"), "b": [float("inf"), -float("inf"), 1.5]})
    strict = json.loads((tmp_path / "x.json").read_text(), parse_constant=lambda name: 1 / 0)
    assert strict == {"a": None, "b": [None, None, 1.5]}
