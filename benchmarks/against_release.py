"""Our training step beside the released code's transformers, alternating on one machine.

python benchmarks/against_release.py downloads the MMSA 2.2.1 wheel (MIT), whose transformer encoder
is the one the released DMD uses, and times twelve encoders at the released sizes: six cross-modal,
three over the concatenated features, three over the common features. The released step does more
(losses with Python loops, distillation kernels), so the ratio is a lower bound.
"""

import importlib
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Annotated

import torch
import typer
from common import RELEASED, STEPS, clock, released_batch, write_result
from torch import Tensor, nn
from tqdm import tqdm

from dmdlite import DMD, DMDConfig, seed_everything

WHEEL = "MMSA==2.2.1"
ENCODER = "MMSA/models/subNets/transformers_encoder"
CPU = torch.device("cpu")


def released_encoder() -> type[nn.Module]:
    """The encoder class, imported from the wheel without the rest of the package."""
    download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*download, folder, WHEEL], check=True)
        zipfile.ZipFile(next(Path(folder).glob("*.whl"))).extractall(folder)
        package = ModuleType("released")
        package.__path__ = [f"{folder}/{ENCODER}"]
        sys.modules["released"] = package
        return importlib.import_module("released.transformer").TransformerEncoder


class ReleasedTransformers(nn.Module):
    """The released model's convolutions and transformers, joined to one scalar."""

    def __init__(self, encoder: type[nn.Module]):
        super().__init__()
        d = RELEASED["dim"]

        def make(width: int) -> nn.Module:
            sizes = {"num_heads": RELEASED["heads"], "layers": RELEASED["layers"]}
            return encoder(width, **sizes, embed_dropout=0.2, attn_mask=True)

        self.conv = nn.ModuleList(nn.Conv1d(w, d, 5, bias=False) for w in RELEASED["widths"])
        self.cross = nn.ModuleList(make(d) for _ in range(6))
        self.memory = nn.ModuleList(make(2 * d) for _ in range(3))
        self.common = nn.ModuleList(make(d) for _ in range(3))

    def forward(self, features: list[Tensor]) -> Tensor:
        """Raw features [B, T_m, D_m] -> the sum of all last steps."""
        pairs = zip(self.conv, features, strict=True)
        shallow = [conv(x.transpose(1, 2)).permute(2, 0, 1) for conv, x in pairs]  # [T_m, B, d]
        cross = iter(self.cross)
        total = sum(f(x)[-1].sum() for f, x in zip(self.common, shallow, strict=True))
        for m, query in enumerate(shallow):
            others = [x for i, x in enumerate(shallow) if i != m]
            views = [next(cross)(query, x, x) for x in others]
            total = total + self.memory[m](torch.cat(views, dim=2))[-1].sum()
        return total


def seconds(loss, optimiser: torch.optim.Optimizer) -> float:
    """One training step: forward, backward, update."""
    start = clock(CPU)
    total = loss()
    optimiser.zero_grad()
    total.backward()
    optimiser.step()
    return clock(CPU) - start


def main(steps: Annotated[int, typer.Option(help="Measured pairs of steps a case")] = 7) -> None:
    """Measure and write benchmarks/results/against_release.json (CPU)."""
    encoder, cases = released_encoder(), {}
    for name, steps_of in STEPS.items():
        seed_everything(0)
        batch = released_batch(steps_of)
        ours, released = DMD(DMDConfig(**RELEASED)), ReleasedTransformers(encoder)
        features = list(batch.features.values())
        ours_adam = torch.optim.Adam(ours.parameters(), fused=True)
        released_adam = torch.optim.Adam(released.parameters())
        times = []
        for _ in tqdm(range(steps + 2), desc=name, unit="pair"):
            mine = seconds(lambda m=ours, b=batch: m(b).losses(b)["total"], ours_adam)
            theirs = seconds(lambda m=released, x=features: m(x), released_adam)
            times.append((mine, theirs))
        pairs = times[2:]
        cases[name] = {
            "ours_s": statistics.median(a for a, _ in pairs),
            "released_transformers_s": statistics.median(b for _, b in pairs),
            "ratio": statistics.median(b / a for a, b in pairs),
        }
        print(name, {k: round(v, 2) for k, v in cases[name].items()})
    write_result("against_release", device="cpu", steps=steps, released=WHEEL, cases=cases)


if __name__ == "__main__":
    typer.run(main)
