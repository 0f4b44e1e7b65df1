"""Functions of bytes -> bytes that do to a child what hostile pages might."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

_hoard: list[bytearray] = []


def echo(argument: bytes) -> bytes:
    return argument


def pid(_: bytes) -> bytes:
    return str(os.getpid()).encode()


def spin(_: bytes) -> bytes:
    while True:
        pass


def spin_in_c(_: bytes) -> bytes:
    return str(pow(7, 10**9, 10 ** (10**6))).encode()


def sleep(argument: bytes) -> bytes:
    time.sleep(float(argument))
    return b"slept"


def eat_memory(_: bytes) -> bytes:
    return bytes(len(bytearray(4 * 1024**3)))


def hoard(argument: bytes) -> bytes:
    """Keep so many bytes and return: a leak."""
    _hoard.append(bytearray(b"x") * int(argument))
    return pid(b"")


def crash(_: bytes) -> bytes:
    ctypes.string_at(0)
    return b""


def leave(_: bytes) -> bytes:
    os._exit(7)


def kill_itself(_: bytes) -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def fail(_: bytes) -> bytes:
    raise ValueError("no such thing")


def print_much(argument: bytes) -> bytes:
    print("printed" * 1_000, flush=True)
    os.write(1, b"written")
    os.write(2, b"written" * 100_000)
    sys.stdin.read()
    return argument


def environment(_: bytes) -> bytes:
    return "\n".join(sorted(os.environ)).encode()


def answer_too_much(argument: bytes) -> bytes:
    return bytes(int(argument))
