"""Loopback ports that stay free while their engine is down."""

from __future__ import annotations

import random
import socket
import threading

LOOPBACK = "127.0.0.1"

# Below the range from which Linux takes ports for outgoing connections (32768 and up): while an engine is
# killed or stopped, no connection can take its port. Ceph's daemons bind 10000-19999 by themselves (ceph.conf).
_RANGE = range(20_000, 32_000)
_handed_out: set[int] = set()
_lock = threading.Lock()


def free_port() -> int:
    """Return a port that no program listens on and that this process hasn't given out before."""
    with _lock:
        while True:
            port = random.choice(_RANGE)  # noqa: S311  # no secret
            if port not in _handed_out and is_free(port):
                _handed_out.add(port)
                return port


def is_free(port: int) -> bool:
    """True if a server could listen on this port now; connections in TIME_WAIT don't count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
