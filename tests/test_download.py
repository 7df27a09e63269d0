"""Downloads: whole, resumed, refused; what a broken server or a full disk leaves behind."""

import socket
from pathlib import Path

import pytest
from dmdlite_data import download as d

from tests.file_server import serving

CONTENT = bytes(range(256)) * 4000  # 1 MB


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(d.time, "sleep", lambda seconds: None)


@pytest.fixture
def served(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "a.bin").write_bytes(CONTENT)
    with serving(folder) as server:
        yield server


@pytest.fixture
def sha1(served):
    return d.git_blob_sha1(served.folder / "a.bin")


def fetch(server, path, sha1):
    return d.download(f"{server.url}/a.bin", path, sha1)


def test_hash_is_gits_own(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"hello\n")
    assert d.git_blob_sha1(path) == "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object


def test_whole_file_then_nothing(served, tmp_path, sha1):
    path = tmp_path / "new" / "a.bin"
    assert fetch(served, path, sha1)
    assert path.read_bytes() == CONTENT
    assert not fetch(served, path, sha1)
    assert len(served.log["a.bin"]) == 1
    assert [p.name for p in path.parent.iterdir()] == ["a.bin"]


def test_damaged_copy_is_replaced(served, tmp_path, sha1):
    path = tmp_path / "a.bin"
    path.write_bytes(CONTENT[:-1] + b"x")
    assert fetch(served, path, sha1)
    assert path.read_bytes() == CONTENT


def test_truncated_transfer_is_resumed(served, tmp_path, sha1):
    served.faults["a.bin"] = ["truncate", ""]
    assert fetch(served, tmp_path / "a.bin", sha1)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    first, second = served.log["a.bin"]
    assert first is None
    assert len(CONTENT) / 3 < int(second.removeprefix("bytes=").rstrip("-")) <= len(CONTENT) / 2


def test_server_dies_then_the_next_call_resumes(served, tmp_path, sha1):
    path, part = tmp_path / "a.bin", tmp_path / "a.bin.part"
    served.faults["a.bin"] = ["truncate", "refuse"]
    with pytest.raises(d.DownloadError, match="connection failed 4 times; run the same command"):
        fetch(served, path, sha1)
    assert not path.exists()
    have = part.stat().st_size
    assert 0 < have < len(CONTENT)
    served.faults["a.bin"] = [""]
    assert fetch(served, path, sha1)
    assert served.log["a.bin"][-1] == f"bytes={have}-"
    assert path.read_bytes() == CONTENT
    assert not part.exists()


def test_server_without_ranges_starts_over(served, tmp_path, sha1):
    served.faults["a.bin"] = ["truncate", "no range"]
    assert fetch(served, tmp_path / "a.bin", sha1)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("stale", [b"something else", CONTENT + b"more", CONTENT])
def test_part_from_another_time(served, tmp_path, sha1, stale):
    (tmp_path / "a.bin.part").write_bytes(stale)
    assert fetch(served, tmp_path / "a.bin", sha1)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_one_corrupted_byte_is_refused(served, tmp_path, sha1):
    served.faults["a.bin"] = ["corrupt"]
    with pytest.raises(d.DownloadError, match=f"published {sha1}"):
        fetch(served, tmp_path / "a.bin", sha1)
    assert not list(tmp_path.glob("a.bin*"))


def test_missing_file_is_named_at_once(served, tmp_path, sha1):
    served.faults["a.bin"] = ["missing"]
    with pytest.raises(d.DownloadError, match=r"a\.bin: the server answers 404"):
        fetch(served, tmp_path / "a.bin", sha1)
    assert len(served.log["a.bin"]) == 1


def test_no_server(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # a port that is taken, and nobody listens to
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.bin"
        with pytest.raises(d.DownloadError, match="connection failed"):
            d.download(url, tmp_path / "a.bin", "0" * 40)


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="no device that is full")
def test_full_disk(served, tmp_path, sha1):
    (tmp_path / "a.bin.part").symlink_to(FULL)
    with pytest.raises(OSError, match="No space left"):
        fetch(served, tmp_path / "a.bin", sha1)
    assert not (tmp_path / "a.bin").exists()
