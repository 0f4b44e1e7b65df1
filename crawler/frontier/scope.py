"""The scope of a crawl: the links that it follows. Pure.

The seeds decide the scope: `host` = a host of a seed, `domain` = a registrable domain of a seed, `any`. It is
checked for every link before it is enqueued, and again for the URL at the end of a redirect.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from runtime.bounded_cache import text_cache
from thrift_idl.errors import InvalidRequest, InvalidUrl
from thrift_idl.gen.page.ttypes import Link
from weburl import deciding_form, host, key_of_form, registrable_domain, split

ScopeKind = Literal["host", "domain", "any"]
SCOPE_KINDS: tuple[ScopeKind, ...] = get_args(ScopeKind)


@dataclass(frozen=True, slots=True)
class CrawlScope:
    """The URLs that a crawl may visit."""

    kind: ScopeKind
    places: frozenset[str] = frozenset()
    """Hosts or registrable domains, by `kind`."""

    @classmethod
    def of(cls, kind: ScopeKind, hosts: Iterable[str]) -> CrawlScope:
        """The scope of seeds on `hosts` (as returned by `seed_hosts`). Raises `InvalidRequest` for another kind."""
        if kind not in SCOPE_KINDS:
            raise InvalidRequest(f"scope {kind!r}: use host, domain or any")
        return cls(kind, frozenset() if kind == "any" else frozenset(_place(kind, name) for name in hosts))

    def admits(self, url: str) -> bool:
        """True if `url`, in any form, is within; a text that is no http(s) URL isn't."""
        try:
            return self.admits_host(host(url))
        except InvalidUrl:
            return False

    def admits_host(self, name: str) -> bool:
        """True if URLs of the host, as returned by `weburl.host`, are within."""
        return self.kind == "any" or _place(self.kind, deciding_form(name)) in self.places


def seed_hosts(urls: Iterable[str]) -> tuple[str, ...]:
    """The hosts of `urls` in their deciding form, each once, in order. Raises `InvalidUrl`."""
    return tuple(dict.fromkeys(deciding_form(host(url)) for url in urls))


def follows(depth: int, max_depth: int | None) -> bool:
    """True if links of a page at `depth` are followed; a seed's depth is 0."""
    return max_depth is None or depth < max_depth


class Target(NamedTuple):
    """A link to follow."""

    key: bytes
    """Its URL key."""
    url: str
    """Its request form."""


def targets(links: Sequence[Link], scope: CrawlScope, depth: int, max_depth: int | None) -> tuple[Target, ...]:
    """The next URLs of a crawl after a page at `depth`, each URL key once.

    Without nofollow links (a page's own nofollow is in each of its links), links out of scope, non-URLs.
    """
    if not follows(depth, max_depth):
        return ()
    found: dict[bytes, Target] = {}
    for link in links:
        if not link.nofollow:
            with suppress(InvalidUrl):
                name, target = _read(link.url)
                if scope.admits_host(name):
                    found.setdefault(target.key, target)
    return tuple(found.values())


@text_cache(16_384)  # most links of a page are also on the page before
def _read(url: str) -> tuple[str, Target]:
    """The host of a link, and its target. Raises `InvalidUrl`."""
    parts = split(url)
    return parts.host, Target(key_of_form(parts.request_form), parts.request_form)


def _place(kind: ScopeKind, name: str) -> str:
    return registrable_domain(name) if kind == "domain" else name
