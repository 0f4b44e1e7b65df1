"""Retrieval of a robots.txt from its origin: the meaning of each answer (RFC 9309 2.3.1), redirects included."""

from __future__ import annotations

from dataclasses import dataclass

import weburl
from fetcher.answer_rules import REDIRECTS, location_target
from fetcher.endpoint_guard import EndpointGuard
from fetcher.requester import AnswerHead, Ask, HttpAnswer, Requester, request_headers
from fetcher.resolver import Endpoint
from fetcher.robots.cache import RobotsCopy
from fetcher.settings import FetchPolicy
from fetcher.time_budget import Budget
from runtime.clock import Clock
from thrift_idl.errors import BadReply, FetchTimeout, Refused, RetryAfter, RobotsUnavailable
from thrift_idl.gen.context.ttypes import Context
from weburl.validators import sendable


@dataclass(frozen=True, slots=True)
class Retrieved:
    """An origin's answer about its robots.txt."""

    content: bytes = b""
    """The file; b"" if everything is allowed."""
    etag: str = ""
    last_modified: str = ""
    unchanged: bool = False
    """304: the known copy is current."""


_ALL_ALLOWED = Retrieved()


class RobotsRetrieval:
    """Fetches robots.txt like any page: vetted addresses, a slot for every hop."""

    def __init__(self, requester: Requester, guard: EndpointGuard, settings: FetchPolicy, clock: Clock) -> None:
        self._requester = requester
        self._guard = guard
        self._settings = settings
        self._clock = clock
        self._headers = request_headers(settings.user_agent, "text/plain,*/*;q=0.5")

    async def fetch(self, url: weburl.Url, context: Context, known: RobotsCopy | None = None) -> Retrieved:
        """The file that decides about `url`; if `known` has validators, a conditional request.

        Raises `RobotsUnavailable` (5xx, stalls, no HTTP), `RetryAfter` (429), `Unavailable` (DNS, connection, TLS),
        and deferrals of the rate limiter.
        """
        # The caller's wait is not the file's: others may wait for it, and it is kept.
        budget = Budget(self._settings.robots.deadline_ms, None, self._clock)
        try:
            return await self._walk(weburl.split(robots_url(url)), context, budget, _conditions(known))
        except FetchTimeout as error:
            if error.details.get("phase") == "connect":
                raise
            raise self._unavailable(f"stalled: {error.message}") from None
        except BadReply as error:
            raise self._unavailable(error.message) from None

    async def _walk(
        self, target: weburl.Url, context: Context, budget: Budget, conditions: list[tuple[str, str]]
    ) -> Retrieved:
        """Follow redirects to an answer. Validators are the origin's own: they go to no target, and come from none."""
        endpoints = await self._guard.endpoints(target)
        for hop in range(self._settings.robots.max_redirects + 1):
            answer = await self._ask(target, endpoints, context, budget, [] if hop else conditions)
            if answer.head.status == 304 and conditions and not hop:
                return Retrieved(unchanged=True)
            if answer.head.status not in REDIRECTS or not answer.head.value("location"):
                return self._retrieved(answer, validators=not hop)
            following = await self._follow(target, answer)
            if following is None:
                return _ALL_ALLOWED
            target, endpoints = following
        return _ALL_ALLOWED  # more hops than required: taken as unavailable (2.3.1.2)

    async def _ask(
        self,
        url: weburl.Url,
        endpoints: tuple[Endpoint, ...],
        context: Context,
        budget: Budget,
        conditions: list[tuple[str, str]],
    ) -> HttpAnswer:
        wait_ms, headers = self._settings.max_wait_ms, (*self._headers, *conditions)
        ask = Ask(url, endpoints, headers, context, budget, wait_ms, purpose="robots")
        return await self._requester.request(ask, self._keep)

    def _keep(self, head: AnswerHead) -> int:
        return self._settings.robots.max_bytes if 200 <= head.status <= 299 else 0

    async def _follow(self, url: weburl.Url, answer: HttpAnswer) -> tuple[weburl.Url, tuple[Endpoint, ...]] | None:
        """The target of the answer; None if we never request it: no robots.txt then."""
        try:
            target = weburl.split(location_target(url.request_form, answer.head.value("location") or ""))
            return target, await self._guard.endpoints(target)
        except Refused:
            return None

    def _retrieved(self, answer: HttpAnswer, *, validators: bool) -> Retrieved:
        status, head = answer.head.status, answer.head
        if 200 <= status <= 299:
            content = _whole_lines(answer)
            if not validators:
                return Retrieved(content)
            return Retrieved(content, *_validators(head))
        if status == 429:
            delay_ms = answer.head.retry_after_ms or self._settings.retry_after_ms
            raise RetryAfter("robots.txt answered 429", delay_ms=delay_ms)
        if 500 <= status <= 599:
            raise self._unavailable(f"answered {status}", answer.head.retry_after_ms)
        return _ALL_ALLOWED  # 4xx, and 3xx without a target: unavailable, so that all is allowed (2.3.1.3)

    def _unavailable(self, why: str, retry_ms: int | None = None) -> RobotsUnavailable:
        return RobotsUnavailable(f"robots.txt {why}", delay_ms=retry_ms or self._settings.robots.failure_ms)


def robots_url(url: weburl.Url) -> str:
    """The URL of the rules for `url` (RFC 9309 2.3): those of `h.` are requested from `h`: both have one owner."""
    return f"{weburl.deciding_origin(url)}/robots.txt"


def _whole_lines(answer: HttpAnswer) -> bytes:
    """The content; if it was cut, without the incomplete last line."""
    if "truncated" not in answer.flags:
        return answer.content
    end = max(answer.content.rfind(b"\n"), answer.content.rfind(b"\r"))
    return answer.content[: end + 1] if end >= 0 else answer.content


def _conditions(known: RobotsCopy | None) -> list[tuple[str, str]]:
    """Headers that ask if `known` is current."""
    if known is None:
        return []
    given = (("If-None-Match", known.etag), ("If-Modified-Since", known.last_modified))
    return [(name, value) for name, value in given if value]


def _validators(head: AnswerHead) -> tuple[str, str]:
    """ETag and Last-Modified, if they may be sent back."""
    return sendable(head.value("etag") or ""), sendable(head.value("last-modified") or "")
