"""Keeps the process that writes Milvus Lite small: what it has freed goes back to the system.

Milvus Lite reads and writes its rows in this process, in many threads, as buffers of all sizes. Nothing of that stays
in use once it is closed, but glibc's arenas and Arrow's pool keep the memory in pieces, some 50 KiB a row written.
"""

from __future__ import annotations

import ctypes
import functools
import gc

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""Names of parameters in glibc's malloc.h."""
_ARENAS = 2
_OWN_PAGES = 64 * 1024
"""Bytes from which a buffer gets pages of its own, which its end gives back: a segment's columns are larger."""
_KEPT_FREE = 128 * 1024


@functools.cache
def _libc() -> ctypes.CDLL | None:
    """The C library where it is glibc."""
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


@functools.cache
def tame() -> None:
    """From now on large buffers lie apart, and Arrow's come from malloc; for before Milvus Lite is first opened."""
    import pyarrow

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    library = _libc()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, _ARENAS)
        library.mallopt(_M_MMAP_THRESHOLD, _OWN_PAGES)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT_FREE)


def give_back() -> None:
    """What is free is the system's again; takes some tens of milliseconds."""
    gc.collect()
    library = _libc()
    if library is not None:
        library.malloc_trim(0)
