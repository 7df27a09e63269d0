"""A split too large for memory, collected piece by piece in files."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..errors import DataError
from ..files import naming
from .dataset import MultimodalDataset


class Spool:
    """Collects small data sets in files under `folder`; `dataset()` is all of them in one.

    Values are kept as `dtype`, float32 or float16. Memory holds one piece at a time, and the
    labels, lengths, ids and texts of all.
    """

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float32):
        folder.mkdir(parents=True)
        self.folder = folder
        self.dtype = dtype
        self.pieces: list[dict] = []  # all but values and steps

    def append(self, piece: MultimodalDataset) -> None:
        """Raises DataError for other modalities or widths, and for values beyond `dtype`."""
        about = {
            "name": piece.name,
            "widths": dict(zip(piece.modalities, piece.widths, strict=True)),
        }
        if self.pieces and self.pieces[0]["about"] != about:
            raise DataError(f"{piece.name}: {about} does not continue {self.pieces[0]['about']}")
        for m, values in piece.values.items():
            stored = values.to(self.dtype)
            if not torch.isfinite(stored).all():
                raise DataError(
                    f"{piece.name}: {m} reaches {values.abs().max():.3g}, "
                    f"the largest {self.dtype} is {torch.finfo(self.dtype).max:.3g}"
                )
            gone = int((values.any(dim=1) & ~stored.any(dim=1)).sum())
            if gone:
                raise DataError(f"{piece.name}: {m} has {gone} steps too small for {self.dtype}")
            self._write(f"{m}.values", stored)
            if m in piece.steps:
                self._write(f"{m}.steps", piece.steps[m])
        self.pieces.append(
            {
                "about": about,
                "lengths": {m: piece.lengths(m) for m in piece.modalities},
                "steps": list(piece.steps),
                "factors": piece.factors,
                "labels": piece.labels,
                "ids": piece.ids,
                "texts": piece.texts,
                "groups": piece.groups,
                "aligned": piece.aligned,
            }
        )

    def dataset(self) -> MultimodalDataset:
        """All pieces as one data set whose values and steps are read from the files."""
        pieces, first = self.pieces, self.pieces[0]
        zero = torch.zeros(1, dtype=torch.int64)
        lengths = {m: torch.cat([p["lengths"][m] for p in pieces]) for m in first["lengths"]}
        total = {m: int(n.sum()) for m, n in lengths.items()}
        widths = first["about"]["widths"]
        return MultimodalDataset(
            values={m: self._read(f"{m}.values", (n, widths[m])) for m, n in total.items()},
            offsets={m: torch.cat([zero, n.cumsum(0)]) for m, n in lengths.items()},
            steps={m: self._read(f"{m}.steps", (total[m],)) for m in first["steps"]},
            labels=torch.cat([p["labels"] for p in pieces]),
            ids=tuple(i for p in pieces for i in p["ids"]),
            name=first["about"]["name"],
            factors={k: torch.cat([p["factors"][k] for p in pieces]) for k in first["factors"]},
            texts=tuple(t for p in pieces for t in p["texts"]),
            groups=tuple(g for p in pieces for g in p["groups"]),
            aligned=first["aligned"],
        )

    def _write(self, name: str, x: Tensor) -> None:
        with naming(self.folder / name), (self.folder / name).open("ab") as file:
            file.write(memoryview(x.contiguous().numpy()).cast("B") if x.numel() else b"")

    def _read(self, name: str, shape: tuple[int, ...]) -> Tensor:
        dtype = torch.int64 if name.endswith(".steps") else self.dtype
        if 0 in shape:
            return torch.empty(shape, dtype=dtype)
        size = torch.Size(shape).numel()
        return torch.from_file(str(self.folder / name), size=size, dtype=dtype).view(shape)
