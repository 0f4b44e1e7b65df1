"""Our servers as real processes, and what the system knows of them: memory, descriptors, what they logged."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import READY, environment, stop
from tests.support.rpc_endpoints import call, context
from thrift_idl.gen.fetcher import Fetcher
from thrift_idl.gen.fetcher.ttypes import FetchRequest
from thrift_idl.gen.pinlater import PinLater
from thrift_idl.gen.pinlater.ttypes import RequestContext
from thrift_idl.gen.ratelimiter import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import StatusRequest
from thrift_idl.gen.urlstore import UrlStore
from thrift_idl.gen.urlstore.ttypes import LookupRequest

#: A cheap call of each server, as a frame, by the name of its service; its argument 1 is a struct.
SAMPLES = {
    "ratelimiter": call("status", RateLimiter.status_args(StatusRequest(context(), "example.org"))),
    "urlstore": call("lookup", UrlStore.lookup_args(LookupRequest(context(), "http://example.org/"))),
    "pinlater": call("getQueueNames", PinLater.getQueueNames_args(RequestContext("test"))),
    "fetcher": call("fetch", Fetcher.fetch_args(FetchRequest(context(), "no URL"))),
}
NAMES = tuple(SAMPLES)
LINUX = Path("/proc/self/clear_refs").exists()


@dataclass(frozen=True, slots=True)
class Server:
    """`aragog serve NAME`, running."""

    name: str
    port: int
    pid: int
    log: Path

    @property
    def sample(self) -> bytes:
        """A cheap call of this server."""
        return SAMPLES[self.name]

    def descriptors(self) -> int:
        """Open files and sockets."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def sockets(self) -> int:
        """Open sockets: files come with the threads that open a database."""
        links = (self._link(path) for path in Path(f"/proc/{self.pid}/fd").iterdir())
        return sum(link.startswith("socket:") for link in links)

    def memory(self) -> int:
        """Resident bytes."""
        return self._status("VmRSS")

    def peak(self) -> int:
        """Most resident bytes since `forget_peak`."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """Begin to measure the peak anew (proc_pid_clear_refs(5))."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    @staticmethod
    def _link(path: Path) -> str:
        with suppress(FileNotFoundError):  # closed meanwhile
            return str(path.readlink())
        return ""

    def _status(self, key: str) -> int:
        found = re.search(rf"^{key}:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE)
        assert found
        return int(found[1]) * 1024


@contextmanager
def started(name: str, folder: Path, files: int | None = None) -> Iterator[Server]:
    """A server with embedded backends on a free port; `files` bounds its descriptors, soft and hard."""
    settings = {"data_dir": str(folder / "data"), f"{name}_listen": "127.0.0.1:0"}
    command = [sys.executable, "-m", "aragog", "serve", name]
    if files is not None:
        command = ["/bin/sh", "-c", f'ulimit -n {files} && exec "$@"', "sh", *command]
    log = folder / "stderr"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            command, env=environment(**settings), stdout=subprocess.PIPE, stderr=stderr, text=True
        )
    try:
        assert process.stdout
        ready = READY.match(process.stdout.readline())
        assert ready, log.read_text()
        yield Server(name, int(ready[2].rpartition(":")[2]), process.pid, log)
        assert process.poll() is None, f"the server died: {log.read_text()}"
    finally:
        stop(process)


def eventually(true: Callable[[], bool], within_s: float = 60) -> bool:
    """True if it becomes so."""
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
