"""Memory of long-lived processes: settings of the C library's allocator and of the garbage collector."""

from __future__ import annotations

import contextlib
import ctypes
import gc
from collections.abc import Iterator
from typing import Final

_M_MMAP_THRESHOLD: Final = -3  # <malloc.h>
_LARGE_BYTES: Final = 1024 * 1024
_COLLECTIONS: Final = (20_000, 20, 100)


def give_back_large_blocks() -> None:
    """Have blocks of a MiB and more mapped one by one, so that freeing one gives its pages back at once.

    glibc raises that threshold to the largest block ever freed (mallopt(3)): after the first page of 8 MiB all pages
    come from heaps, one for each thread, and those keep 100 to 200 MiB unused. Does nothing without mallopt.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


@contextlib.contextmanager
def collected_seldom() -> Iterator[None]:
    """The present objects stay, and most later ones are freed without the collector: 3 to 10 % of the CPU time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_COLLECTIONS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()  # at its end can_ada checks that all its objects are freed, and complains
