"""The Fetcher: one URL from the web, politely. It validates, follows redirects, and returns the outcome."""

from __future__ import annotations

from collections.abc import Callable

import httpx

import weburl
from extraction.head import said_charset
from fetcher.addresses import PUBLIC_WEB, AddressPolicy
from fetcher.answer_rules import bounded, check_resume, header_claims
from fetcher.endpoint_guard import EndpointGuard
from fetcher.explanation import FetchExplainer
from fetcher.mediatype import HTML_TYPES
from fetcher.redirect_walk import Landing, RedirectWalk, WalkProgress
from fetcher.requester import Requester
from fetcher.resolver import Resolver
from fetcher.robots.cache import RobotsCache
from fetcher.robots.gate import RobotsGate
from fetcher.robots.retrieval import RobotsRetrieval
from fetcher.settings import FetchPolicy, product_token
from fetcher.telemetry import FetcherTelemetry, SilentFetcherTelemetry
from fetcher.time_budget import Budget
from runtime.clock import Clock
from thrift_idl.errors import (
    AragogError,
    Deferred,
    InvalidRequest,
    InvalidUrl,
    Refused,
    Unavailable,
    restore,
)
from thrift_idl.gen.fetcher.ttypes import CanonicalClaim, ExplainRequest, Explanation, FetchRequest, FetchResult
from thrift_idl.gen.ratelimiter.protocol import RateLimiter

_OUTCOMES = (Refused, Deferred, Unavailable)


class FetcherService:
    """Implements `thrift_idl.gen.fetcher.protocol.Fetcher`. Raises `BadConfiguration` for an invalid User-Agent."""

    def __init__(
        self,
        *,
        limiter: RateLimiter,
        resolver: Resolver,
        transport: httpx.AsyncBaseTransport,
        robots_cache: RobotsCache,
        settings: FetchPolicy | None = None,
        policy: AddressPolicy = PUBLIC_WEB,
        clock: Clock | None = None,
        telemetry: FetcherTelemetry | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """`check` is called right before each request is sent: if it raises, the request isn't sent."""
        self._settings = settings or FetchPolicy()
        self._transport = transport
        self._robots_cache = robots_cache
        self._guard = EndpointGuard(resolver, policy, self._settings.user_agent)
        self._clock = clock or Clock()
        self._telemetry = telemetry or SilentFetcherTelemetry()
        token = product_token(self._settings.user_agent)
        self._requester = Requester(limiter, transport, self._settings, self._clock, self._telemetry, check)
        retrieval = RobotsRetrieval(self._requester, self._guard, self._settings, self._clock)
        self._robots = RobotsGate(
            retrieval.fetch, robots_cache, token, self._settings.robots, self._clock, self._telemetry
        )
        self._explainer = FetchExplainer(
            self._robots, robots_cache, resolver, policy, limiter, self._settings, self._clock
        )

    async def fetch(self, request: FetchRequest) -> FetchResult:
        """Fetch one URL. Raises Refused, Deferred or Unavailable as the URL's outcome; details "url" names the URL with
        the error, "status" the HTTP status if there was one, `chain` are the hops so far."""
        began_ms = self._clock.now_ms()
        code = "cancelled"
        try:
            result = await self._fetch(request)
            code = ""
            return result
        except AragogError as error:
            code = error.code
            raise
        finally:
            self._telemetry.fetch_ended(request.context.source, code, self._clock.now_ms() - began_ms)

    async def explain(self, request: ExplainRequest) -> Explanation:
        """Everything that decides the end of a fetch of one URL; only robots.txt is requested, if it isn't
        cached. Raises only errors that are no URL's outcome."""
        return await self._explainer.explain(request)

    async def close(self) -> None:
        """Close connections and the robots cache; running fetches fail."""
        await self._robots.close()
        await self._transport.aclose()
        await self._robots_cache.close()

    async def _fetch(self, request: FetchRequest) -> FetchResult:
        progress = self._begin(request)
        deadline_ms = self._settings.deadline_ms
        if request.deadline_ms is not None:
            deadline_ms = min(deadline_ms, request.deadline_ms)
        budget = Budget(deadline_ms, request.context.remaining_ms, self._clock)
        walk = RedirectWalk(
            self._requester, self._robots, self._guard, self._settings, request, budget, progress, self._clock
        )
        try:
            check_resume(request.resume, self._settings.max_redirects)
            async with budget.patience():
                landing = await walk.land()
        except _OUTCOMES as error:
            raise _outcome(error, progress) from None
        return self._result(landing, progress)

    def _begin(self, request: FetchRequest) -> WalkProgress:
        """The start of the walk. Raises `InvalidUrl`, without details "url": there is no request form to name."""
        _check_request(request)
        start = request.resume[-1].target if request.resume else request.url
        try:
            return WalkProgress(weburl.split(start), list(request.resume))
        except InvalidUrl as error:
            raise InvalidUrl(error.message, raw=ascii(start[:200])) from None

    def _result(self, landing: Landing, progress: WalkProgress) -> FetchResult:
        answer = landing.answer
        return FetchResult(
            url=landing.url.request_form,
            status=answer.head.status,
            headers=answer.head.headers,
            content=answer.content,
            chain=tuple(progress.chain),
            media_type=landing.media_type,
            charset=landing.charset,
            began_ms=progress.began_ms,
            latency_ms=answer.latency_ms,
            waited_ms=progress.waited_ms,
            wire_bytes=answer.wire_bytes,
            peer=answer.peer,
            flags=answer.flags,
            robots=landing.robots,
            claims=self._claims(landing),
            declared_type=landing.declared_type,
            sniffed_type=landing.sniffed_type,
            sniffed_charset=said_charset(answer.content) if landing.media_type in HTML_TYPES else "",
            codings=answer.codings,
            content_bytes=len(answer.content),
            timing=answer.timing,
            tls=answer.tls,
            slot=answer.slot,
        )

    def _claims(self, landing: Landing) -> tuple[CanonicalClaim, ...]:
        claims = list(header_claims(landing.url.request_form, landing.answer.head.values("link")))
        if landing.page_head.canonical:
            claims.append(CanonicalClaim("tag", landing.page_head.canonical))
        if landing.page_head.og_url:
            claims.append(CanonicalClaim("og", landing.page_head.og_url))
        return bounded(claims)


def _check_request(request: FetchRequest) -> None:
    for name in ("max_bytes", "deadline_ms", "max_wait_ms"):
        value = getattr(request, name)
        if value is not None and value < 0:
            raise InvalidRequest(f"FetchRequest.{name} must not be negative, but is {value}")
    for name in ("if_none_match", "if_modified_since"):
        value = getattr(request, name)
        if value is not None and not (value.isprintable() and value.isascii()):
            raise InvalidRequest(f"FetchRequest.{name} must be printable ASCII")
    if not all(pattern.isprintable() and pattern.isascii() for pattern in request.accept):
        raise InvalidRequest("FetchRequest.accept must be printable ASCII")


def _outcome(error: AragogError, progress: WalkProgress) -> AragogError:
    """The error with its place: a copy, because fetches that wait for one robots.txt share the original."""
    details = {**error.details, "url": progress.url.request_form}
    if progress.status:
        details.setdefault("status", str(progress.status))
    return restore(error.family, error.code, error.message, error.delay_ms, details, tuple(progress.chain))
