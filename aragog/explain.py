"""The prediction for a URL and its reasons: its forms, the fetcher's verdicts, and its data in the store.

`to_json` writes (every key always there, null or "" where there is nothing; times in ms, wall clock since 1970):

- `url` as given; `would_fetch` true, false, or null where it can't be known; `sentence` the same for people
- `family`, `code`, `message`, `delay_ms`: the outcome of a fetch that would not reach the URL
- `forms`: `parsed`, `request_form`, `normalized`, `key`, `origin`, `registrable_domain`
- `address`: `port_refusal` and `addresses` [`address`, `port` (dialled), `allowed`, `reason`]
- `robots`, null where the address decides already: `url`, `source` (fetched, cached, stale, memory, unavailable,
  unknown), `present` (false: a 4xx or an empty file, so that all is allowed), `allowed`, `line` (0 = none matches),
  `rule`, `group`, `version`, `crawl_delay_ms`, `flag` (the bound of ours that the file exceeds, for which it
  forbids; "" = none), `fetched_ms`, `age_ms`, and without a copy `code`, `message`, `delay_ms`
- `limit`, null where `limit_unknown` says why: `domain`, `limit`, `line` (of the override file, 0 = none), `note`,
  `interval_ms`, `next_slot_ms`, `held_ms`, `held_status` (of the answer that holds it), `next_hold_ms` (of the next 429
  without Retry-After), `blocked_ms`; `host_limit`, `host_line`, `host_interval_ms` of the host's own limit ("" = none);
  `limits_error` (why the override file as it is now isn't in force); `version` of the shards' membership; `shadow`,
  null without a candidate file: `limit`, `interval_ms`, `error`, and counts of all domains, `live_at_once`,
  `live_delayed`, `live_refused`, `at_once`, `delayed`, `refused`
- `canonical`: `url`, `why`, `aliases` followed, `cycle`, `claims` [`source`, `url`, `holds`, `why`]
- `stored`, null for nothing: `url`, `redirects_to`, `page` (null or `version`, `title`, `status`, `media_type`,
  `content_bytes`, `content_kept`, `fetched_ms`, `last_seen_ms`, `changed_ms`), `outcome` of the last visit (null or
  `family`, `code`, `message`, `at_ms`, `status`, `delay_ms`)
- `leads_to`: the targets of its stored redirects, in order, up to the first that would not be fetched: `url`,
  `would_fetch`, `code`, `message`, `line`, `rule`
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import weburl
from runtime.wait_budget import WaitBudget
from thrift_idl.errors import InvalidUrl
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.fetcher.ttypes import ExplainRequest, Explanation, RobotsExplanation
from thrift_idl.gen.ratelimiter.ttypes import DomainStatus
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import LookupRequest, LookupResult, Outcome, Page, UrlRow
from thrift_idl.records import field_names


@dataclass(frozen=True, slots=True)
class Forms:
    """Every form of a URL; "" if there is none."""

    parsed: str = ""
    request_form: str = ""
    normalized: str = ""
    key: str = ""
    origin: str = ""
    registrable_domain: str = ""


@dataclass(frozen=True, slots=True)
class UrlReport:
    """All findings on one URL."""

    url: str
    """As given; invalid Unicode is replaced (U+FFFD), as in the URL standard."""
    forms: Forms
    fetch: Explanation
    stored: LookupResult | None = None
    """None: no URL that could be stored."""
    leads_to: tuple[Explanation, ...] = ()


@dataclass(frozen=True, slots=True)
class UrlExplainer:
    """Explains URLs with the given services; needs no rate limiter of its own: the fetcher asks its own."""

    fetcher: Fetcher
    store: UrlStore
    fetch_robots: bool = True
    patience_ms: int = 5_000
    """The time for retries of a robots.txt that gets no slot."""

    async def explain(self, raw: str, context: Context) -> UrlReport:
        """The report on one URL. Raises errors that are no URL's outcome: a service or backend is down."""
        url = raw.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        forms = forms_of(url)
        fetch = await self._fetch(url, context)
        if not forms.normalized:
            return UrlReport(url, forms, fetch)
        stored = await self.store.lookup(LookupRequest(context, url))
        return UrlReport(url, forms, fetch, stored, await self._lead(onward(stored), context))

    async def _lead(self, urls: Iterable[str], context: Context) -> tuple[Explanation, ...]:
        found: list[Explanation] = []
        for url in urls:
            found.append(await self._fetch(url, context))
            if not found[-1].would_fetch:
                break
        return tuple(found)

    async def _fetch(self, url: str, context: Context) -> Explanation:
        request = ExplainRequest(context, url, self.fetch_robots)
        patience = WaitBudget(self.patience_ms)
        while True:
            found = await self.fetcher.explain(request)
            if found.would_fetch is not None or found.delay_ms is None or not await patience.wait(found.delay_ms):
                return found


def forms_of(url: str) -> Forms:
    """Every form of `url` that it has."""
    parsed = _or_none(weburl.parse, url)
    try:
        parts = weburl.split(url)
    except InvalidUrl:
        return Forms(parsed)
    normalized, key = weburl.normalize(url), weburl.url_key(url).hex()
    return Forms(parsed, parts.request_form, normalized, key, parts.origin, parts.registrable_domain)


def _or_none(form: Callable[[str], str], url: str) -> str:
    try:
        return form(url)
    except InvalidUrl:
        return ""


def onward(found: LookupResult) -> tuple[str, ...]:
    """The targets of the URL's stored redirects, in order; none for a loop."""
    row = found.row
    if row is None or found.cycle:
        return ()
    known = (*found.aliases[1:], row.url) if found.aliases else ()
    return (*known, row.redirects_to) if row.redirects_to else known


def canonical_why(found: LookupResult) -> str:
    """The reason for the canonical URL."""
    if found.row is None:
        return "nothing is stored: the URL itself"
    if found.cycle:
        return "its redirects form a circle: the URL itself"
    came = "where its redirects lead" if found.aliases else "the URL itself"
    if found.row.page is None:
        return f"no page is stored: {came}"
    held = next((claim for claim in found.claims if claim.holds), None)
    if held is not None:
        redirected = f"{came}; " if found.aliases else ""
        return f"{redirected}the claim of its {held.source} holds: {held.why}"
    return f"{came}; no claim holds" if found.claims else f"{came}; it claims nothing else"


def sentence(report: UrlReport) -> str:
    """The report in one sentence."""
    fetch = report.fetch
    if fetch.would_fetch is None:
        return f"can't be told: {fetch.message}"
    if not fetch.would_fetch:
        return f"would not be fetched: {fetch.code}: {fetch.message}"
    end = report.leads_to[-1] if report.leads_to else None
    if end is None or end.would_fetch:
        return "would be fetched"
    why = f"would not be fetched: {end.code}: {end.message}" if end.would_fetch is False else "nobody can tell of"
    return f"would be fetched; it redirects to {end.url}, which {why}"


def to_json(report: UrlReport) -> dict[str, Any]:
    """The output of `aragog explain --json`: the keys that the head of this module lists."""
    fetch, stored = report.fetch, report.stored
    return {
        "url": report.url,
        "would_fetch": fetch.would_fetch,
        "sentence": sentence(report),
        **_fields(fetch, "family", "code", "message", "delay_ms"),
        "forms": asdict(report.forms),
        "address": {
            "port_refusal": fetch.port_refusal,
            "addresses": [_fields(each, *field_names(each)) for each in fetch.addresses],
        },
        "robots": _robots(fetch.robots) if fetch.robots else None,
        "limit": _limit(fetch.limit) if fetch.limit else None,
        "limit_unknown": fetch.limit_unknown,
        "canonical": _canonical(stored) if stored else None,
        "stored": _row(stored.row) if stored and stored.row else None,
        "leads_to": [_onward(each) for each in report.leads_to],
    }


_RULES = ("allowed", "line", "rule", "group", "version", "crawl_delay_ms", "flag")
_PAGE = ("version", "status", "media_type", "content_bytes", "fetched_ms", "last_seen_ms", "changed_ms")


def _fields(record: Any, *names: str) -> dict[str, Any]:
    """Some fields of a record; null for each if there is no record."""
    return {name: getattr(record, name, None) for name in names}


def _limit(status: DomainStatus) -> dict[str, Any]:
    shadow = status.shadow
    return _fields(status, *field_names(status)) | {"shadow": _fields(shadow, *field_names(shadow)) if shadow else None}


def _robots(robots: RobotsExplanation) -> dict[str, Any]:
    rules = robots.verdict
    return {
        **_fields(robots, "url", "source"),
        "present": bool(rules.version) if rules else None,
        **_fields(rules, *_RULES),
        **_fields(robots, "fetched_ms", "age_ms", "code", "message", "delay_ms"),
    }


def _canonical(found: LookupResult) -> dict[str, Any]:
    return {
        "url": found.canonical,
        "why": canonical_why(found),
        "aliases": list(found.aliases),
        "cycle": found.cycle,
        "claims": [_fields(claim, *field_names(claim)) for claim in found.claims],
    }


def _row(row: UrlRow) -> dict[str, Any]:
    return {
        **_fields(row, "url", "redirects_to"),
        "page": _page(row.page) if row.page else None,
        "outcome": _outcome(row.outcome) if row.outcome else None,
    }


def _page(page: Page) -> dict[str, Any]:
    return {**_fields(page, *_PAGE), "title": page.record.title, "content_kept": bool(page.content_key)}


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return _fields(outcome, "family", "code", "message", "at_ms", "status", "delay_ms")


def _onward(found: Explanation) -> dict[str, Any]:
    rules = found.robots.verdict if found.robots else None
    return {**_fields(found, "url", "would_fetch", "code", "message"), **_fields(rules, "line", "rule")}
