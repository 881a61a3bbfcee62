"""Python's cyclic garbage collector, kept from looking at the objects of a page while they are made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_waits() -> Iterator[None]:
    """The collector does not run until the end, if it was on.

    Reading a page makes some ten thousand objects and hardly any cycles; looking at them again and again costs a tenth
    of the CPU time. It is a setting of the process: other threads' garbage waits for the page, too.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
