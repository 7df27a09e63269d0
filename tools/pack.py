"""The course as one file for who has no git: python tools/pack.py   (make zip)

Writes _build/dmd-book.zip: the notebooks, what they import and the wheel of it, as in a checkout.
On Colab, a chapter needs its notebook and the wheel uploaded, an assignment its notebook and the
zip; no address is asked.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "_build" / "dmd-book.zip"
TAKEN = ("book", "dmdlite", "data_scripts", "benchmarks/results")
TOP = ("README.md", "LICENSE", "pyproject.toml", "constraints.txt")


def taken() -> list[Path]:
    """What git tracks or would track of the above, without the sources that have solutions."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run([*listing, *TAKEN, *TOP], cwd=ROOT, capture_output=True, check=True)
    solutions = ROOT / "book" / "assignments"
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [p for p in files if p.is_file() and p.parent != solutions]


def pack(out: Path) -> Path:
    """The zip at `out`, whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        course = Path(folder) / "course"
        for path in taken():
            copy = course / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        # Built from a copy: setuptools leaves its own files beside what it builds.
        shutil.copytree(course, Path(folder) / "build")
        build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
        subprocess.run([*build, "-w", str(course), str(Path(folder) / "build")], check=True)
        made = shutil.make_archive(str(Path(folder) / "made"), "zip", course)
        Path(made).replace(out)
    return out


if __name__ == "__main__":
    made = pack(OUT)
    print(f"{made} ({made.stat().st_size / 1e6:.1f} MB)")
