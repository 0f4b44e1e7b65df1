"""Our servers as real processes, and callers who do not behave: others are served throughout, and nothing is left.

`make torture` runs the full counts, waits for the servers' own time-outs, and asserts how long other callers waited.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.support.rpc_callers import Witness, connected, crowd, received, vanish
from tests.support.server_processes import LINUX, NAMES, Server, eventually, started
from thrift_idl.rpc import ServerLimits

TORTURE = bool(os.environ.get("ARAGOG_TORTURE"))
MIB = 1024 * 1024
LIMITS = ServerLimits()
#: What a server may keep of what it was made to hold: allocators give back late.
KEPT = 64 * MIB
LONGEST_MS = 5_000.0

pytestmark = [
    pytest.mark.skipif(not LINUX, reason="measures by /proc"),
    pytest.mark.timeout(600),
]


def counted(full: int, few: int) -> int:
    """The full count in `make torture`, few in `make test`."""
    return full if TORTURE else few


@pytest.fixture(scope="module", params=NAMES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(request.param, tmp_path_factory.mktemp(request.param)) as running:
        warm_up(running)
        yield running


def warm_up(server: Server) -> None:
    """Have the server make its threads, and their database connections, before anything is counted."""
    with connected(server.port) as connection:
        connection.sendall(server.sample * 200)
        for _ in range(200):
            assert received(connection)


@contextlib.contextmanager
def others_are_served(server: Server, what: str) -> Iterator[Witness]:
    """Meanwhile another caller's every call succeeds; afterwards sockets and memory are back at their level."""
    sockets, memory = server.sockets(), server.memory()
    server.forget_peak()
    with Witness(server) as witness:
        yield witness
        before = len(witness.took_ms)
        assert eventually(lambda: len(witness.took_ms) > before + 5)
    peak = server.peak() - memory
    assert eventually(lambda: server.sockets() <= sockets), "connections were left open"
    kept = server.memory() - memory
    print(
        f"\n{server.name}, {what}: {len(witness.took_ms)} calls of another, median {witness.median_ms:.1f} ms, "
        f"worst {witness.worst_ms:.1f} ms; server +{peak / MIB:.1f} MiB at most, +{kept / MIB:.1f} MiB kept"
    )
    assert witness.failures == []
    assert kept < KEPT
    if TORTURE:
        assert witness.worst_ms < LONGEST_MS


def test_frames_that_come_a_byte_at_a_time(server: Server) -> None:
    with others_are_served(server, "frames by drops"), crowd(server.port, counted(500, 40)) as slow:
        end = time.monotonic() + counted(LIMITS.half_frame_ms // 1000 + 5, 1)
        at = 0
        while time.monotonic() < end:
            for connection in slow:
                with contextlib.suppress(ConnectionError):
                    connection.send((b"\x00\x01" + bytes(60_000))[at : at + 1])
            at += 1
            time.sleep(0.05)
        if TORTURE:
            assert all(received(connection) is None for connection in slow)


@pytest.mark.parametrize("withheld", [b"", b"\x00\x00\x00", b"\x00\x00\xff\xff\x80\x01"], ids=["all", "length", "rest"])
def test_frames_withheld_by_more_connections_than_are_taken(server: Server, withheld: bytes) -> None:
    size = counted(LIMITS.connections + 500, 100)
    with (
        others_are_served(server, f"{size} connections that say {len(withheld)} bytes"),
        crowd(server.port, size) as all_,
    ):
        for connection in all_:
            with contextlib.suppress(ConnectionError):
                connection.send(withheld)
        time.sleep(counted(3, 0))
        assert server.descriptors() < LIMITS.connections + 100


def test_connects_and_disconnects(server: Server) -> None:
    chance = Random(server.name)
    things = [b"", server.sample[:3], server.sample[:-1], server.sample, server.sample * 3]
    size = counted(10_000, 300)
    with others_are_served(server, f"{size} connects and disconnects"):
        for _ in range(size):
            connection = connected(server.port)
            with contextlib.suppress(ConnectionError):
                connection.sendall(chance.choice(things))
            if chance.random() < 0.5:
                vanish(connection)
            else:
                connection.close()


def test_a_caller_that_sends_calls_and_never_reads(server: Server) -> None:
    with others_are_served(server, "answers never read"), contextlib.ExitStack() as stack:
        deaf = [stack.enter_context(deaf_connection(server.port)) for _ in range(1 if TORTURE else 2)]
        end = time.monotonic() + counted(150, 2)
        while time.monotonic() < end and deaf:
            deaf = [connection for connection in deaf if still_sending(connection, server.sample * 200)]
            time.sleep(0.01)
        if TORTURE:
            assert deaf == [], "a caller that reads nothing wasn't cut off"


def deaf_connection(port: int) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.setblocking(False)
    return connection


def still_sending(connection: socket.socket, calls: bytes) -> bool:
    """Send what is taken at present, cut anywhere: all that counts is that it is never read. False = cut off."""
    try:
        while connection.send(calls) == len(calls):
            pass
    except BlockingIOError:
        pass
    except ConnectionError:
        return False
    return True


def test_a_caller_that_pipelines_without_limit(server: Server) -> None:
    with others_are_served(server, "pipelining without limit"), connected(server.port) as connection:
        reading = threading.Thread(target=read_away, args=(connection,), daemon=True)
        reading.start()
        end = time.monotonic() + counted(10, 1)
        while time.monotonic() < end:
            connection.sendall(server.sample * 1000)
        connection.shutdown(socket.SHUT_RDWR)
        reading.join()


def read_away(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while connection.recv(1024 * 1024):
            pass


def client_hello() -> bytes:
    outgoing = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="x.example").do_handshake()
    return outgoing.read()


@pytest.mark.parametrize(
    "spoken",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n123456789", client_hello()],
    ids=["GET", "POST", "TLS"],
)
def test_callers_of_another_protocol_are_closed(server: Server, spoken: bytes) -> None:
    with others_are_served(server, "another protocol"):
        for _ in range(counted(500, 20)):
            with connected(server.port) as connection:
                connection.sendall(spoken)
                assert received(connection) is None


def test_random_bytes(server: Server) -> None:
    """Bare, in a frame, and as the arguments of a sound call: closed, answered, or waited for, never more."""
    chance = Random(server.name)
    header = server.sample[4 : 12 + int.from_bytes(server.sample[8:12], "big") + 4]
    size = counted(5_000, 200)
    with others_are_served(server, f"{size} times random bytes"):
        for _ in range(size):
            noise = chance.randbytes(chance.choice([1, 10, 100, 10_000]))
            whole = chance.choice(
                [noise, framed(noise), framed(header + noise), framed(mangled(server.sample[4:], chance))]
            )
            with connected(server.port) as connection, contextlib.suppress(ConnectionError):
                connection.sendall(whole)
                connection.shutdown(socket.SHUT_WR)
                read_away(connection)
    assert "Traceback" not in server.log.read_text()


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


def mangled(message: bytes, chance: Random) -> bytes:
    """The message with some of its bytes replaced."""
    changed = bytearray(message)
    for _ in range(chance.randrange(1, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def test_a_server_with_few_descriptors_serves_on_while_silent_connections_crowd_in(tmp_path: Path) -> None:
    """`ulimit -n 256`: a quarter of them for connections; the silent ones lose their places to those who come."""
    with (
        started("ratelimiter", tmp_path, files=256) as server,
        others_are_served(server, "256 descriptors"),
        crowd(server.port, 400),
    ):
        assert eventually(lambda: server.descriptors() < 150)
        assert "accept" not in server.log.read_text()
