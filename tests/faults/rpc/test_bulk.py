"""A caller that asks the store for large content without end and reads none of it: memory is bounded, others served."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import pytest

from tests.faults.rpc.test_real_servers import deaf_connection, still_sending
from tests.support.rpc_callers import Witness, connected, received
from tests.support.rpc_endpoints import call, context
from tests.support.server_processes import LINUX, Server, eventually, started
from tests.support.urlstore_requests import put
from thrift_idl.gen.urlstore import UrlStore
from thrift_idl.gen.urlstore.ttypes import ContentRequest
from thrift_idl.rpc import ServerLimits
from thrift_idl.rpc.message import REPLY, read_header

MIB = 1024 * 1024
CONTENT = 8 * MIB
URL = "http://large.example/"
GET = call("get_content", UrlStore.get_content_args(ContentRequest(context(), URL)))
DEAF = 1
#: The store's own bound is 32 MiB of content; each has a blob beside it, and its answer is a copy while it is encoded.
IN_HAND = 256 * MIB

pytestmark = [
    pytest.mark.torture,
    pytest.mark.skipif(not os.environ.get("ARAGOG_TORTURE"), reason="full counts: make torture"),
    pytest.mark.skipif(not LINUX, reason="measures by /proc"),
    pytest.mark.timeout(300),
]


def store_page(server: Server) -> None:
    page = put(URL, os.urandom(CONTENT))
    with connected(server.port) as connection:
        connection.sendall(call("put_page", UrlStore.put_page_args(page)))
        assert read_header(received(connection) or b"", REPLY).name == b"put_page"


def test_content_asked_for_and_never_read_is_held_within_the_connections_bound(tmp_path: Path) -> None:
    with started("urlstore", tmp_path) as server:
        store_page(server)
        memory, descriptors = server.memory(), server.descriptors()
        server.forget_peak()
        with contextlib.ExitStack() as stack, Witness(server) as witness:
            deaf = [stack.enter_context(deaf_connection(server.port)) for _ in range(DEAF)]
            end = time.monotonic() + 3 * DEAF
            while time.monotonic() < end:
                for connection in deaf:
                    still_sending(connection, GET * 100)
                time.sleep(0.05)
        grown = server.peak() - memory
        print(
            f"\n{DEAF} deaf callers: server +{grown / MIB:.0f} MiB at most; {len(witness.took_ms)} calls of another, "
            f"median {witness.median_ms:.1f} ms, worst {witness.worst_ms:.1f} ms"
        )
        assert witness.failures == []
        assert CONTENT < grown < DEAF * ServerLimits().connection_bytes + IN_HAND
        assert eventually(lambda: server.descriptors() <= descriptors + 16)  # the store's threads have files of theirs
        assert eventually(lambda: server.memory() < memory + 100 * MIB, 10), server.memory() - memory
        with connected(server.port) as connection:
            connection.sendall(GET)
            assert len(received(connection) or b"") > CONTENT
