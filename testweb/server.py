"""SampleWeb: all sites behind one loopback port, distinguished by their Host header."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Self

from testweb.accesslog import AccessLog, ServedRequest
from testweb.answers import Answer, Request, answer, text_answer
from testweb.sites import Site, load_sites
from testweb.wire import MAX_HEAD_BYTES, BadRequestError, encode, read_head, skip_content

ADDRESS = "127.0.0.1"
CONTROL_HOST = "control.test"
IDLE_MS = 60_000


class SampleWeb:
    """The sample web, served on 127.0.0.1.

    The content of a page changes with the `epoch` alone, which only `advance`, `set_epoch` and `reset` change:
    a retry never disturbs it. Request counts decide only nonces and "fails at first"; `reset` clears them.
    Other processes do the same with `POST /-/advance`, `/-/epoch/N`, `/-/reset` and `GET /-/log` on control.test.

    `port` 0 takes a free one. `log_file` receives the access log as JSON lines.
    """

    def __init__(self, port: int = 0, log_file: Path | None = None) -> None:
        self.sites: dict[str, Site] = load_sites()
        self.log = AccessLog(log_file)
        self.epoch = 0
        self._wanted_port = port
        self._counts: Counter[tuple[str, str]] = Counter()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._refusing: socket.socket | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken or the log cannot be written; nothing stays open then."""
        try:
            await self._open()
        except OSError:
            await self.stop()
            raise

    async def _open(self) -> None:
        self.log.open()
        self._server = await asyncio.start_server(
            self._connected, ADDRESS, self._wanted_port, limit=MAX_HEAD_BYTES, backlog=512
        )
        self._refusing = socket.socket()
        self._refusing.bind((ADDRESS, 0))  # Never listens, so it refuses; bound, so that no other program takes it.

    async def stop(self) -> None:
        """Close the port and every connection, also one that is being answered."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None
        if self._refusing is not None:
            self._refusing.close()
            self._refusing = None
        self.log.close()

    @property
    def port(self) -> int:
        """The port that the web listens on; only after `start`."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def connect_to(self) -> dict[str, str]:
        """The address for a host name, the most exact name first; only after `start`."""
        assert self._refusing is not None
        refusing = f"{ADDRESS}:{self._refusing.getsockname()[1]}"
        dead = {site.host: refusing for site in self.sites.values() if site.dead}
        return dead | {"*.test": f"{ADDRESS}:{self.port}"}

    def seeds(self) -> list[str]:
        """One URL for each site, from which links reach every page (except those that say why not)."""
        return [f"http://{site.host}{site.seed}" for site in self.sites.values() if site.seed]

    def urls(self) -> list[str]:
        """Every URL that a crawl may find, with any outcome; without images and robots.txt."""
        return [
            f"http://{site.host}{target}"
            for site in self.sites.values()
            for target, rule in site.rules.items()
            if rule.is_listed(target)
        ]

    def images(self) -> list[str]:
        """Every image URL that is served."""
        return [
            f"http://{site.host}{target}"
            for site in self.sites.values()
            for target, rule in site.rules.items()
            if rule.image is not None
        ]

    def advance(self, step: int = 1) -> None:
        """Go to a later epoch: all changes between visits happen now."""
        self.epoch += step

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch, 0 being the first visit."""
        self.epoch = epoch

    def reset(self) -> None:
        """Back to epoch 0, counts and log in memory empty: the next run sees what the first one saw."""
        self.epoch = 0
        self._counts.clear()
        self.log.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError):
                await self._converse(reader, writer)
        except asyncio.CancelledError:
            pass  # stop() ended it; a cancelled connection is no error of asyncio's to report
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests one after another until either side wants to close."""
        keep_alive = True
        while keep_alive:
            try:
                request = await asyncio.wait_for(read_head(reader), IDLE_MS / 1000)
                t_ms = time.time_ns() / 1e6
                if request is None:
                    return
                await skip_content(reader, request)
            except BadRequestError as bad:
                refusal = text_answer(bad.status, f"{bad}\n")
                writer.write(encode(refusal, head_only=False, keep_alive=False))
                await writer.drain()
                return
            keep_alive = request.keep_alive
            reply = self._control(request) if request.host == CONTROL_HOST else self._answer(request, t_ms)
            await asyncio.sleep(reply.delay_ms / 1000)
            writer.write(encode(reply, head_only=request.method == "HEAD", keep_alive=keep_alive))
            await writer.drain()

    def _answer(self, request: Request, t_ms: float) -> Answer:
        key = (request.host, request.target)
        self._counts[key] += 1
        reply = answer(self.sites.get(request.host), request, self.epoch, self._counts[key])
        agent = request.headers.get("user-agent", "")
        self.log.add(ServedRequest(t_ms, request.host, request.method, request.target, reply.status, agent))
        return reply

    def _control(self, request: Request) -> Answer:
        match request.method, request.target.split("/")[1:]:
            case "POST", ["-", "reset"]:
                self.reset()
            case "POST", ["-", "advance"]:
                self.advance()
            case "POST", ["-", "epoch", number] if number.isascii() and number.isdigit():
                self.set_epoch(int(number[:9]))
            case "GET", ["-", "log"]:
                lines = "".join(json.dumps(asdict(access)) + "\n" for access in self.log)
                return Answer(200, {"Content-Type": "application/x-ndjson"}, lines.encode())
            case _:
                return text_answer(404, "POST /-/reset, /-/advance, /-/epoch/N; GET /-/log\n")
        return text_answer(200, f"epoch {self.epoch}\n")
