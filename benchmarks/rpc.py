"""Calls a second of one server process, pipelined over two connections: `python -m benchmarks.rpc [--calls N]`.

The load comes from another process as ready-made frames, so that the server is what is measured; its CPU time counts,
not the clock, for other work shares the machine. Beside it: Apache's TThreadedServer on the same handler, our client.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from thrift.protocol.TBinaryProtocol import TBinaryProtocolAcceleratedFactory
from thrift.server.TServer import TThreadedServer
from thrift.transport.TSocket import TServerSocket
from thrift.transport.TTransport import TFramedTransportFactory

from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter import RateLimiter as service
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import Grant, Reservation, ReserveRequest
from thrift_idl.rpc import Channel, RpcServer, run
from thrift_idl.rpc.message import CALL, encode, framed, write_header

REQUEST = ReserveRequest(Context("benchmark", "r-1"), Reservation("example.org", "www.example.org"))
WINDOW = 64


class Granting:
    async def reserve(self, request: ReserveRequest) -> Grant:
        return Grant(True, 0.0, 0.0, 100.0)


class GrantingAtOnce:
    def reserve(self, request: ReserveRequest) -> Grant:
        return Grant(True, 0.0, 0.0, 100.0)


async def serve_ours() -> None:
    server = RpcServer(RateLimiter, _Filled())
    print(await server.start("127.0.0.1", 0), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.close(100)


class _Filled(Granting):
    def __getattr__(self, name: str) -> Callable[..., object]:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.reserve


def serve_apache() -> None:
    listener = TServerSocket("127.0.0.1", 0)
    listener.listen()
    print(listener.handle.getsockname()[1], flush=True)
    listener.listen = lambda: None
    processor = service.Processor(GrantingAtOnce())
    server = TThreadedServer(
        processor, listener, TFramedTransportFactory(), TBinaryProtocolAcceleratedFactory(), daemon=True
    )
    threading.Thread(target=server.serve, daemon=True).start()
    sys.stdin.read()


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(port: int, calls: int) -> None:
    """Windows of ready-made calls on one connection; the answers are counted by their bytes."""
    one = framed(write_header(CALL, b"reserve", 7) + encode(service.reserve_args(REQUEST)))
    with socket.create_connection(("127.0.0.1", port)) as caller:
        caller.sendall(one)
        size = len(caller.recv(4096))
        for _ in range(calls // WINDOW):
            caller.sendall(one * WINDOW)
            left = size * WINDOW
            while left:
                left -= len(caller.recv(left))


async def call(port: int, calls: int) -> None:
    channel = Channel(f"127.0.0.1:{port}")
    client = channel.client(RateLimiter)
    for _ in range(calls // WINDOW):
        await asyncio.gather(*(client.reserve(REQUEST) for _ in range(WINDOW)))
    await channel.close()


def measure(kind: str, calls: int) -> tuple[float, float]:
    """Calls per CPU second of the server, and per second of the clock."""
    command = [sys.executable, "-m", "benchmarks.rpc", "--serve", kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None and server.stdin is not None
        port = int(server.stdout.readline())
        load(port, WINDOW * 20)
        cpu, clock = cpu_s(server.pid), time.perf_counter()
        callers = [threading.Thread(target=load, args=(port, calls // 2)) for _ in range(2)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        cpu, clock = cpu_s(server.pid) - cpu, time.perf_counter() - clock
        if kind == "ours":
            own = time.process_time()
            run(call(port, calls // 4))
            print(f"our client: {calls // 4 / (time.process_time() - own):,.0f} calls per CPU second of its process")
        server.stdin.close()
    return calls / cpu, calls / clock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=64_000)
    parser.add_argument("--serve", choices=["ours", "apache"])
    arguments = parser.parse_args()
    if arguments.serve == "ours":
        run(serve_ours())
    elif arguments.serve == "apache":
        serve_apache()
    else:
        ours, ours_clock = measure("ours", arguments.calls)
        theirs, theirs_clock = measure("apache", arguments.calls)
        print(f"RpcServer:       {ours:,.0f} calls per CPU second, {ours_clock:,.0f} per second of the clock")
        print(f"TThreadedServer: {theirs:,.0f} calls per CPU second, {theirs_clock:,.0f} per second of the clock")
        print(f"ratio: {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
