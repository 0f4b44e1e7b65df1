"""CPU of one fetch: our fetcher beside aiohttp, Scrapy's downloader, httpx's pool. `python -m benchmarks.fetch`.

Kept connections, a new connection each, a new HTTPS connection each; 1 KB and 65 KB; 100 hosts (loopback addresses),
128 at once, all on uvloop. The server is a process of its own, each client another, whose CPU time alone counts. Each
HTTPS connection is TLS 1.3 with a full handshake. Ours obeys robots.txt, vets each address and takes a reservation.
Every content's size is checked. The clients take turns, `--runs` times; each figure is the median of its runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import certifi
import uvloop

from benchmarks.peer_environment import environment
from testweb.faults.certificates import make_key, openssl

PEERS = ("aiohttp==3.14.5", "scrapy==2.19.0", "uvloop==0.23.0")
FIGURES = ("cpu_us", "p99_ms", "per_s", "peak_mib")
NO_ROBOTS = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
SCENARIOS = ("keep-alive", "new connection", "new https")


class Page(asyncio.Protocol):
    """Answers every request at once."""

    answer = b""
    closes = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        answer = NO_ROBOTS if data.startswith(b"GET /robots.txt") else self.answer
        self.transport.write(answer * data.count(b"\r\n\r\n"))  # type: ignore[attr-defined]
        if self.closes:
            self.transport.close()


class ClosingPage(Page):
    closes = True


def addresses(hosts: int) -> list[str]:
    return [f"127.0.1.{number + 1}" for number in range(hosts)]


def secured(folder: Path, hosts: int) -> list[ssl.SSLContext]:
    """A server's context for each host, with a certificate of its own, P-256; all of them are the authority."""
    key, authority = folder / "key.pem", folder / "authority.pem"
    make_key(key)
    authority.write_text("")
    contexts = []
    for address in addresses(hosts):
        chain = folder / f"{address}.pem"
        openssl(
            *("req", "-x509", "-new", "-key", key, "-out", chain, "-days", 2, "-subj", f"/CN={address}"),
            *("-addext", f"subjectAltName=IP:{address}"),
        )
        with authority.open("a") as all_of_them:
            all_of_them.write(chain.read_text())
        contexts.append(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        contexts[-1].load_cert_chain(chain, key)
    return contexts


def serve(port: multiprocessing.Queue[int], scenario: str, size: int, hosts: int, folder: Path) -> None:
    kept = "" if scenario == "keep-alive" else "Connection: close\r\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {size}\r\n{kept}"
    head += 'Date: Tue, 09 Nov 2010 14:49:00 GMT\r\nServer: bench\r\nCache-Control: max-age=60\r\nETag: "abc"\r\n'
    start = b"<!doctype html><html><head><title>A page</title></head><body>"
    Page.answer = head.encode() + b"\r\n" + start + b"<p>hello, bench. " * ((size - len(start)) // 17)
    Page.answer += b" " * ((size - len(start)) % 17)

    async def main() -> None:
        page = Page if scenario == "keep-alive" else ClosingPage
        contexts = secured(folder, hosts) if scenario == "new https" else [None] * hosts
        loop, number, servers = asyncio.get_running_loop(), 0, []
        for address, context in zip(addresses(hosts), contexts, strict=True):
            servers.append(await loop.create_server(page, address, number, backlog=1024, ssl=context))
            number = servers[0].sockets[0].getsockname()[1]
        port.put(number)
        await asyncio.sleep(3600)

    uvloop.run(main())


def client(python: Path, name: str, plan: Path, requests: int, at_once: int) -> dict[str, float]:
    script = str(Path(__file__).with_name("fetch_clients.py"))
    command = [str(python), script, name, str(plan), str(requests), str(at_once)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def compared(scenario: str, size: int, arguments: argparse.Namespace, folder: Path) -> None:
    """All clients in turn against one server; their lines."""
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(port, scenario, size, arguments.hosts, folder), daemon=True)
    server.start()
    try:
        number, scheme = port.get(timeout=20), "https" if scenario == "new https" else "http"
        urls = [f"{scheme}://{address}:{number}/page" for address in addresses(arguments.hosts)]
        authority = folder / "authority.pem"
        if scheme == "http":
            authority.write_text(Path(certifi.where()).read_text())  # clients want some
        plan = folder / "plan.json"
        plan.write_text(json.dumps({"urls": urls, "authority": str(authority), "size": size}))
        told(scenario, size, arguments, plan)
    finally:
        server.kill()


def told(scenario: str, size: int, arguments: argparse.Namespace, plan: Path) -> None:
    ours, theirs = Path(sys.executable), environment("fetchers", PEERS) / "bin/python"
    clients = [("fetcher", ours, 1), ("aiohttp", theirs, 1), ("scrapy", theirs, 4), ("httpx", ours, 10)]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name, _, _ in clients}
    for _ in range(arguments.runs):
        for name, python, share in clients:
            runs[name].append(client(python, name, plan, arguments.requests // share, arguments.at_once))
    base = 0.0
    for name, measured in runs.items():
        figures = {figure: median(run[figure] for run in measured) for figure in FIGURES}
        base = base or figures["cpu_us"]
        print(
            f"{scenario:15}{size // 1024:3} KB {name:18}{figures['cpu_us']:8.0f} µs CPU a fetch, "
            f"{figures['cpu_us'] / base:5.2f} times the fetcher's, p99 {figures['p99_ms']:6.0f} ms, "
            f"{figures['per_s']:6.0f} /s, {figures['peak_mib']:4.0f} MiB",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--scenario", choices=SCENARIOS, help="only this one")
    parser.add_argument("--at-once", type=int, default=128)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    load = ", ".join(f"{minutes:.1f}" for minutes in os.getloadavg())
    print(f"medians of {arguments.runs} runs of {arguments.requests} fetches; load {load}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for scenario in [arguments.scenario] if arguments.scenario else SCENARIOS:
            for size in (1024, 65_536):
                compared(scenario, size, arguments, Path(folder))


if __name__ == "__main__":
    main()
