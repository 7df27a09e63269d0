"""How much a block of code does, in bytes and in calls: alike on slow machines and on fast ones."""

import sys
import tracemalloc
from contextlib import contextmanager


class TooMuch(BaseException):
    """No Exception: the code under test turns those into a refusal."""


@contextmanager
def few_bytes(megabytes=100):
    """Fails where the block holds more memory than that at a time."""
    tracemalloc.start()
    try:
        yield
    finally:
        peak = tracemalloc.get_traced_memory()[1] >> 20
        tracemalloc.stop()
    assert peak < megabytes, f"{peak} MB at a time, more than {megabytes}"


@contextmanager
def few_calls(most=4_000_000):
    """Stops a block that calls more functions than that, Python's own included."""
    events = 0

    def count(*_):
        nonlocal events
        events += 1
        if events > 2 * most:  # a call and its return
            raise TooMuch(f"more than {most} calls")

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)
