"""The prediction of a fetch without fetching: the same verdicts that a fetch passes, returned instead of raised.

Only robots.txt is requested, by the gate that every fetch passes: vetted, reserved, cached, shared with the fetches
under way. Facts that only the answer has (its status, its type, its redirect target) are not predicted.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from hashlib import sha256

import weburl
from fetcher.addresses import AddressPolicy, port_verdict, verdict
from fetcher.endpoint_guard import EndpointGuard
from fetcher.resolver import Endpoint, Resolver
from fetcher.robots.cache import CopyState, RobotsCache, RobotsCopy, remembered_failure, state_of
from fetcher.robots.gate import RobotsGate, sitemap_urls
from fetcher.robots.retrieval import robots_url
from fetcher.robots.rules import RobotsRules, denial
from fetcher.settings import FetchPolicy, product_token
from fetcher.time_budget import Budget
from runtime.clock import Clock
from thrift_idl.errors import (
    AddressDenied,
    AragogError,
    BackendDown,
    BadConfiguration,
    Deferred,
    DnsFailure,
    FetchTimeout,
    HostHeld,
    InvalidRequest,
    InvalidUrl,
    Refused,
    Unavailable,
)
from thrift_idl.gen.fetcher.ttypes import (
    AddressVerdict,
    ExplainRequest,
    Explanation,
    RobotsExplanation,
    RobotsVerdict,
)
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import DomainStatus, StatusRequest
from thrift_idl.records import replace

_UNTOLD = "robots.txt isn't known here, so the result is unknown"


@dataclass(frozen=True, slots=True)
class FetchExplainer:
    """Explains with the same parts as a fetch."""

    gate: RobotsGate
    cache: RobotsCache
    resolver: Resolver
    policy: AddressPolicy
    limiter: RateLimiter
    settings: FetchPolicy
    clock: Clock

    async def explain(self, request: ExplainRequest) -> Explanation:
        """The verdicts on one URL and their result. Raises errors that are no URL's outcome, and `InvalidRequest`."""
        if (request.max_wait_ms or 0) < 0:
            raise InvalidRequest(f"ExplainRequest.max_wait_ms must not be negative, but is {request.max_wait_ms}")
        try:
            url = weburl.split(request.url)
        except InvalidUrl as error:
            return _stopped(Explanation(url=""), error)
        addresses, stop = await self._addresses(url)
        robots = None
        if stop is None:
            robots, stop = await self._robots(url, request)
        limit, unknown = await self._limit(url, request)
        found = Explanation(
            url=url.request_form,
            port_refusal="" if (port := port_verdict(url.port)).allowed else port.reason,
            addresses=addresses,
            robots=robots,
            limit=limit,
            limit_unknown=unknown,
        )
        most_ms = self.settings.max_wait_ms if request.max_wait_ms is None else request.max_wait_ms
        return concluded(found, stop, most_ms)

    # --- address ---

    async def _addresses(self, url: weburl.Url) -> tuple[tuple[AddressVerdict, ...], AragogError | None]:
        """Each address with its verdict, and the error that a fetch would end in because of them."""
        recording = _Recording(self.resolver)
        stop: AragogError | None = None
        try:
            await EndpointGuard(recording, self.policy, self.settings.user_agent).endpoints(url)
        except (AddressDenied, DnsFailure, BadConfiguration) as error:
            stop = error
        return tuple(self._address(url.host, endpoint) for endpoint in recording.answered), stop

    def _address(self, host: str, endpoint: Endpoint) -> AddressVerdict:
        found = verdict(endpoint.address, self.policy, host=host)
        return AddressVerdict(endpoint.address, endpoint.port, found.allowed, found.reason)

    # --- robots.txt ---

    async def _robots(self, url: weburl.Url, request: ExplainRequest) -> tuple[RobotsExplanation, AragogError | None]:
        """The file and its verdict, and the error that a fetch would end in without it."""
        try:
            if request.fetch_robots:
                return await self._from_gate(url, request), None
            return await self._from_cache(url), None
        except (Refused, Deferred, Unavailable) as error:
            source = "unknown" if _says_nothing(error) else "unavailable"
            failed = RobotsExplanation(
                robots_url(url), source, code=error.code, message=error.message, delay_ms=error.delay_ms
            )
            return failed, None if source == "unknown" else error

    async def _from_gate(self, url: weburl.Url, request: ExplainRequest) -> RobotsExplanation:
        """The file as a fetch gets it. Raises the gate's errors."""
        origin = weburl.deciding_origin(url)
        before = await self._cached(origin)
        # Others may share the retrieval, which has its own deadline: only this call's wait ends here.
        async with Budget(0, request.context.remaining_ms, self.clock).patience():
            found = await self.gate.verdict(url, request.context)
        after = await self._cached(origin)
        if after is None or version_of(after) != found.version:
            return RobotsExplanation(robots_url(url), "memory", found, sitemaps=self.gate.sitemaps(url))
        told = self._told(url, _source(before, after, self._state(after)), found, after)
        return replace(told, sitemaps=self.gate.sitemaps(url))

    async def _from_cache(self, url: weburl.Url) -> RobotsExplanation:
        """The file as the cache has it. A stale copy would decide for a fetch that got no newer one."""
        copy = await self._cached(weburl.deciding_origin(url))
        state = self._state(copy)
        if copy is None or state is CopyState.MISSING:
            return RobotsExplanation(robots_url(url), "unknown", message="not in the cache, and not asked for")
        if state is CopyState.FAILED:
            raise remembered_failure(copy, self.clock.wall_ms())
        token = product_token(self.settings.user_agent)
        rules = await asyncio.to_thread(RobotsRules, copy.content, token)
        found = await asyncio.to_thread(rules.verdict, url.target)
        told = self._told(url, "cached" if state is CopyState.FRESH else "stale", found, copy)
        return replace(told, sitemaps=sitemap_urls(rules, url))

    def _told(self, url: weburl.Url, source: str, found: RobotsVerdict, copy: RobotsCopy) -> RobotsExplanation:
        age_ms = max(0, self.clock.wall_ms() - copy.fetched_ms)
        return RobotsExplanation(robots_url(url), source, found, copy.fetched_ms, age_ms)

    def _state(self, copy: RobotsCopy | None) -> CopyState:
        return state_of(copy, self.clock.wall_ms(), self.settings.robots)

    async def _cached(self, origin: str) -> RobotsCopy | None:
        try:
            return await self.cache.get(origin)
        except BackendDown:  # the gate reports it to the telemetry
            return None

    # --- limit ---

    async def _limit(self, url: weburl.Url, request: ExplainRequest) -> tuple[DomainStatus | None, str]:
        asked = StatusRequest(request.context, url.registrable_domain, weburl.deciding_form(url.host))
        try:
            return await self.limiter.status(asked), ""
        except AragogError as error:  # an explanation leaves it out; a fetch would fail with it
            return None, error.message


class _Recording:
    """A resolver that remembers its answers."""

    def __init__(self, inner: Resolver) -> None:
        self._inner = inner
        self.answered: tuple[Endpoint, ...] = ()

    async def resolve(self, host: str, port: int) -> tuple[Endpoint, ...]:
        """The inner resolver's answer."""
        self.answered = await self._inner.resolve(host, port)
        return self.answered


def version_of(copy: RobotsCopy) -> str:
    """The version that a verdict of this copy carries."""
    return sha256(copy.content).hexdigest()[:16] if copy.content else ""


def concluded(found: Explanation, stop: AragogError | None, max_wait_ms: int) -> Explanation:
    """`found` with its conclusions; `stop` is the error that would have ended a fetch already. Pure."""
    stop = stop or _denied(found.robots) or _held(found.limit, max_wait_ms)
    if stop is not None:
        return _stopped(found, stop)
    robots = found.robots
    if robots is None or robots.verdict is None:
        delay_ms = robots.delay_ms if robots else None
        return replace(found, would_fetch=None, message=_UNTOLD, delay_ms=delay_ms)
    return replace(found, would_fetch=True)


def _stopped(found: Explanation, error: AragogError) -> Explanation:
    return replace(
        found,
        would_fetch=False,
        family=error.family,
        code=error.code,
        message=error.message,
        delay_ms=error.delay_ms,
    )


def _denied(robots: RobotsExplanation | None) -> AragogError | None:
    found = robots.verdict if robots else None
    if found is None or found.allowed:
        return None
    return denial(found)


def _held(limit: DomainStatus | None, max_wait_ms: int) -> AragogError | None:
    """The deferral of a domain that is held or blocked for longer than a fetch waits. A lack of slots is none."""
    if limit is None or max(limit.held_ms, limit.blocked_ms) <= max_wait_ms:
        return None
    blocked = limit.blocked_ms >= limit.held_ms
    message = f"the rate limiter {'blocks' if blocked else 'holds'} {limit.domain}"
    return HostHeld(message, delay_ms=math.ceil(max(limit.held_ms, limit.blocked_ms)))


def _says_nothing(error: AragogError) -> bool:
    """True if `error` is about us, not the origin: no slot for robots.txt in time, no time left for the caller."""
    return error.code == "no_slot" or (isinstance(error, FetchTimeout) and error.details.get("phase") == "caller")


def _source(before: RobotsCopy | None, after: RobotsCopy, state: CopyState) -> str:
    if state is CopyState.STANDING_IN:
        return "stale"
    return "cached" if before is not None and before.fetched_ms == after.fetched_ms else "fetched"
