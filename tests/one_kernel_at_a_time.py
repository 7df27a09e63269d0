"""For pytest -p: nbval starts kernels one after the other, whatever process asks.

Each looks for free ports before it takes them; of two that look at once one may find its port
taken, and dies.
"""

import getpass
import tempfile
from pathlib import Path

import nbval.kernel
from filelock import FileLock

LOCK = Path(tempfile.gettempdir()) / f"nbval-{getpass.getuser()}.lock"
start = nbval.kernel.start_new_kernel


def start_new_kernel(*args, **kwargs):
    with FileLock(LOCK):
        return start(*args, **kwargs)  # returns when it answers, and so has its ports


nbval.kernel.start_new_kernel = start_new_kernel
