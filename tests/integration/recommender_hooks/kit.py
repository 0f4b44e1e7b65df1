"""The service over a real store in memory, with a fetcher that answers from the sample web's files."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recommender_hooks.backends.jsonl import JsonlSink
from recommender_hooks.events.event_reader import read_events
from recommender_hooks.images.image_leases import ImageLeases
from recommender_hooks.images.image_signals import run
from recommender_hooks.images.image_state import ImagePolicy
from recommender_hooks.images.image_visits import Decode
from recommender_hooks.service import SignalsService
from tests.support.event_samples import CONTEXT, T0, record
from testweb.answers import Request, answer
from testweb.sites import load_sites
from thrift_idl.errors import AragogError, HttpStatus, RobotsDenied
from thrift_idl.gen.fetcher.ttypes import FetchRequest, FetchResult, Header, Hop
from thrift_idl.gen.page.ttypes import Image, PageRecord
from thrift_idl.gen.urlstore.ttypes import PutPageRequest
from thrift_idl.publishing import PublishEnding
from urlstore.backends.sqlite import SqliteMetadata
from urlstore.backends.sqlite_content import SqliteContent
from urlstore.service import UrlStoreService
from weburl import split

SITES = load_sites()
POLICY = ImagePolicy(tries=2, backoff_ms=1_000)


@dataclass
class Clock:
    now_ms: int = T0

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class FileFetcher:
    """Fills `Fetcher` from the sample web's tables; `raising` says what befalls a URL instead. One hop at most."""

    clock: Clock
    asked: list[FetchRequest] = field(default_factory=list)
    raising: dict[str, AragogError] = field(default_factory=dict)
    headers: dict[str, Mapping[str, str]] = field(default_factory=dict)
    pause: asyncio.Event | None = None

    @property
    def urls(self) -> Counter[str]:
        return Counter(request.url for request in self.asked)

    async def fetch(self, request: FetchRequest) -> FetchResult:
        self.asked.append(request)
        if self.pause:
            await self.pause.wait()
        assert request.accept == ("image/*",)
        if error := self.raising.get(request.url):
            raise error
        if "/private/" in request.url:
            raise RobotsDenied("robots.txt forbids it")
        return self._answer(request, request.url, ())

    def _answer(self, request: FetchRequest, url: str, chain: tuple[Hop, ...]) -> FetchResult:
        parts = split(url)
        validators = {"if-none-match": request.if_none_match} if request.if_none_match else {}
        got = answer(SITES.get(parts.host), Request("GET", parts.target, parts.host, validators, True), 0, 1)
        if location := got.headers.get("Location"):
            target = f"http://{parts.host}{location}"
            return self._answer(request, target, (*chain, Hop(url, got.status, target)))
        headers = {**got.headers, **self.headers.get(url, {})}
        status, content = got.status, got.content
        if request.if_none_match and headers.get("ETag") == request.if_none_match:
            status, content = 304, b""
        if status >= 400:
            raise HttpStatus(str(status), status=str(status), url=url)
        return FetchResult(
            url=url,
            status=status,
            headers=tuple(Header(*pair) for pair in headers.items()),
            content=content,
            chain=chain,
            media_type=headers.get("Content-Type", ""),
            began_ms=self.clock(),
            latency_ms=1.0,
        )


@dataclass
class Kit:
    """One service and what it stands on."""

    clock: Clock
    store: UrlStoreService
    fetcher: FileFetcher
    service: SignalsService
    sink: JsonlSink
    url: str
    """Of the sink."""

    async def put(self, url: str, *images: str | Image, of: PageRecord | None = None, content: bytes = b"") -> None:
        fetched = FetchResult(  # type: ignore[call-arg]  # stubs have keywords only
            url, 200, (), content or url.encode(), (), "text/html", began_ms=self.clock(), latency_ms=1
        )
        await self.store.put_page(PutPageRequest(CONTEXT, fetched, of or record(*images)))

    async def publish(self, url: str) -> PublishEnding:
        return await self.service.publish(url, CONTEXT)

    def events(self) -> list[dict[str, Any]]:
        return list(read_events(self.url))

    def another(self, **parts: Any) -> SignalsService:
        """A second service over the same store and fetcher, as another process has it, some parts its own."""
        return service_over(self.clock, **({"store": self.store, "fetcher": self.fetcher, "sink": self.sink} | parts))  # type: ignore[arg-type]  # a test's business


async def decoded_here(content: bytes) -> bytes:
    return run(content)


def service_over(clock: Clock, *, decode: Decode = decoded_here, **parts: Any) -> SignalsService:
    return SignalsService(decode=decode, policy=POLICY, clock_ms=clock, **parts)


@asynccontextmanager
async def kit_at(folder: Path, leases: ImageLeases | None = None) -> AsyncIterator[Kit]:
    clock = Clock()
    backends = (
        await SqliteMetadata.open("sqlite:///:memory:"),
        await SqliteContent.open(f"sqlite:///{folder}/content.db"),
    )
    store = UrlStoreService(*backends, clock_ms=clock)
    url = f"file:///{folder}/events.jsonl"
    sink, fetcher = await JsonlSink.open(url), FileFetcher(clock)
    try:
        service = service_over(clock, store=store, fetcher=fetcher, sink=sink, leases=leases)
        yield Kit(clock, store, fetcher, service, sink, url)
    finally:
        await sink.close()
        await store.close()
