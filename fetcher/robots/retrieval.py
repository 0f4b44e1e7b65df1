"""Getting a robots.txt from its origin: what each answer means (RFC 9309 2.3.1), redirects included."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import weburl
from fetcher.budget import Budget
from fetcher.clock import Clock
from fetcher.redirects import REDIRECTS, location_target
from fetcher.requester import Answer, AnswerHead, Ask, Requester, request_headers
from fetcher.resolver import Endpoint
from fetcher.settings import FetcherSettings
from thrift_idl.errors import BadReply, FetchTimeout, Refused, RetryAfter, RobotsUnavailable
from thrift_idl.gen.context.ttypes import Context

Vet = Callable[[weburl.Url], Awaitable[tuple[Endpoint, ...]]]


class RobotsRetrieval:
    """Fetches robots.txt like any page: vetted addresses, a slot for every hop."""

    def __init__(self, requester: Requester, vet: Vet, settings: FetcherSettings, clock: Clock) -> None:
        self._requester = requester
        self._vet = vet
        self._settings = settings
        self._clock = clock
        self._headers = request_headers(settings.user_agent, "text/plain,*/*;q=0.5")

    async def fetch(self, url: weburl.Url, context: Context) -> bytes:
        """The file of `url`'s origin, or b"" where it may be taken for granted that all is allowed.

        Raises `RobotsUnavailable` (5xx, stalls, no HTTP), `RetryAfter` (429), `Unavailable` (DNS, connection, TLS),
        and deferrals of the rate limiter.
        """
        # The caller's patience is not the file's: others may wait for it, and it is kept.
        budget = Budget(self._settings.robots.deadline_ms, None, self._clock)
        target = weburl.split(url.origin + "/robots.txt")
        try:
            endpoints = await self._vet(target)
            for _ in range(self._settings.robots.max_redirects + 1):
                answer = await self._ask(target, endpoints, context, budget)
                if answer.head.status not in REDIRECTS or not answer.head.value("location"):
                    return self._content(answer)
                following = await self._follow(target, answer)
                if following is None:
                    return b""
                target, endpoints = following
        except FetchTimeout as error:
            if error.details.get("phase") == "connect":
                raise
            raise self._unavailable(f"stalled: {error.message}") from None
        except BadReply as error:
            raise self._unavailable(error.message) from None
        return b""  # more hops than anybody must follow: taken as unavailable (2.3.1.2)

    async def _ask(self, url: weburl.Url, endpoints: tuple[Endpoint, ...], context: Context, budget: Budget) -> Answer:
        wait_ms = self._settings.max_wait_ms
        ask = Ask(url, endpoints, self._headers, context, budget, wait_ms, purpose="robots")
        return await self._requester.request(ask, self._keep)

    def _keep(self, head: AnswerHead) -> int:
        return self._settings.robots.max_bytes if 200 <= head.status <= 299 else 0

    async def _follow(self, url: weburl.Url, answer: Answer) -> tuple[weburl.Url, tuple[Endpoint, ...]] | None:
        """Where the answer points; None where we never go: no robots.txt then."""
        try:
            target = weburl.split(location_target(url.request_form, answer.head.value("location") or ""))
            return target, await self._vet(target)
        except Refused:
            return None

    def _content(self, answer: Answer) -> bytes:
        status = answer.head.status
        if 200 <= status <= 299:
            return _whole_lines(answer)
        if status == 429:
            delay_ms = answer.head.retry_after_ms or self._settings.retry_after_ms
            raise RetryAfter("robots.txt answered 429", delay_ms=delay_ms)
        if 500 <= status <= 599:
            raise self._unavailable(f"answered {status}", answer.head.retry_after_ms)
        return b""  # 4xx, and 3xx without a target: unavailable, so that all is allowed (2.3.1.3)

    def _unavailable(self, why: str, retry_ms: int | None = None) -> RobotsUnavailable:
        return RobotsUnavailable(f"robots.txt {why}", delay_ms=retry_ms or self._settings.robots.failure_ms)


def _whole_lines(answer: Answer) -> bytes:
    """The content; where it was cut, less the line that the cut went through."""
    if "truncated" not in answer.flags:
        return answer.content
    end = max(answer.content.rfind(b"\n"), answer.content.rfind(b"\r"))
    return answer.content[: end + 1] if end >= 0 else answer.content
