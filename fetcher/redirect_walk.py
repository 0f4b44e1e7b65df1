"""One fetch, hop by hop: verdicts, one polite request, and the target of its answer."""

from __future__ import annotations

from dataclasses import dataclass

import weburl
from extraction.head import PageHead, read_head
from fetcher.answer_rules import REDIRECTS, check_hop, location_target, status_error
from fetcher.endpoint_guard import EndpointGuard
from fetcher.mediatype import HTML_TYPES, accept_header, content_type, is_accepted, sniff
from fetcher.requester import AnswerHead, Ask, HttpAnswer, Requester, request_headers
from fetcher.robots.gate import RobotsGate
from fetcher.robots.rules import denial
from fetcher.settings import FetchPolicy
from fetcher.time_budget import Budget
from runtime.clock import Clock
from thrift_idl.errors import Moved, WrongType
from thrift_idl.gen.fetcher.ttypes import FetchRequest, Hop, RobotsVerdict


@dataclass(slots=True)
class WalkProgress:
    """The progress of a fetch; its error, if it ends in one, carries this."""

    url: weburl.Url
    chain: list[Hop]
    status: int = 0
    """Status of the present answer; 0 = none yet."""
    began_ms: int = 0
    waited_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Landing:
    """The answer at the end of the chain."""

    url: weburl.Url
    answer: HttpAnswer
    robots: RobotsVerdict
    media_type: str
    charset: str
    page_head: PageHead
    declared_type: str
    sniffed_type: str


@dataclass(frozen=True, slots=True)
class RedirectWalk:
    """The walk of one request."""

    requester: Requester
    robots: RobotsGate
    guard: EndpointGuard
    settings: FetchPolicy
    request: FetchRequest
    budget: Budget
    progress: WalkProgress
    clock: Clock

    async def land(self) -> Landing:
        """Follow redirects to a result. Raises the outcomes of the architecture."""
        while True:
            landing = await self._visit()
            hop = self._hop(landing)
            if hop is None:
                return landing
            self._follow(hop)

    async def _visit(self) -> Landing:
        """One hop: address verdict, robots verdict, connection, slot, request."""
        progress, request = self.progress, self.request
        url, progress.status = progress.url, 0
        asked_ms = self.clock.now_ms()
        endpoints = await self.guard.endpoints(url)
        dns_ms = self.clock.now_ms() - asked_ms
        verdict = await self._robots_verdict(url)
        ask = Ask(
            url=url,
            endpoints=endpoints,
            headers=request_headers(self.settings.user_agent, accept_header(request.accept), self._validators()),
            context=request.context,
            budget=self.budget,
            max_wait_ms=self._max_wait_ms(),
            crawl_delay_ms=verdict.crawl_delay_ms,
            dns_ms=dns_ms,
        )
        answer = await self.requester.request(ask, self._keep)
        progress.began_ms = progress.began_ms or answer.began_ms
        progress.waited_ms += answer.waited_ms
        return self._landing(url, answer, verdict)

    def _max_wait_ms(self) -> int:
        wanted = self.request.max_wait_ms
        return self.settings.max_wait_ms if wanted is None else min(wanted, self.settings.most_wait_ms)

    async def _robots_verdict(self, url: weburl.Url) -> RobotsVerdict:
        began_ms = self.clock.now_ms()
        try:
            verdict = await self.robots.verdict(url, self.request.context)
        finally:
            self.budget.exclude(self.clock.now_ms() - began_ms)
        if not verdict.allowed:
            raise denial(verdict)
        return verdict

    def _validators(self) -> list[tuple[str, str]]:
        """Conditional headers: they belong to the requested URL, not to its redirect target."""
        if not self._conditional():
            return []
        request = self.request
        given = (("If-None-Match", request.if_none_match), ("If-Modified-Since", request.if_modified_since))
        return [(name, value) for name, value in given if value]

    def _conditional(self) -> bool:
        return not self.progress.chain and bool(self.request.if_none_match or self.request.if_modified_since)

    def _keep(self, head: AnswerHead) -> int:
        """The amount of the answer's content that is wanted; raises the outcome that its head means."""
        self.progress.status = head.status
        if head.status in REDIRECTS and head.value("location"):
            return 0
        retry_ms = head.retry_after_ms or self.settings.retry_after_ms
        error = status_error(head.status, retry_ms, self._conditional())
        if error is not None:
            raise error
        media_type, _ = content_type(head.values("content-type"))
        if media_type and head.status not in (204, 205, 304):
            self._check_type(media_type)
        wanted = self.request.max_bytes
        most = self.settings.max_content_bytes
        return most if wanted is None else max(1, min(wanted, most))

    def _check_type(self, media_type: str) -> None:
        if not is_accepted(media_type, self.request.accept):
            raise WrongType(f"{media_type} is not among the accepted types", media_type=media_type)

    def _landing(self, url: weburl.Url, answer: HttpAnswer, verdict: RobotsVerdict) -> Landing:
        declared, charset = content_type(answer.head.values("content-type"))
        sniffed = sniff(answer.content) if answer.content else ""
        media_type = declared or sniffed
        if sniffed and not declared:
            self._check_type(sniffed)
        page_head = PageHead()
        if media_type in HTML_TYPES and answer.content:
            page_head = read_head(answer.content, url.request_form, charset)
        return Landing(url, answer, verdict, media_type, charset, page_head, declared, sniffed)

    def _hop(self, landing: Landing) -> Hop | None:
        """The hop that the answer makes of its URL; None = this is the end."""
        url, answer = landing.url.request_form, landing.answer
        location = answer.head.value("location") if answer.head.status in REDIRECTS else None
        if location:
            target, kind = location_target(url, location), "http"
        else:
            target, kind = landing.page_head.refresh, "meta"
            if target in ("", url):  # a page that refreshes to itself is the end
                return None
        return Hop(
            url, answer.head.status, target, kind, answer.peer, answer.latency_ms, answer.began_ms, answer.waited_ms
        )

    def _follow(self, hop: Hop) -> None:
        earlier = tuple(self.progress.chain)
        self.progress.chain.append(hop)  # also for a loop: it is the hop that closes it
        check_hop(earlier, hop, self.settings.max_redirects)
        self.progress.url = weburl.split(hop.target)
        if self.request.one_hop:
            self.progress.status = 0  # the target wasn't requested
            raise Moved(f"redirects to {hop.target}", delay_ms=0)
