"""How much a block of code does, in bytes and in calls: the same on a slow machine as on a fast one."""

import sys
import tracemalloc
from contextlib import contextmanager


class TooMuch(BaseException):
    """No Exception: the code under test turns those into a refusal."""


@contextmanager
def frugal(megabytes=100, calls=20_000_000):
    """Fails where the block holds more memory at a time, or calls more functions."""
    left = calls

    def count(*_):
        nonlocal left
        left -= 1
        if left < 0:
            raise TooMuch(f"more than {calls} calls")

    tracemalloc.start()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    print(f'PEAK {peak/2**20:.1f} MB CALLS {calls-left}')
    assert peak < megabytes << 20, f"{peak >> 20} MB, more than {megabytes}"
