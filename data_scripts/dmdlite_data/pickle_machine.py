"""The stack machine of `safe_pickle`: Python's own unpickler with every call taken out."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dmdlite import DataError

from .safe_pickle import CODES, INLINE, Maker, Span, StoredArray, Type

MAKERS = {
    ("numpy.core.multiarray", "_reconstruct"): Maker("array"),
    ("numpy.core.multiarray", "scalar"): Maker("scalar"),
    ("numpy.core.numeric", "_frombuffer"): Maker("buffer"),
    ("numpy", "ndarray"): Maker("ndarray"),
    ("numpy", "dtype"): Maker("dtype"),
    ("_codecs", "encode"): Maker("latin1"),  # bytes, as Python 3 writes them for Python 2
    ("collections", "OrderedDict"): Maker("dict"),
    ("__builtin__", "bytes"): Maker("no bytes"),
}


def load_pickle(path: str | Path) -> Any:
    """The content of a pickle; arrays come as `StoredArray`. Nothing in it is ever called.

    Protocols 0 to 5, written by Python 2 or 3, numpy 1 or 2. Raises DataError that names what
    was refused, or what is broken.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _Machine(path, file).load()
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except Exception as error:  # a damaged program can fail in nearly any way
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise DataError(f"{path}: not a whole pickle ({reason})") from None


class _File:
    """Reads never ask for more than the file still has, whatever a header says."""

    def __init__(self, file: BinaryIO, size: int):
        self.file, self.size, self.readline = file, size, file.readline

    def read(self, n: int) -> bytes:
        self.check(n)
        return self.file.read(n)

    def check(self, n: int) -> None:
        if not 0 <= n <= self.size - self.file.tell():
            raise DataError(f"cut short: a header asks for {n} bytes, the file ends before")

    def skip(self, n: int) -> Span:
        self.check(n)
        span = Span(self.file.tell(), n)
        self.file.seek(n, 1)
        return span


class _Machine(pickle._Unpickler):  # the one in Python, whose opcodes can be taken out one by one
    def __init__(self, path: Path, file: BinaryIO):
        self.path, self.source = path, _File(file, path.stat().st_size)
        self.room = self.source.size  # bytes that makers may still bring into being
        super().__init__(self.source, encoding="latin-1")

    def find_class(self, module: str, name: str) -> Maker:
        key = module.replace("numpy._core", "numpy.core").replace("builtins", "__builtin__"), name
        if key not in MAKERS:
            raise DataError(
                f"refused: it asks for {module}.{name}, and only arrays and plain containers are "
                "read. Nothing was executed"
            )
        return MAKERS[key]

    def _payload(self, size: int) -> None:
        """Push `size` bytes; a long run outside a frame is left where it is."""
        inline = size <= INLINE or self._unframer.current_frame is not None
        self.append(self.read(size) if inline else self.source.skip(size))

    def load_binbytes(self) -> None:
        self._payload(struct.unpack("<I", self.read(4))[0])

    def load_binbytes8(self) -> None:
        self._payload(struct.unpack("<Q", self.read(8))[0])

    load_bytearray8 = load_binbytes8

    def load_binstring(self) -> None:
        size = struct.unpack("<i", self.read(4))[0]
        self._payload(size)
        if size <= INLINE:
            self.stack[-1] = self.stack[-1].decode("latin-1")

    def load_setitem(self) -> None:
        self._check_key(self.stack[-2])
        super().load_setitem()

    def load_setitems(self) -> None:
        for key in self.stack[::2]:  # what lies above the mark: key, value, key, ...
            self._check_key(key)
        super().load_setitems()

    def load_dict(self) -> None:
        for key in self.stack[::2]:
            self._check_key(key)
        super().load_dict()

    def _check_key(self, key: Any) -> None:
        if not isinstance(key, str | bytes):
            raise DataError(f"refused: a {type(key).__name__} as key of a dictionary")

    def load_build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, StoredArray | Type):
            raise DataError(f"refused: it sets attributes of a {type(target).__name__}")
        if isinstance(target, StoredArray):  # Python 2 wrote the bytes as text
            state = (*state[:4], self._bytes(state[4]))
        target.build(state)

    def _bytes(self, x: Any) -> Any:
        """Text to the bytes it stands for; no more in all than the file is long."""
        if isinstance(x, str):
            self.room -= len(x)
            if self.room < 0:
                raise DataError("refused: it makes more than the file holds")
            return x.encode("latin-1")
        return x

    def load_reduce(self) -> None:
        args, maker = self.stack.pop(), self.stack.pop()
        if not isinstance(maker, Maker) or not isinstance(args, tuple):
            raise DataError(f"refused: it calls a {type(maker).__name__}")
        self.append(self._make(maker.name, args))

    def _make(self, what: str, args: tuple) -> Any:
        """What calling the named function would have given, for the arguments that arrays use."""
        if what == "array" and args[0] == Maker("ndarray"):
            return StoredArray(self.path)
        if what == "dtype":
            return Type(args[0])
        if what == "scalar" and isinstance(args[0], Type) and args[0].numpy.kind != "O":
            return np.frombuffer(self._bytes(args[1]), args[0].numpy)[0]
        if what == "buffer":
            payload, kind, shape, order = args
            if order not in ("C", "F"):
                raise DataError("refused: array in an order other than C or F")
            array = StoredArray(self.path)
            array.build((1, shape, kind, order == "F", payload))
            return array
        if what == "latin1" and isinstance(args[0], str):
            return self._bytes(args[0])
        if what == "no bytes" and not args:
            return b""
        if what == "dict" and not args:
            return {}
        kinds = ", ".join(type(a).__name__ for a in args[:5])
        raise DataError(f"refused: {what} of ({kinds})")


# The opcodes that remain, each with the method above where there is one.
_Machine.dispatch = {
    code: getattr(_Machine, pickle._Unpickler.dispatch[code].__name__) for code in CODES
}
