"""What the scripts share: what every result file says about its making."""

import datetime
import platform
import time
from pathlib import Path

import torch

from dmdlite import MODALITIES, Batch, __version__
from dmdlite.files import write_json

RESULTS = Path(__file__).resolve().parent / "results"
# The released configuration: its dropouts on embeddings and output, its sizes on MOSI.
RELEASED = {
    "widths": (300, 20, 5),
    "dim": 50,
    "heads": 10,
    "layers": 4,
    "embed_dropout": 0.2,
    "output_dropout": 0.5,
}
STEPS = {"aligned": (50, 50, 50), "unaligned": (50, 500, 375)}  # of MOSI, padded


def released_batch(steps: tuple[int, ...], size: int = 16) -> Batch:
    """Random features and labels of RELEASED's widths, so many time steps a modality."""
    features, masks = {}, {}
    for m, time_steps, width in zip(MODALITIES, steps, RELEASED["widths"], strict=True):
        features[m] = torch.randn(size, time_steps, width)
        masks[m] = torch.ones(size, time_steps, dtype=torch.bool)
    return Batch(features, masks, 1.5 * torch.randn(size))


def clock(device: torch.device) -> float:
    """Seconds, once the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def processor() -> str:
    """The CPU's model name, where the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def write_result(name: str, out: Path | None = None, **content) -> Path:
    """Write `out`, or benchmarks/results/NAME.json, with date, versions and machine in front."""
    about = {
        "date": datetime.date.today().isoformat(),
        "dmdlite": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cpu": processor(),
        "threads": torch.get_num_threads(),
    }
    RESULTS.mkdir(exist_ok=True)
    path = out or RESULTS / f"{name}.json"
    write_json(path, {**about, **content})
    return path
