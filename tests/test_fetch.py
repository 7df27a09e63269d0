"""fetch.py against a local server that holds the real ICT-MMMO files, and the MFN reader."""

import json
import subprocess
import sys
from pathlib import Path

import fetch
import from_mfn
import h5py
import numpy as np
import pytest
from dmdlite_data import download

import dmdlite
from tests.file_server import serving

REAL = Path(__file__).parents[2] / "shared" / "data" / "mmmo"
real_files = pytest.mark.skipif(not REAL.is_dir(), reason="the real ICT-MMMO files are not here")


@pytest.fixture
def server():
    with serving(REAL) as running:
        yield running


@pytest.fixture
def run_fetch(monkeypatch, run_script):
    """run_fetch("mmmo", ...) -> (exit code, stdout, stderr); data sets live in tmp_path."""
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)
    return lambda *arguments: run_script(fetch.app, *arguments)


def error_line(err: str) -> str:
    return err.strip().splitlines()[-1]


@real_files
def test_missing_file_names_its_split_and_the_rest_is_usable(server, run_fetch, tmp_path):
    code, _, err = run_fetch("mmmo", "--base-url", server.url)
    assert code == 2
    assert "text_train_emb.h5: cannot be had" in err
    assert error_line(err).startswith(
        "error: train lacks text_train_emb. The rest is usable: --splits valid,test"
    )
    assert not (tmp_path / "mmmo").exists()
    requests = {name: len(asked) for name, asked in server.log.items()}
    code, out, _ = run_fetch("mmmo", "--base-url", server.url, "--splits", "valid,test")
    assert code == 0
    assert out.count("already here") == 8
    assert {name: len(asked) for name, asked in server.log.items()} == requests
    splits = dmdlite.load_dataset("mmmo")
    assert {k: len(v) for k, v in splits.items()} == {"valid": 40, "test": 80}


@real_files
def test_values_and_labels_are_those_of_the_files(server, run_fetch, tmp_path):
    code, out, _ = run_fetch("mmmo", "--base-url", server.url, "--splits", "valid")
    assert code == 0
    valid = dmdlite.load_dataset("mmmo")["valid"]
    assert (valid.modalities, valid.widths) == (dmdlite.MODALITIES, (300, 36, 74))
    raw = h5py.File(REAL / "audio_valid.h5")["d1"][:]
    batch = valid.batch([7])
    real = batch.masks["audio"][0]
    stored = raw[7][(raw[7] != 0).any(1)].astype(np.float32)
    assert np.array_equal(batch.features["audio"][0][real].numpy(), stored)
    stars = h5py.File(REAL / "y_valid.h5")["d1"][:].reshape(-1)
    assert np.allclose(valid.labels.numpy(), (stars - 3) * 1.5)
    about = json.loads((tmp_path / "mmmo" / "dataset.json").read_text())
    assert from_mfn.COMMIT in about["source"]
    repaired = about["repaired"]["valid"]
    assert all(repaired[m]["not_finite"] == 0 for m in dmdlite.MODALITIES)
    assert "labels" not in repaired
    assert len(about["inputs"]["audio_valid.h5"]["sha256"]) == 64
    assert "audio_valid.h5: SHA-256" in out
    assert "the published file (MFN, mmmo audio_valid.h5)" in out


@real_files
def test_allow_missing_keeps_videos_without_language(server, run_fetch):
    code, out, _ = run_fetch("mmmo", "--base-url", server.url, "--allow-missing")
    assert code == 0
    assert "missing in 220 samples" in out
    train = dmdlite.load_dataset("mmmo")["train"]
    assert len(train) == 220
    assert not train.present[:, 0].any()
    assert train.present[:, 1:].all()


@real_files
def test_no_labels_no_split_even_with_allow_missing(server, run_fetch):
    server.faults["y_test.h5"] = ["missing"]
    code, _, err = run_fetch("mmmo", "--base-url", server.url, "--allow-missing")
    assert code == 2
    assert error_line(err) == ("error: test lacks y_test. The rest is usable: --splits train,valid")


@real_files
@pytest.mark.parametrize("fault", ["corrupt", "refuse", "missing"])
def test_bad_file_is_one_line_and_leaves_no_data_set(server, run_fetch, tmp_path, fault):
    server.faults["audio_valid.h5"] = [fault]
    args = ("mmmo", "--base-url", server.url, "--splits", "valid,test")
    code, _, err = run_fetch(*args)
    assert code == 2
    assert "valid lacks audio_valid" in error_line(err)
    assert "Traceback" not in err
    assert not (tmp_path / "mmmo").exists()
    server.faults.clear()
    assert run_fetch(*args)[0] == 0


@real_files
def test_truncated_transfer_and_address_from_the_environment(server, run_fetch, monkeypatch):
    monkeypatch.setenv("DMDLITE_BASE_URL", server.url)
    server.faults["text_valid_emb.h5"] = ["truncate", ""]
    assert run_fetch("mmmo", "--splits", "valid")[0] == 0
    assert server.log["text_valid_emb.h5"][1].startswith("bytes=")


@real_files
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_no_space(server, run_fetch, tmp_path):
    cache = tmp_path / "downloads" / "mmmo"
    cache.mkdir(parents=True)
    (cache / "video_valid.h5.part").symlink_to("/dev/full")
    code, _, err = run_fetch("mmmo", "--base-url", server.url, "--splits", "valid")
    assert code == 2
    assert "No space left" in error_line(err)
    assert not (tmp_path / "mmmo").exists()


@real_files
def test_as_a_user_types_it(server, tmp_path):
    script = Path(fetch.__file__)
    command = [sys.executable, str(script), "mmmo", "--splits", "valid", "--out", "here"]
    done = subprocess.run(
        [*command, "--base-url", server.url], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "valid: 40 samples" in done.stdout
    assert (tmp_path / "here" / "valid.safetensors").is_file()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nosuch"], "nosuch: unknown data set, one of mosi, mmmo"),
        (
            ["mosi", "--splits", "train,dev"],
            "--splits: unknown 'dev'; choose from train,valid,test",
        ),
        (["mosi", "--splits", ""], "--splits: unknown ''; choose"),
        (["--splits", "valid"], "Missing argument 'name'"),
        (["mosi", "--nosuch"], "No such option: --nosuch"),
        (["mosi", "--splits", "valid", "--base-url", "ftp://x"], "No connection adapters"),
        (["mosi", "--splits", "valid", "--base-url", "here"], "Invalid URL"),
    ],
)
def test_mistakes_are_one_line(run_fetch, args, message):
    code, _, err = run_fetch(*args)
    assert code == 2
    assert message in error_line(err)


def write_mosi(folder, x, y, key="data"):
    for name, content in (("X_valid", x), ("y_valid", y)):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file[key] = content


def read_mosi(folder):
    [(split, data, repairs)] = from_mfn.read_split("mosi", "valid", folder, {})
    assert split == "valid"
    return data, repairs


def test_mosi_columns_and_repairs(tmp_path):
    x = np.zeros((2, 20, 325))
    x[0, 5:, :300], x[0, 5:, 300:305], x[0, 5:, 305:] = 1, 2, 3
    x[0, 7, 301], x[0, 8, 302] = -np.inf, np.nan
    x[1, 18:, 305:] = 3  # vision only
    write_mosi(tmp_path, x, np.array([[3.4], [-1.0]]))
    data, repaired = read_mosi(tmp_path)
    assert data.widths == (300, 20, 5)
    assert [repaired[m]["not_finite"] for m in data.modalities] == [0, 0, 2]
    assert repaired["vision"]["left"] == 5 + 18
    assert data.labels.tolist() == pytest.approx([3.4, -1.0])  # cut when all are known
    assert [data.lengths(m).tolist() for m in data.modalities] == [[15, 0], [15, 2], [15, 0]]
    batch = data.batch([0])
    assert (batch.features["language"][0] == 1).all()
    assert (batch.features["vision"][0] == 3).all()
    assert batch.features["audio"][0, 2].tolist() == [2, 0, 2, 2, 2]


def test_wrong_files_are_named(tmp_path):
    with pytest.raises(dmdlite.DataError, match=r"y_valid\.h5: not a readable HDF5"):
        read_mosi(tmp_path)
    write_mosi(tmp_path, np.ones((2, 20, 325)), np.ones(2), key="other")
    with pytest.raises(
        dmdlite.DataError, match=r"X_valid|y_valid\.h5: /data: not there; found \['other'\]"
    ):
        read_mosi(tmp_path)
    write_mosi(tmp_path, np.ones((2, 20, 300)), np.ones(2))
    with pytest.raises(dmdlite.DataError, match=r"X_valid.*shape \(2, 20, 300\), expected"):
        read_mosi(tmp_path)
    write_mosi(tmp_path, np.ones((2, 20, 325)), np.array([1, np.nan]))
    with pytest.raises(dmdlite.DataError, match="labels are NaN, inf or missing"):
        read_mosi(tmp_path)
