"""Run every chapter of the book against its committed outputs, in two tiers.

A notebook's metadata says which: {"dmdlite": {"nbval": "strict"}} for concept chapters, where
every output must match, or "lax" for training chapters, where cells must run and those tagged
nbval-check-output must match. Assignments are run by tests/test_assignments.py.
"""

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
TIERS = {"strict": "--nbval", "lax": "--nbval-lax"}


def tier(path: Path) -> str:
    """The notebook's tier; exits with a message when it names none."""
    named = json.loads(path.read_text(encoding="utf-8"))["metadata"].get("dmdlite", {}).get("nbval")
    if named not in TIERS:
        sys.exit(f'error: {path}: metadata lacks "dmdlite": {{"nbval": "strict" or "lax"}}')
    return named


def started(option: str, chosen: list[Path], output: IO[str]) -> subprocess.Popen:
    """The notebooks of a tier, running."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        option,
        "--nbval-current-env",
        "--nbval-sanitize-with",
        "tests/nbval_sanitize.cfg",
        "--nbval-cell-timeout=300",
        "-n",
        "2",
        "--dist",
        "loadscope",
        "-p",
        "no:cacheprovider",
        "-p",
        "tests.one_kernel_at_a_time",
        *(str(path.relative_to(ROOT)) for path in chosen),
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)


def main() -> int:
    """Both tiers side by side, so that no core waits for the other tier's last chapter."""
    notebooks = {path: tier(path) for path in sorted((ROOT / "book").glob("*.ipynb"))}
    with ExitStack() as stack:
        running = []
        for name, option in TIERS.items():
            chosen = [path for path, its in notebooks.items() if its == name]
            if not chosen:
                print(f"no {name} notebooks")
                continue
            output = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            running.append((started(option, chosen, output), output))
        for process, output in running:
            process.wait()
            output.seek(0)
            print(output.read())
    return int(any(process.returncode for process, _ in running))


if __name__ == "__main__":
    sys.exit(main())
