"""Memory that goes back to the system: what long-lived processes ask of the C library's allocator."""

from __future__ import annotations

import contextlib
import ctypes
from typing import Final

_M_MMAP_THRESHOLD: Final = -3  # <malloc.h>
_LARGE_BYTES: Final = 1024 * 1024


def give_back_large_blocks() -> None:
    """Have blocks of a MiB and more mapped one by one, so that freeing one gives its pages back at once.

    glibc raises that threshold to the largest block ever freed (mallopt(3)): after the first page of 8 MiB all pages
    come from heaps, one a thread, and those keep 100 to 200 MiB that nobody uses. No-op where there is no mallopt.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
