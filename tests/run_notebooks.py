"""Run every chapter of the book against its committed outputs, in two tiers.

A notebook's metadata says which: {"dmdlite": {"nbval": "strict"}} for concept chapters, where
every output must match, or "lax" for training chapters, where cells must run and those tagged
nbval-check-output must match. Assignments are run by tests/test_assignments.py.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIERS = {"strict": "--nbval", "lax": "--nbval-lax"}


def tier(path: Path) -> str:
    """The notebook's tier; exits with a message when it names none."""
    named = json.loads(path.read_text(encoding="utf-8"))["metadata"].get("dmdlite", {}).get("nbval")
    if named not in TIERS:
        sys.exit(f'error: {path}: metadata lacks "dmdlite": {{"nbval": "strict" or "lax"}}')
    return named


def main() -> int:
    notebooks = {path: tier(path) for path in sorted((ROOT / "book").glob("*.ipynb"))}
    worst = 0
    for name, option in TIERS.items():
        chosen = [str(p.relative_to(ROOT)) for p, t in notebooks.items() if t == name]
        if not chosen:
            print(f"no {name} notebooks")
            continue
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
            *chosen,
        ]
        worst = max(worst, subprocess.run(command, cwd=ROOT).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
