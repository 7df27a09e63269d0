"""Whatever converter is given another's file: it says in one line which script reads it."""

import pickle
import zipfile

import from_arrays
import from_csd
import from_mfn
import from_misa
import from_mmsa
import from_mult
import h5py
import numpy as np
import pytest
from dmdlite_data.formats import FORMATS, looks_like, refuse_others

from dmdlite import DataError
from tests.misa_files import clip
from tests.published_files import mmsa, mult, python2, write_csd, write_pickle

SMALL = {"text_dim": 6, "steps": 60}
CONVERTERS = {  # script -> its command, and what comes with the file
    "from_mmsa.py": (from_mmsa.app, []),
    "from_mult.py": (from_mult.app, []),
    "from_misa.py": (from_misa.app, ["--name", "demo"]),
    "from_csd.py": (from_csd.app, ["v.csd", "a.csd", "l.csd", "--folds", "mosi"]),
    "from_mfn.py": (from_mfn.app, ["--name", "mosi"]),
    "from_arrays.py": (from_arrays.app, ["--name", "demo", "--shares", "70,10,20"]),
}


def npz(path):
    np.savez(path, labels=np.ones(3), a=np.ones((3, 2, 1)), b=np.ones((3, 2, 1)))


def csv_folder(path):
    path.mkdir()
    (path / "labels.csv").write_text("id,label\nx,1\n")


def csv_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mine/labels.csv", "id,label\nx,1\n")


def hdf5(key):
    def write(path):
        with h5py.File(path, "w") as file:
            file[key] = np.ones((3, 20, 4))

    return write


def folder_of(name, write):
    def make(path):
        path.mkdir()
        write(path / name)

    return make


def pickled(make):
    return lambda path: write_pickle(path, make())


def csd(path):
    write_csd(path, {"v": (np.ones((3, 2)), np.ones((3, 2)))})


FILES = {  # file -> how it is made, and the script that reads it
    "mmsa.pkl": (pickled(lambda: mmsa(**SMALL)), "from_mmsa.py"),
    "mmsa_protocol0.pkl": (
        lambda path: write_pickle(path, mmsa(sizes=(2, 1, 1), **SMALL), 0),
        "from_mmsa.py",
    ),
    "mult.pkl": (pickled(mult), "from_mult.py"),
    "mult_python2.pkl": (lambda path: path.write_bytes(python2(mult())), "from_mult.py"),
    "train.pkl": (pickled(lambda: [clip()]), "from_misa.py"),
    "mag.pkl": (pickled(lambda: {"train": [], "dev": [clip()]}), "from_misa.py"),
    "misa": (folder_of("dev.pkl", pickled(lambda: [clip()])), "from_misa.py"),
    "words.csd": (csd, "from_csd.py"),
    "sdk": (folder_of("words.csd", csd), "from_csd.py"),
    "X_train.h5": (hdf5("data"), "from_mfn.py"),
    "audio_train.h5": (hdf5("d1"), "from_mfn.py"),
    "mfn": (folder_of("y_train.h5", hdf5("data")), "from_mfn.py"),
    "mine.npz": (npz, "from_arrays.py"),
    "mine": (csv_folder, "from_arrays.py"),
    "mine.zip": (csv_zip, "from_arrays.py"),
}


@pytest.mark.parametrize("file", FILES)
def test_a_format_is_told(tmp_path, file):
    make, script = FILES[file]
    make(tmp_path / file)
    assert looks_like(tmp_path / file) == script
    refuse_others(tmp_path / file, script)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("script", CONVERTERS)
def test_the_right_script_is_named(run_script, tmp_path, monkeypatch, script, file):
    monkeypatch.chdir(tmp_path)
    make, right = FILES[file]
    if right == script:
        return
    make(tmp_path / file)
    app, options = CONVERTERS[script]
    code, _, err = run_script(app, file, *options)
    assert code == 2
    last = err.strip().splitlines()[-1]
    assert last.startswith(f"error: {file}: looks like {FORMATS[right][0]}")
    assert f"python data_scripts/{right} " in last
    assert "Traceback" not in err
    assert not (tmp_path / "demo").exists()


def other_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x")


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n and no more"),
        hdf5("other"),
        lambda path: path.write_bytes(b"PK\x03\x04 and no more"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("id,label\n1,2\n"),
        lambda path: path.mkdir(),
        lambda path: write_pickle(path, {"train": {"text": [1]}}),
        lambda path: write_pickle(path, [1, 2]),
        lambda path: write_pickle(path, [[[1, 2]], "x"]),
        lambda path: write_pickle(path, {}),
        lambda path: None,
        other_zip,
    ],
)
def test_what_is_of_no_known_form_is_of_none(tmp_path, make):
    make(tmp_path / "x")
    assert looks_like(tmp_path / "x") is None
    for script in FORMATS:
        refuse_others(tmp_path / "x", script)


def test_a_pickle_is_looked_at_without_running_it(tmp_path, capsys):
    class Runs:
        def __reduce__(self):
            return print, ("executed",)

    (tmp_path / "x.pkl").write_bytes(pickle.dumps([((1, 2, Runs()), 1.0, "v")]))
    assert looks_like(tmp_path / "x.pkl") is None
    assert "executed" not in capsys.readouterr().out


def test_links_out_of_an_hdf5_file_are_not_followed(tmp_path):
    hdf5("data")(tmp_path / "other.h5")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["data"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "data")
    assert looks_like(tmp_path / "x.h5") is None
    with pytest.raises(DataError, match="from_mfn"):
        refuse_others(tmp_path / "other.h5", "from_csd.py")
