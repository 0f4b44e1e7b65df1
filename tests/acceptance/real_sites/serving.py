"""nginx serves the sites on loopback, as an ordinary user's process, and writes down who asked for what and when."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.real_sites.sites import SITES, Package, Site
from tests.support.processes import stop

CONFIGURATION = """
daemon off;
master_process off;  # one process, so that ours is the pid to end
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    log_format ours '$host $request_uri $status $msec $request_time';
    access_log {folder}/access.log ours;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ {types} }}
    default_type application/octet-stream;
    sendfile on;
    port_in_redirect off;  # the names are mapped to this port: nobody sees it
    gzip_static always;  # Debian compresses large files: page.html is served from page.html.gz
    gunzip on;
    {servers}
}}
"""
SERVER = "server {{ listen 127.0.0.1:{port}; server_name {host}; {locations} }}"
LOCATION = "location {path} {{ alias {folder}/; }}"
TYPES = {
    "html": "text/html",
    "txt": "text/plain",
    "css": "text/css",
    "js": "text/javascript",
    "png": "image/png",
    "gif": "image/gif",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "xml": "application/xml",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One line of the access log."""

    host: str
    path: str
    status: int
    at_s: float
    """Seconds since 1970, when the request had come."""


@dataclass(frozen=True, slots=True)
class Served:
    """The sites while they are served."""

    port: int
    access_log: Path

    def connect_to(self) -> dict[str, str]:
        """The `fetcher.connect_to` that reaches them."""
        return {site.host: f"127.0.0.1:{self.port}" for site in SITES}

    def count(self) -> int:
        """Requests so far."""
        return self.access_log.read_bytes().count(b"\n")

    def log(self) -> list[Asked]:
        """All requests so far."""
        return [_asked(line) for line in self.access_log.read_text().splitlines()]


def _asked(line: str) -> Asked:
    host, path, status, ended_s, took_s = line.split(" ")
    return Asked(host, path, int(status), float(ended_s) - float(took_s))


def fullest_second(log: list[Asked], site: Site) -> int:
    """Most requests to that site's domain in any window of one second, both ends in it."""
    times = sorted(asked.at_s for asked in log if asked.host == site.host)
    return max(bisect_left(times, when + 1.0005) - at for at, when in enumerate(times))


def program() -> str | None:
    """The path of nginx; Debian puts it where ordinary users don't look."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Serve the sites until the end of the block."""
    folder.mkdir(parents=True)
    port = _free_port()
    (folder / "nginx.conf").write_text(_configuration(folder, port))
    command = [str(program()), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    with suppress(PermissionError):
        # Its clock times the requests: on a busy machine it had better not wait its turn.
        os.setpriority(os.PRIO_PROCESS, process.pid, -10)
    try:
        _wait_for(process, port)
        yield Served(port, folder / "access.log")
    finally:
        stop(process)


def _configuration(folder: Path, port: int) -> str:
    types = " ".join(f"{media_type} {suffix};" for suffix, media_type in TYPES.items())
    return CONFIGURATION.format(
        folder=folder, types=types, servers="\n    ".join(_server(each, port) for each in SITES)
    )


def _server(site: Site, port: int) -> str:
    return SERVER.format(port=port, host=site.host, locations=" ".join(map(_location, site.packages)))


def _location(package: Package) -> str:
    return LOCATION.format(path=package.path, folder=package.folder)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _wait_for(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"nginx doesn't serve: {process.communicate()[1] if process.poll() else ''}")
