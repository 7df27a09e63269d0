"""Pickles are read, never run: everything but arrays and plain containers is refused by name."""

import contextlib
import os
import pickle
import struct
from collections import OrderedDict

import numpy as np
import pytest
from dmdlite_data.pickle_machine import load_pickle
from dmdlite_data.safe_pickle import INLINE, Span, StoredArray
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dmdlite import DataError
from tests.frugal import few_bytes, few_calls
from tests.published_files import python2, write_pickle


def plain(x):
    """The content with arrays in memory."""
    if isinstance(x, StoredArray):
        return x.whole()
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return [plain(v) for v in x] if isinstance(x, list) else x


SIMPLE = (arrays.scalar_dtypes() | arrays.unicode_string_dtypes()).filter(
    lambda d: d.kind in "fiubU" and d.itemsize <= 16
)


@given(
    x=arrays.arrays(SIMPLE, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0)),
    protocol=st.integers(0, 5),
    column_major=st.booleans(),
)
def test_every_array_comes_back_as_it_was(tmp_path_factory, x, protocol, column_major):
    x = np.asfortranarray(x) if column_major and x.ndim > 1 else x
    path = write_pickle(tmp_path_factory.mktemp("p") / "x.pkl", {"x": x}, protocol)
    found = load_pickle(path)["x"].whole()
    assert found.dtype == x.dtype
    np.testing.assert_array_equal(found, x)


@pytest.mark.parametrize("protocol", range(6))
def test_containers_scalars_text_and_objects(tmp_path, protocol):
    content = {
        "list": [1, 2.5, None, True, "x", b"y", 2**70, ()],
        "ordered": OrderedDict(),
        **{"empty": b"", "scalar": np.float64(3.5)},
        "words": np.array(["a", "bücher", b"c"], dtype=object),
        "nested": np.array([np.arange(2), np.arange(3)], dtype=object),
        "big-endian": np.arange(3, dtype=">i4"),
    }
    found = plain(load_pickle(write_pickle(tmp_path / "x.pkl", content, protocol)))
    assert found["list"] == content["list"]
    assert found["ordered"] == {}
    assert found["empty"] == b""
    assert found["scalar"] == 3.5
    assert found["words"].tolist() == ["a", "bücher", b"c"]
    assert [x.tolist() for x in found["nested"]] == [[0, 1], [0, 1, 2]]
    assert found["big-endian"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("module", [b"numpy.core", b"numpy._core"])
@pytest.mark.parametrize("protocol", [2, 5])
def test_numpy_1_and_numpy_2_name_their_modules_differently(tmp_path, module, protocol):
    raw = pickle.dumps({"x": np.arange(4.0)}, protocol)
    other = b"numpy.core" if b"numpy.core" in raw else b"numpy._core"
    sized = lambda name, ext: bytes([len(name + ext)]) + name + ext  # noqa: E731
    for ext in (b".multiarray", b".numeric"):
        raw = raw.replace(b"c" + other + ext, b"c" + module + ext)
        raw = raw.replace(sized(other, ext), sized(module, ext))
    (tmp_path / "x.pkl").write_bytes(_reframed(raw) if protocol > 3 else raw)
    assert plain(load_pickle(tmp_path / "x.pkl"))["x"].tolist() == [0, 1, 2, 3]


def _reframed(raw):
    """The frame's length set right again."""
    return raw[:3] + struct.pack("<Q", len(raw) - 11) + raw[11:]


def test_python_2_byte_strings_and_latin_1(tmp_path):
    ids = np.array([["caf\xe9".encode("latin-1"), b"1.0"]], object)
    content = {"id": ids, "x": np.arange(1e4).reshape(100, 100), "n": 3}
    (tmp_path / "x.pkl").write_bytes(python2(content))
    found = load_pickle(tmp_path / "x.pkl")
    assert isinstance(found["x"].payload, Span)
    np.testing.assert_array_equal(found["x"].whole(), content["x"])
    assert found["id"].whole().tolist() == [["café", "1.0"]]


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_large_arrays_stay_in_the_file_and_are_read_in_slices(tmp_path, protocol):
    x = np.arange(2.0 * INLINE).reshape(-1, 4, 2)
    stored = load_pickle(write_pickle(tmp_path / "x.pkl", [x], protocol))[0]
    assert isinstance(stored.payload, Span)
    np.testing.assert_array_equal(stored[5:9], x[5:9])
    np.testing.assert_array_equal(stored[len(x) - 1 : len(x) + 5], x[-1:])


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function, *args, state=None):
        self.call = (function, args) if state is None else (function, args, state)

    def __reduce__(self):
        return self.call


def op(*parts):
    return b"\x80\x04" + b"".join(p if isinstance(p, bytes) else p.encode() for p in parts) + b"."


def text(s):
    return b"\x8c" + bytes([len(s)]) + s.encode()


def array_header(shape, kind="f8", payload=b"C\x00", state="(I3\nS'<'\nNNNI-1\nI-1\nI0\nt"):
    """An array whose header claims `shape` and `kind`."""
    new = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    numbers = "".join(f"L{n}L\n" for n in shape)
    dtype = f"cnumpy\ndtype\n(S'{kind}'\nI0\nI1\ntR{state}b"
    return op(new, f"(I1\n({numbers}t", dtype, "I00\n", payload, "tb")


MARK = "touched"  # a file that only executed code would make
COMMAND = f"echo > {MARK}"
HOSTILE = {
    "os.system": pickle.dumps(Calls(os.system, COMMAND)),
    "os.system, protocol 0": pickle.dumps(Calls(os.system, COMMAND), 0),
    "builtins.eval": pickle.dumps(Calls(eval, f"open('{MARK}', 'w')")),
    "builtins.exec": pickle.dumps(Calls(exec, f"open('{MARK}', 'w')")),
    "python 2 eval": op("c__builtin__\neval\n", text(f"open('{MARK}','w')"), b"\x85R"),
    "builtins.open": pickle.dumps(Calls(open, MARK, "w")),
    "getattr": op("cbuiltins\ngetattr\n", "cnumpy\nndarray\n", text("__class__"), b"\x86R"),
    "subprocess": op("csubprocess\nPopen\n", text(COMMAND), b"\x85R"),
    "posix.system": op("cposix\nsystem\n", text(COMMAND), b"\x85R"),
    "nested reduce": pickle.dumps({"train": [{"x": Calls(eval, "1")}]}),
    "hidden in an object array": pickle.dumps(np.array([Calls(os.system, COMMAND)], object)),
    "popped before the end": op("cos\nsystem\n", text(COMMAND), b"\x85R0}"),
    "numpy.load": op("cnumpy\nload\n", text("x.npy"), b"\x85R"),
    "numpy.memmap": op("cnumpy\nmemmap\n", text(MARK), b"\x85R"),
    "numpy testing runstring": op("cnumpy.testing._private.utils\nrunstring\n", b")R"),
    "ctypes of numpy": op("cnumpy.core\n_internal\n"),
    "dotted name": op(text("numpy"), text("ndarray.__class__"), b"\x93"),
    "copyreg extension": op(b"\x82\x01"),
    "copyreg.add_extension": op(
        "ccopyreg\nadd_extension\n", text("os"), text("system"), b"K\x01\x87R"
    ),
    "copyreg._reconstructor": op("ccopyreg\n_reconstructor\n", b")R"),
    "persistent id": op("Psomewhere\n"),
    "inst": op("(ios\nsystem\n"),
    "obj": op("(cos\nsystem\n", text(COMMAND), b"o"),
    "newobj": op("cnumpy\nndarray\n", b")\x81"),
    "setattr on a name": op("cnumpy\nndarray\n", b"}", text("__doc__"), b"Nsb"),
    "setattr on a list": op(b"]", b"}", text("x"), b"Nsb"),
    "call a list": op(b"])R"),
    "call ndarray": op("cnumpy\nndarray\n(L1000000000000L\nttR"),
    "bytes of a size": op("cbuiltins\nbytes\n(L1000000000000L\ntR"),
    "codecs other than latin-1 text": op("c_codecs\nencode\n", b"K\x05\x85R"),
    "bytes beyond the file": op(b"\x8e", struct.pack("<Q", 1 << 60)),
    "frame beyond the file": b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b".",
    "text beyond the file": op(b"X", struct.pack("<I", (1 << 32) - 1)),
    "long beyond the file": op(b"\x8b", struct.pack("<i", (1 << 31) - 1)),
    "negative length": op(b"T", struct.pack("<i", -5)),
    "array of a terabyte by its header": array_header((10**12,)),
    "shape of negative numbers": array_header((-1, -8), payload=b"C\x08" + b"x" * 8),
    "shape that overflows": array_header((2**32, 2**32, 4)),
    "dtype of a gigabyte": array_header((1,), kind="S1000000000"),
    "dtype void": array_header((1,), kind="V8"),
    "dtype with fields": array_header((0,), state="(I3\nS'<'\nN(S'a'\nt}I-1\nI-1\nI0\nt"),
    "objects from bytes": array_header((1,), kind="O8", payload=b"C\x08" + b"x" * 8),
    "numbers from a list": array_header((1,), payload=b"]"),
    "unhashable key": op(b"}]Ns"),
    "key nested a million deep": op(b"})" + b"\x85" * 10**6 + b"Ns"),
    "no end": b"\x80\x04}",
    "empty": b"",
    "zip": b"PK\x03\x04" + b"\x00" * 30,
    "stack below its bottom": op(b"0000"),
    "mark below its bottom": op(b"tttt"),
    "unknown opcode": op(b"\xff"),
    "later protocol": b"\x80\x63N.",
    "number of a million digits": op("L" + "9" * 10**6 + "L\n"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused_and_nothing_runs(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.pkl").write_bytes(HOSTILE[name])
    with few_bytes(), pytest.raises(DataError, match=r"x\.pkl: "):
        load_pickle(tmp_path / "x.pkl")
    assert [p.name for p in tmp_path.iterdir()] == ["x.pkl"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("os.system", r"it asks for (posix|nt)\.system"),
        ("builtins.eval", r"it asks for builtins\.eval"),
        ("python 2 eval", r"it asks for __builtin__\.eval"),
        ("copyreg._reconstructor", r"it asks for copyreg\._reconstructor"),
        ("array of a terabyte by its header", "needs 8000000000000 bytes, has 0"),
        ("bytes beyond the file", "asks for 1152921504606846976 bytes"),
        ("dtype void", "array of type 'V8'"),
        ("number of a million digits", "Exceeds the limit"),
    ],
)
def test_the_refusal_says_what_was_asked_for(tmp_path, name, said):
    (tmp_path / "x.pkl").write_bytes(HOSTILE[name])
    with pytest.raises(DataError, match=said):
        load_pickle(tmp_path / "x.pkl")


def test_plain_pickle_would_have_run_them(tmp_path, monkeypatch):
    """The files are what they claim: Python's own unpickler executes the first."""
    monkeypatch.chdir(tmp_path)
    pickle.loads(HOSTILE["os.system"])
    assert (tmp_path / MARK).exists()


def test_shared_references_do_not_multiply(tmp_path):
    """A list of lists of lists ..., each twice: 2 to the power of 40 items if it were walked."""
    x = []
    for _ in range(40):
        x = [x, x]
    path = write_pickle(tmp_path / "x.pkl", x)
    with few_bytes(), few_calls():
        assert len(load_pickle(path)) == 2


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nosuch\.pkl: cannot be read \(No such file"):
        load_pickle(tmp_path / "nosuch.pkl")


@given(cut=st.integers(0, 500), flip=st.integers(0, 500))
def test_damaged_pickles_end_in_one_error(tmp_path_factory, cut, flip):
    raw = bytearray(pickle.dumps({"train": {"x": np.arange(20.0), "id": ["a", "b"]}}))
    raw[flip % len(raw)] ^= 0x55
    path = tmp_path_factory.mktemp("p") / "x.pkl"
    path.write_bytes(raw[: len(raw) - cut % len(raw)])
    with contextlib.suppress(DataError):
        load_pickle(path)
