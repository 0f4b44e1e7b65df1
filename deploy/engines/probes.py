"""Probes: does an engine answer? Asked in each engine's own protocol, written here, so that no driver is needed."""

from __future__ import annotations

import socket
import struct
import urllib.error
import urllib.request

from deploy.engines.ports import LOOPBACK

_TIMEOUT_S = 1.0


def redis_pongs(port: int) -> bool:
    """PING answered by PONG: not while Redis still loads its append-only file (it says -LOADING then)."""
    return _ask(port, b"PING\r\n", 7) == b"+PONG\r\n"


def cassandra_supports(port: int) -> bool:
    """OPTIONS of CQL's native protocol v4 answered by SUPPORTED (native_protocol_v4.spec, 4.1.3, 4.2.4)."""
    answer = _ask(port, struct.pack(">BBhBi", 0x04, 0, 0, 0x05, 0), 9)
    return len(answer) == 9 and answer[0] == 0x84 and answer[4] == 0x06


def s3_answers(port: int) -> bool:
    """Any HTTP answer below 500: an anonymous GET of `/` is allowed or denied, but understood."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/", timeout=_TIMEOUT_S) as answer:
            return bool(answer.read(1))
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def kafka_lists_versions(port: int) -> bool:
    """ApiVersions v0 answered without an error: the broker's client listener opens only once it is unfenced."""
    correlation_id = 7
    request = struct.pack(">hhih", 18, 0, correlation_id, -1)  # api key, version, correlation id, null client id
    answer = _ask(port, struct.pack(">i", len(request)) + request, 10)
    return len(answer) == 10 and struct.unpack(">ih", answer[4:]) == (correlation_id, 0)


def listens(port: int) -> bool:
    """True if a connection is accepted."""
    try:
        socket.create_connection((LOOPBACK, port), _TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _ask(port: int, request: bytes, size: int) -> bytes:
    """Send `request`, return the first `size` bytes of the answer, or fewer if it ends or stalls."""
    answer = b""
    try:
        with socket.create_connection((LOOPBACK, port), _TIMEOUT_S) as connection:
            connection.sendall(request)
            while len(answer) < size and (more := connection.recv(size - len(answer))):
                answer += more
    except OSError:
        pass
    return answer
