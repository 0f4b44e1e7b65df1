"""`python -m runtime.child`: a child process that runs pure functions of bytes for its parent, one call after another.

A frame is its length (four bytes, big endian) and so many bytes. A call comes in: CPU milliseconds allowed (four
bytes), length of the function's name (two bytes), `module:function`, argument. An answer goes out: its kind (one byte),
resident memory in KiB (four bytes), result or error text. The first answer, to no call, says that the child is ready.

This module imports only the standard library, directly and indirectly: the imports of a call are made by the call.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import BinaryIO

from runtime.memory import collected_seldom

LENGTH = struct.Struct("!I")
CALL = struct.Struct("!IH")
ANSWER = struct.Struct("!BI")

READY, DONE, FAILED, NO_MEMORY = range(4)

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_MAX_ERROR = 2_000


def main(arguments: list[str]) -> int:
    """Serve calls until the parent closes the pipe. Arguments: the parent's pid, limit of memory in bytes, imports."""
    for ignored in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C reaches the whole group; the parent drains, then ends us
        signal.signal(ignored, signal.SIG_IGN)
    die_with(int(arguments[0]))
    asked, answers = _take_pipes()
    for module in arguments[2:]:
        importlib.import_module(module)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Private writable memory: unlike RLIMIT_AS it doesn't count mapped files of imports.
    resource.setrlimit(resource.RLIMIT_DATA, (int(arguments[1]), int(arguments[1])))
    with collected_seldom():
        return _serve(asked, answers)


def _serve(asked: BinaryIO, answers: BinaryIO) -> int:
    _send(answers, READY, b"")
    while (frame := _receive(asked)) is not None:
        kind, text = _answer(frame)
        del frame
        _send(answers, kind, text)
        if kind == NO_MEMORY:  # the state after a failed allocation is unknown
            return 1
    return 0


def die_with(parent: int) -> None:
    """End this process as soon as the thread that started it ends; now, if it already has.

    The end of the pipe has the same effect, but only on a child that reads.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The parent's pipes under other numbers: output of a library that prints goes nowhere, not between two frames."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return asked, answers


def _receive(asked: BinaryIO) -> bytes | None:
    prefix = asked.read(LENGTH.size)
    if len(prefix) < LENGTH.size:
        return None
    length = LENGTH.unpack(prefix)[0]
    frame = asked.read(length)
    return frame if len(frame) == length else None


def _send(answers: BinaryIO, kind: int, text: bytes) -> None:
    answers.write(LENGTH.pack(ANSWER.size + len(text)) + ANSWER.pack(kind, resident_kib()))
    answers.write(text)
    answers.flush()


def _answer(frame: bytes) -> tuple[int, bytes]:
    cpu_ms, name_length = CALL.unpack_from(frame)
    argument_at = CALL.size + name_length
    try:
        function = _function(frame[CALL.size : argument_at].decode())
        # SIGPROF ends the process even within a C function, unlike a Python handler.
        signal.setitimer(signal.ITIMER_PROF, cpu_ms / 1000)
        return DONE, function(frame[argument_at:])
    except MemoryError:
        return NO_MEMORY, b""
    except BaseException as error:  # the parent is told any error, and the next call runs
        return FAILED, f"{type(error).__name__}: {error}"[:_MAX_ERROR].encode("utf-8", "replace")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


@functools.cache
def _function(name: str) -> Callable[[bytes], bytes]:
    module, _, attribute = name.partition(":")
    function: Callable[[bytes], bytes] = getattr(importlib.import_module(module), attribute)
    return function


def resident_kib() -> int:
    """Resident memory of this process in KiB, 0 if unknown."""
    try:
        return int(os.pread(_statm(), 128, 0).split()[1]) * (resource.getpagesize() // 1024)
    except OSError:
        return 0


@functools.cache
def _statm() -> int:
    """Open as long as we live: it is read after each call."""
    return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
