"""Shared fixtures: small data and a small model, so that the suite stays quick."""

import os
import pickle
import signal

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test asks the network
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"  # but a server of its own

import pytest
import torch
import verify
from dmdlite_data.published import SHA256
from filelock import FileLock
from hypothesis import settings

import dmdlite
from dmdlite.cli import main, run_app
from dmdlite.data.toy import make_toy
from tests.answers_there import theirs  # noqa: F401, a fixture

for setting in [name for name in os.environ if name.startswith("DMDLITE_")]:
    del os.environ[setting]  # of whoever runs the tests

torch.set_num_threads(1)
settings.register_profile("suite", deadline=None, max_examples=20)
settings.load_profile("suite")


def hears_ctrl_c() -> None:
    """In a child before it starts: a shell's background ignores SIGINT, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


SMALL = {"dim": 8, "heads": 2, "layers": 1, "gd_hidden": 4}


@pytest.fixture(scope="session")
def toy():
    """A toy of 64 / 32 / 32 clips."""
    return make_toy(seed=0, sizes=(64, 32, 32))


@pytest.fixture
def model(toy):
    """A small untrained DMD for the toy, in evaluation mode."""
    dmdlite.seed_everything(0)
    return dmdlite.DMD(dmdlite.DMDConfig.for_dataset(toy["train"], **SMALL)).eval()


@pytest.fixture(autouse=True)
def no_device_named(monkeypatch):
    """A chapter's first cell names one, for the rest of the process."""
    monkeypatch.delenv("DMDLITE_DEVICE", raising=False)


@pytest.fixture(scope="session")
def assignment(tmp_path_factory, testrun_uid):
    """assignment(name) -> its folder, built once for all processes of this run of the tests."""
    from assignments import build

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    root = shared / f"assignments-{testrun_uid}"

    def folder(name):
        root.mkdir(exist_ok=True)
        with FileLock(root / f"{name}.lock"):
            if not (root / f"{name}.done").exists():
                build(name, root)
                (root / f"{name}.done").touch()
        return root / name

    return folder


@pytest.fixture(scope="session")
def toy_folder(toy, tmp_path_factory):
    """The same toy as a folder in the on-disk format."""
    folder = tmp_path_factory.mktemp("data") / "small"
    dmdlite.save_dataset(folder, toy, source="toy")
    return folder


@pytest.fixture
def run_script(monkeypatch, capsys, tmp_path):
    """run_script(app, *arguments) -> (exit code, stdout, stderr); data sets live in tmp_path."""
    monkeypatch.setenv("DMDLITE_DATA", str(tmp_path))

    def run(app, *arguments):
        monkeypatch.setattr("sys.argv", ["script", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            run_app(app)
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err

    return run


@pytest.fixture(scope="session")
def trained(toy, tmp_path_factory):
    """A run's folder."""
    out = tmp_path_factory.mktemp("runs") / "small"
    dmdlite.seed_everything(0)
    model = dmdlite.DMD(dmdlite.DMDConfig.for_dataset(toy["train"], **SMALL))
    dmdlite.fit(model, toy, dmdlite.TrainConfig(epochs=1, out=str(out), progress=False))
    return out


@pytest.fixture
def run_cli(monkeypatch, capsys):
    """run_cli("train", ...) -> (exit code, stdout, stderr)."""

    def run(*args):
        monkeypatch.setattr("sys.argv", ["dmdlite", *map(str, args)])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err

    return run


@pytest.fixture
def convert_pickle(run_script, tmp_path, monkeypatch):
    """convert_pickle(app, content, *options) -> (splits, or None if refused; stdout; stderr)"""
    monkeypatch.chdir(tmp_path)

    def convert(app, content, *options, protocol=4):
        raw = content if isinstance(content, bytes) else pickle.dumps(content, protocol)
        (tmp_path / "x.pkl").write_bytes(raw)
        code, out, err = run_script(app, "x.pkl", "--name", "demo", *options)
        assert code in (0, 2), err
        return (dmdlite.load_dataset("demo") if code == 0 else None), out, err

    return convert


@pytest.fixture
def verified(run_script, tmp_path):
    """verified(splits, *options, **manifest) -> exit code, {check: [(status, what it says)]}"""

    def run(data, *options, **manifest):
        manifest = {"inputs": {"x": {"sha256": next(iter(SHA256)), "bytes": 1}}, **manifest}
        dmdlite.save_dataset(tmp_path / "planted", data, "test", **manifest)
        code, out, err = run_script(verify.app, "planted", "--figure", tmp_path / "x.png", *options)
        assert "Traceback" not in err
        found = {}
        for line in out.splitlines():
            for status in ("ok", "note", "FAIL"):
                head, found_status, says = line.partition(f"  {status:4}  ")
                if found_status:
                    found.setdefault(head.strip(), []).append((status, says))
        return code, found

    return run
