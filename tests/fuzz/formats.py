"""The formats that are fuzzed: how a valid file is made, written, converted and plainly read."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import from_arrays
import from_csd
import from_mfn
import from_misa
import from_mmsa
import from_mult

from . import parts, read_arrays, read_pickles, write


@dataclass
class Format:
    app: Any
    parts: dict
    write: Any  # (folder, parts) -> arguments
    read: Any  # folder -> what the file says
    options: tuple = ()
    close: bool = False  # averages are equal but for rounding
    pieces: bool = False  # converted clip by clip, and read from the file as needed
    release: Any = None  # of MFN


def _mfn(form, files, shift, scale):
    release = from_mfn.Release("small", "", "data", files, "y_{split}", shift, scale, {})
    apart = form == "apart"
    read = partial(read_arrays.mfn, apart=apart)
    return Format(from_mfn.app, parts.mfn(apart), write.arrays, read, release=release)


def _csd(**options):
    flags = {"unaligned": ("--unaligned",), "words": ("--words", "words.csd")}
    read = partial(read_arrays.csd, **options)
    flags = sum((flags[option] for option in options), ())
    return Format(from_csd.app, parts.csd(), write.sequences, read, flags, close=True)


MMSA = Format(from_mmsa.app, parts.mmsa(), write.fields, read_pickles.mmsa)
MULT = Format(from_mult.app, parts.mult(), write.fields, read_pickles.mult)
MISA = Format(from_misa.app, parts.misa(), write.clips, read_pickles.misa)
NPZ = Format(from_arrays.app, parts.npz(), write.npz, read_arrays.npz)
CSV = Format(from_arrays.app, parts.tables(), write.csv_folder, read_arrays.tables)
FORMATS = {
    "MMSA": MMSA,
    "MMSA, aligned, float16": replace(
        MMSA, parts=parts.mmsa(aligned=True), options=("--dtype", "float16")
    ),
    "MMSA-FET, in pieces": replace(
        MMSA, parts=parts.mmsa(front=True), write=partial(write.fields, protocol=3), pieces=True
    ),
    "MulT": MULT,
    "MulT, aligned, in pieces": replace(MULT, parts=parts.mult(aligned=True), pieces=True),
    "MISA": MISA,
    "MISA, numbers": replace(MISA, parts=parts.misa(vectors=False)),
    "MISA, numbers and table": replace(
        MISA,
        parts=parts.misa(vectors=False),
        write=write.clips_and_table,
        read=partial(read_pickles.misa, table=True),
    ),
    "csd": _csd(),
    "csd, unaligned": _csd(unaligned=True),
    "csd, words": _csd(words=True),
    "MFN": _mfn("whole", {"X_{split}": {"language": 4, "audio": 2, "vision": 3}}, 0.0, 1.0),
    "MFN, apart": _mfn(
        "apart",
        {f"{f}_{{split}}": {m: parts.WIDTHS[f]} for m, f in read_pickles.FIELDS.items()},
        3.0,
        1.5,
    ),
    "npz": NPZ,
    "npz, aligned": replace(
        NPZ,
        parts=parts.npz(lengths=False, aligned=True),
        read=partial(read_arrays.npz, aligned=True),
        options=("--aligned",),
    ),
    "csv": CSV,
    "csv, zip": replace(CSV, write=write.csv_zip),
}
