"""One polite request: to vetted endpoints, on its own slot, its answer read within bounds and told to the limiter."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import httpx

import weburl
from fetcher.answer_rules import retry_after_ms
from fetcher.decoding import Decoder, codings_of
from fetcher.loop_time import LoopTime
from fetcher.resolver import Endpoint
from fetcher.settings import KIB, FetchPolicy
from fetcher.slots import HOLDING, HoldsHeard, ReservedSlot
from fetcher.telemetry import FetcherTelemetry, RequestEnded
from fetcher.time_budget import Budget
from fetcher.transport import BodyStream, Exchange
from runtime.clock import Clock
from thrift_idl.errors import AragogError, BackendDown, ConnectFailure, InvalidUrl, ProxyDown, Unavailable
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import Header, SlotTaken, Timing, TlsFacts
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import FeedbackRequest, Reservation

ENCODINGS = "gzip, deflate, br, zstd"
_DRAINED = 64 * KIB  # an unwanted body of this size is still read, to keep the connection
_DRAIN_MS = 1_000
_NO_CONTENT = httpx.ByteStream(b"")


@dataclass(frozen=True, slots=True)
class Ask:
    """The request to send, its purpose, and its time."""

    url: weburl.Url
    endpoints: tuple[Endpoint, ...]
    headers: tuple[tuple[str, str], ...]
    context: Context
    budget: Budget
    max_wait_ms: int
    crawl_delay_ms: int | None = None
    purpose: str = "page"
    dns_ms: float = 0.0
    """The time for resolving and vetting the host."""


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """The facts of an answer before its body."""

    status: int
    headers: tuple[Header, ...]
    retry_after_ms: int | None

    def values(self, name: str) -> list[str]:
        """All values of a header; `name` in lower case."""
        return [header.value for header in self.headers if header.name == name]

    def value(self, name: str) -> str | None:
        """The first value of a header."""
        return next(iter(self.values(name)), None)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer, its content decoded as far as it was wanted."""

    head: AnswerHead
    content: bytes
    flags: tuple[str, ...]
    peer: str
    wire_bytes: int
    latency_ms: float
    waited_ms: float
    began_ms: int
    """Wall clock when the request was sent."""
    timing: Timing
    tls: TlsFacts | None
    slot: SlotTaken
    codings: tuple[str, ...] = ()
    """Content codings that were decoded."""


KeepBytes = Callable[[AnswerHead], int]
"""The amount of decoded content that is wanted of an answer; 0 = none. May raise an outcome."""


class Requester:
    """The only way for a request of ours to leave this process."""

    def __init__(
        self,
        limiter: RateLimiter,
        transport: httpx.AsyncBaseTransport,
        settings: FetchPolicy,
        clock: Clock,
        telemetry: FetcherTelemetry,
        check: Callable[[], None],
    ) -> None:
        self._limiter = limiter
        self._transport = transport
        self._settings = settings
        self._clock = clock
        self._telemetry = telemetry
        self._check = check
        self._holds = HoldsHeard()

    async def request(self, ask: Ask, keep: KeepBytes) -> HttpAnswer:
        """Send `ask` when its slot has come. Raises Deferred, Unavailable, and the errors of `keep`."""
        slot = self._slot(ask)
        exchange = Exchange(ask.url, ask.endpoints, slot, ask.budget)
        request = _request(ask, exchange)
        try:
            response = await self._transport.handle_async_request(request)
        except AragogError as error:
            if slot.taken and not isinstance(error, BackendDown):  # a failure of ours doesn't count against the host
                await self._tell(ask, 0, None, 0.0)
            self._record(ask, slot, error=error)
            raise
        try:
            return await self._answer(ask, slot, response, keep)
        finally:
            await response.stream.aclose()  # type: ignore[union-attr]  # ours is asynchronous

    def _slot(self, ask: Ask) -> ReservedSlot:
        url = ask.url
        host = weburl.deciding_form(url.host)
        reservation = Reservation(url.registrable_domain, host, ask.crawl_delay_ms, ask.max_wait_ms)
        return ReservedSlot(
            self._limiter, reservation, ask.context, ask.budget, self._clock, self._telemetry, self._holds, self._check
        )

    async def _answer(self, ask: Ask, slot: ReservedSlot, response: httpx.Response, keep: KeepBytes) -> HttpAnswer:
        stream = response.stream
        assert isinstance(stream, BodyStream)
        sent_ms = response.extensions["sent_ms"]
        head_ms = self._clock.now_ms() - sent_ms
        began_ms = int(self._clock.wall_ms() - head_ms)
        head = self._head(response)
        # Reported at once, before the body: a 429 holds the domain for all callers.
        with self._holds.telling(ask.url.registrable_domain) if head.status in HOLDING else contextlib.nullcontext():
            await self._tell(ask, head.status, head.retry_after_ms, head_ms)
        try:
            content, flags, codings = await self._content(head, stream, keep(head), ask.budget)
        except AragogError as error:
            self._record(ask, slot, error=error, head=head, stream=stream)
            raise
        latency_ms = self._clock.now_ms() - sent_ms
        self._record(ask, slot, head=head, stream=stream, latency_ms=latency_ms)
        return HttpAnswer(
            head=head,
            content=content,
            flags=flags,
            peer=response.extensions["peer"],
            wire_bytes=stream.wire_bytes,
            latency_ms=latency_ms,
            waited_ms=slot.waited_ms,
            began_ms=began_ms,
            timing=_timing(response, ask, slot, head_ms, latency_ms),
            tls=response.extensions["tls"],
            slot=slot.facts,
            codings=codings,
        )

    def _head(self, response: httpx.Response) -> AnswerHead:
        headers = tuple(Header(n.decode("latin-1"), v.decode("latin-1")) for n, v in response.headers.raw)
        said = next((header.value for header in headers if header.name == "retry-after"), None)
        most_ms = self._settings.max_retry_after_ms
        return AnswerHead(response.status_code, headers, retry_after_ms(said, self._clock.wall_ms(), most_ms))

    async def _content(
        self, head: AnswerHead, stream: BodyStream, wanted: int, budget: Budget
    ) -> tuple[bytes, tuple[str, ...], tuple[str, ...]]:
        """The decoded content, as much as is wanted, its faults, and its codings."""
        if not wanted:
            await self._drain(head, stream)
            return b"", (), ()
        codings = codings_of(head.values("content-encoding"))
        decoder = Decoder(codings, wanted)
        most = self._settings.transport.max_wire_bytes
        async for piece in stream:
            await self._decode(decoder, piece, stream.loop_time, budget)
            if not decoder.wanted:
                break
            if stream.wire_bytes > most:
                decoder.flags.append("truncated")
                break
        content = decoder.content()
        early = stream.early_close
        if early and not content:
            raise ConnectFailure("the server closed the connection before any of the content")
        return content, tuple(dict.fromkeys([*decoder.flags, *(["early_close"] if early else [])])), tuple(codings)

    async def _decode(self, decoder: Decoder, piece: bytes, loop_time: LoopTime, budget: Budget) -> None:
        """In steps: a few bytes may mean minutes of work, which must not delay others or outlast the fetch."""
        now_ms = self._clock.now_ms
        decoder.take(piece)
        while decoder.busy:
            if loop_time.used_up or decoder.long:
                await loop_time.wait()
                budget.check()
            if decoder.long:
                await loop_time.apart(decoder.step)
            else:
                began_ms = now_ms()
                decoder.step()
                loop_time.spend(now_ms() - began_ms)

    async def _drain(self, head: AnswerHead, stream: BodyStream) -> None:
        """Read a short unwanted body; a longer one costs the connection."""
        length = head.value("content-length") or "0"
        if length.isdigit() and int(length) > _DRAINED:
            return
        # The status stays valid, even if its body fails.
        with contextlib.suppress(Unavailable, ProxyDown, TimeoutError):
            async with asyncio.timeout(_DRAIN_MS / 1000):
                async for _ in stream:
                    if stream.wire_bytes > _DRAINED:
                        return

    async def _tell(self, ask: Ask, status: int, retry_ms: int | None, latency_ms: float) -> None:
        """Feedback to the limiter; if it is down, the answer that is already here stays valid."""
        url = ask.url
        # Only for a 503 the limiter needs the URL: one of two URLs, or the same one again.
        key = weburl.url_key(url.request_form) if status == 503 else b""
        host = weburl.deciding_form(url.host)
        feedback = FeedbackRequest(ask.context, url.registrable_domain, host, status, retry_ms, latency_ms, key)
        try:
            await self._limiter.feedback(feedback)
        except AragogError as error:
            self._telemetry.feedback_failed(error.code)

    def _record(
        self,
        ask: Ask,
        slot: ReservedSlot,
        *,
        error: AragogError | None = None,
        head: AnswerHead | None = None,
        stream: BodyStream | None = None,
        latency_ms: float = 0.0,
    ) -> None:
        self._telemetry.request_ended(
            RequestEnded(
                source=ask.context.source,
                url=ask.url.request_form,
                purpose=ask.purpose,
                status=head.status if head else 0,
                code=error.code if error else "",
                waited_ms=slot.waited_ms,
                latency_ms=latency_ms,
                wire_bytes=stream.wire_bytes if stream else 0,
                reused=stream.reused if stream else False,
            )
        )


def _timing(response: httpx.Response, ask: Ask, slot: ReservedSlot, first_byte_ms: float, latency_ms: float) -> Timing:
    told = response.extensions
    return Timing(
        queue_ms=told["queue_ms"],
        slot_ms=slot.waited_ms,
        dns_ms=ask.dns_ms,
        connect_ms=told["connect_ms"],
        tls_ms=told["tls_ms"],
        first_byte_ms=first_byte_ms,
        body_ms=latency_ms - first_byte_ms,
    )


def request_headers(user_agent: str, accept: str, extra: Sequence[tuple[str, str]] = ()) -> tuple[tuple[str, str], ...]:
    """Headers of every request of ours."""
    return (
        ("User-Agent", user_agent),
        ("Accept", accept),
        ("Accept-Encoding", ENCODINGS),
        *extra,
    )


def _request(ask: Ask, exchange: Exchange) -> httpx.Request:
    """The URL is for display only: `ask.url` decides the address and the bytes sent, not httpx's parser."""
    url, headers = _origin_url(ask.url.origin), _httpx_headers(ask.headers)
    # With a stream given httpx doesn't look for content, and for its headers, which no GET has.
    return httpx.Request("GET", url, headers=headers, stream=_NO_CONTENT, extensions={"exchange": exchange})


@lru_cache(maxsize=256)  # most requests have those of the one before
def _httpx_headers(headers: tuple[tuple[str, str], ...]) -> httpx.Headers:
    return httpx.Headers(headers)


@lru_cache(maxsize=4096)
def _origin_url(origin: str) -> httpx.URL:
    try:
        return httpx.URL(origin + "/")
    except httpx.InvalidURL as error:
        raise InvalidUrl(f"{origin} can't be requested: {error}") from None
