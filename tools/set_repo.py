"""Re-point everything that names the public repository: python tools/set_repo.py owner/name.

repository.txt is the one place that says where the project lives. Badges, Colab cells, the book's
configuration and the citation file repeat it in addresses, which this script rewrites. Until an
owner is set, the account has an underscore in its name. No account can, so nobody can take it and
have readers' notebooks install what is there.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SINGLE_SOURCE = "repository.txt"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+")
TEXT = (".md", ".yml", ".ipynb", ".cff", ".toml", ".txt", ".py", ".json")


def addresses(repository: str) -> list[str]:
    """Every form in which an address may hold the repository's name."""
    owner, name = repository.split("/")
    return [
        f"github.com/{repository}",
        f"raw.githubusercontent.com/{repository}",
        f"colab.research.google.com/github/{repository}",
        f"https://{owner}.github.io/{name}",
    ]


def text_files(root: Path) -> list[Path]:
    """Files that git tracks, or would track, and that may hold an address."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [root / p for p in listed if p.endswith(TEXT) and (root / p).is_file()]


def set_repo(root: Path, new: str) -> list[Path]:
    """Rewrite all addresses under `root`; returns the files that changed.

    Raises ValueError when `new` is not owner/name.
    """
    if not NAME.fullmatch(new):
        raise ValueError(f"REPO={new!r}: write owner/name, as in make set-repo REPO=ada/dmd-book")
    old = (root / SINGLE_SOURCE).read_text().strip()
    changed = []
    for path in text_files(root):
        text = path.read_text(encoding="utf-8")
        fresh = text
        for before, after in zip(addresses(old), addresses(new), strict=True):
            # Not a longer name that merely starts the same.
            fresh = re.sub(re.escape(before) + r"(?![A-Za-z0-9_-])", after, fresh)
        if fresh != text:
            path.write_text(fresh, encoding="utf-8")
            changed.append(path)
    (root / SINGLE_SOURCE).write_text(new + "\n")
    return changed


if __name__ == "__main__":
    try:
        files = set_repo(ROOT, sys.argv[1] if len(sys.argv) > 1 else "")
    except ValueError as error:
        sys.exit(f"error: {error}")
    print(f"{len(files)} files now name {sys.argv[1]}")
