"""Pickles read without running them: numpy arrays, plain containers, nothing else.

A pickle is a program for a small stack machine, and may ask it to call any function. This
machine calls none: the few names that arrays need stand for makers defined here, everything
else is refused by name. Large arrays stay in the file (`StoredArray`) and are read in slices.
"""

from __future__ import annotations

import pickle
import re
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dmdlite import DataError

INLINE = 1 << 16  # bytes; a longer payload stays in the file
OPCODES = """
PROTO FRAME STOP MARK POP POP_MARK DUP MEMOIZE GET BINGET LONG_BINGET PUT BINPUT LONG_BINPUT
NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT
STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8
BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8
TUPLE EMPTY_TUPLE TUPLE1 TUPLE2 TUPLE3 LIST EMPTY_LIST APPEND APPENDS
DICT EMPTY_DICT SETITEM SETITEMS GLOBAL STACK_GLOBAL REDUCE BUILD
"""  # the whole instruction set; no other opcode is known here
CODES = [getattr(pickle, name)[0] for name in OPCODES.split()]


@dataclass(frozen=True)
class Span:
    """Bytes that stay in the file."""

    offset: int
    size: int


class Maker(NamedTuple):
    """What a name in the pickle stands for."""

    name: str


class Type:
    """A numpy dtype being put together; only numbers, booleans, text and objects."""

    def __init__(self, code: Any):
        text = code.decode("latin-1") if isinstance(code, bytes) else code
        if not isinstance(text, str) or not re.fullmatch(
            r"[<>=|]?([fiubc](1|2|4|8|16)|[US][1-9]\d{0,5}|b1|\?|O8?)", text
        ):
            shown = repr(text[:40]) if isinstance(text, str) else type(text).__name__
            raise DataError(f"refused: array of type {shown}")
        self.numpy = np.dtype("O" if "O" in text else text)

    def build(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 8 or any(s is not None for s in state[2:5]):
            raise DataError("refused: array with fields or sub-arrays")
        order = state[1].decode("latin-1") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "=", "|"):
            raise DataError("refused: array of unknown byte order")
        self.numpy = self.numpy.newbyteorder(order)


@dataclass
class StoredArray:
    """An array of the pickle: `shape`, `dtype`, and slices of rows on demand."""

    path: Path
    shape: tuple[int, ...] = (0,)
    dtype: np.dtype = field(default_factory=lambda: np.dtype("f4"))
    fortran: bool = False
    payload: Span | bytes | list = b""

    def build(self, state: Any) -> None:
        """Take what `ndarray.__setstate__` would; the header must agree with the bytes there."""
        _, shape, kind, fortran, payload = state
        whole = isinstance(shape, tuple) and all(type(n) is int for n in shape)
        if not whole or len(shape) > 32 or not all(0 <= n < 1 << 63 for n in shape):
            raise DataError("refused: array of a shape that is none")
        if not isinstance(kind, Type):
            raise DataError("refused: array without a type")
        objects = kind.numpy.kind == "O"
        if isinstance(payload, list) is not objects or not isinstance(payload, list | bytes | Span):
            raise DataError("refused: array whose content does not fit its type")
        found = payload.size if isinstance(payload, Span) else len(payload)
        wanted = prod(shape) * (1 if objects else kind.numpy.itemsize)
        if found != wanted:
            raise DataError(f"refused: array of shape {shape} needs {wanted} bytes, has {found}")
        self.shape, self.dtype, self.payload = shape, kind.numpy, payload
        self.fortran = bool(fortran) and len(shape) > 1

    def __len__(self) -> int:
        return self.shape[0] if self.shape else 1

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Rows `a:b`, read from the file. Column-major arrays are read whole, once."""
        if self.fortran or not isinstance(self.payload, Span):
            return self.whole()[rows]
        start, stop, _ = rows.indices(len(self))
        width = prod(self.shape[1:])
        offset = self.payload.offset + start * width * self.dtype.itemsize
        x = np.fromfile(self.path, self.dtype, max(stop - start, 0) * width, offset=offset)
        return x.reshape(-1, *self.shape[1:])

    def whole(self) -> np.ndarray:
        if isinstance(self.payload, list):
            x = np.empty(len(self.payload), object)
            room = self.path.stat().st_size
            for i, item in enumerate(self.payload):
                if isinstance(item, StoredArray):
                    item = item.numbers()
                    room -= item.nbytes
                if room < 0:
                    raise DataError(f"{self.path}: refused, its arrays are larger than the file")
                x[i] = item
            return x.reshape(self.shape)  # numpy lists objects row by row, in any array
        if isinstance(self.payload, Span):
            if not self.fortran:
                return self[:]
            self.payload = self._bytes()
        x = np.frombuffer(self.payload, self.dtype)
        return x.reshape(self.shape, order="F" if self.fortran else "C")

    def numbers(self) -> np.ndarray:
        """The whole array, when it is none of objects."""
        if self.dtype.kind == "O":
            raise DataError(f"{self.path}: refused, arrays of objects within one another")
        return self.whole()

    def _bytes(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.payload.offset)
            return file.read(self.payload.size)
