"""What the scripts share: what every result file says about its making."""

import datetime
import platform
from pathlib import Path

import torch

from dmdlite import __version__
from dmdlite.files import write_json

RESULTS = Path(__file__).resolve().parent / "results"


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
