"""HDF5 files that reach for other files, or promise more than they hold, are refused."""

import h5py
import numpy as np
import pytest
from dmdlite_data.safe_hdf5 import ALWAYS, open_hdf5, read_array

from dmdlite import DataError


@pytest.fixture
def secret(tmp_path):
    """Another file, that none of the hostile ones may reach."""
    path = tmp_path / "secret.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.arange(3.0)
    (tmp_path / "secret.bin").write_bytes(np.arange(3.0).tobytes())
    return path


def external_link(file, secret):
    file["data"] = h5py.ExternalLink(str(secret), "/data")


def soft_link(file, secret):
    file["other"] = np.arange(3.0)
    file["data"] = h5py.SoftLink("/other")


def external_storage(file, secret):
    raw = str(secret.with_suffix(".bin"))
    file.create_dataset("data", (3,), "f8", external=[(raw, 0, 24)])


def virtual(file, secret):
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource(str(secret), "data", (3,))
    file.create_virtual_dataset("data", layout)


def terabyte_unwritten(file, secret):
    file.create_dataset("data", (1 << 40,), "f8", chunks=(1 << 16,))


def compression_bomb(file, secret):
    file.create_dataset("data", data=np.zeros(ALWAYS // 2), compression="gzip")


def group_for_an_array(file, secret):
    file.create_group("data")


def compound(file, secret):
    file["data"] = np.zeros(2, dtype=[("a", "f8"), ("b", "i4")])


def references(file, secret):
    file["x"] = 1.0
    file.create_dataset("data", data=[file["x"].ref], dtype=h5py.ref_dtype)


def ragged(file, secret):
    file.create_dataset("data", (2,), dtype=h5py.vlen_dtype(np.float64))


def text(file, secret):
    file["data"] = np.array([b"hello"])


def nothing(file, secret):
    file["other"] = 1.0


HOSTILE = {
    external_link: "refused, a ExternalLink that points elsewhere",
    soft_link: "refused, a SoftLink that points elsewhere",
    external_storage: "refused, its data lies in another file",
    virtual: "refused, its data lies in another file",
    terabyte_unwritten: r"refused, shape \(1099511627776,\)",
    compression_bomb: r"refused, shape .* bytes, with \d+ in the file",
    group_for_an_array: "a group, expected an array",
    compound: "expected numbers",
    references: "expected numbers",
    ragged: "expected numbers",
    text: "expected numbers",
    nothing: r"not there; found \['other'\]",
}


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
def test_hostile_files_are_refused(tmp_path, secret, make):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        make(file, secret)
    with (
        pytest.raises(DataError, match=rf"x\.h5: /.*{HOSTILE[make]}"),
        open_hdf5(tmp_path / "x.h5") as file,
    ):
        read_array(file, "data")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89HDF\r\n\x1a\n" + bytes(40)])
def test_files_that_are_no_hdf5(tmp_path, content):
    (tmp_path / "x.h5").write_bytes(content)
    with (
        pytest.raises(DataError, match=r"x\.h5: not a readable HDF5 file"),
        open_hdf5(tmp_path / "x.h5"),
    ):
        pass


def test_honest_arrays_are_read(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["numbers"] = np.arange(6).reshape(2, 3)
        file["words"] = np.array([b"a", b"bc"])
        file.create_dataset("packed", data=np.random.rand(1000), compression="gzip")
        file.create_dataset("strings", data=["x"], dtype=h5py.string_dtype())
    with open_hdf5(tmp_path / "x.h5") as file:
        assert read_array(file, "numbers").tolist() == [[0, 1, 2], [3, 4, 5]]
        assert read_array(file, "words", "fiuS").tolist() == [b"a", b"bc"]
        assert read_array(file, "strings", "fiuS").tolist() == [b"x"]
        assert len(read_array(file, "packed")) == 1000
