"""Robots directives of meta elements and X-Robots-Tag headers.

They are read here, beside Link and the validators, and not in `extraction`: the fetcher, the store and the hooks read
the header too, and the fetcher loads no parser of pages. So the answer is a plain record; `extraction` makes the
generated one of it.

https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag is the closest thing to a standard.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol

OWN_AGENT = "aragog"

_AGENTS = frozenset((OWN_AGENT, "slurp", "teoma", "yandex", "baiduspider", "mediapartners-google", "gptbot", "ccbot"))
_BOT = re.compile(r"[a-z0-9_-]{0,40}bot(-[a-z]{1,20})?")
_AGENT_PREFIX = re.compile(r"\s*([A-Za-z0-9_*.-]{1,64})\s*:(.*)", re.DOTALL)
_WITH_VALUE = frozenset(("max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"))
# A date may hold a comma: "unavailable_after: Saturday, 01 Jan 2028 ..."
_DIRECTIVE = re.compile(r"\s*(unavailable_after\s*:\s*(?:[a-z]{3,9}\s*,)?[^,]*|[^,]*)(?:,|\Z)")
_MAX_DIRECTIVE = 128


class AgentDirectives(NamedTuple):
    """The directives of one meta element or header: the fields of a page record's `RobotsDirectives`, in its order."""

    agent: str
    """Lower case; "" = all agents."""
    directives: tuple[str, ...]


class DirectivesOfAgent(Protocol):
    """Directives as a header gave them, or as a page record keeps them."""

    @property
    def agent(self) -> str:
        """The agent that they address; "" = all."""
        ...

    @property
    def directives(self) -> tuple[str, ...]:
        """In lower case, in their order."""
        ...


def agent_of_meta(name: str) -> str | None:
    """The agent that a meta element of this (lower case) name addresses, "" = all; None: no robots meta."""
    if name == "robots":
        return ""
    return name if name in _AGENTS or _BOT.fullmatch(name) else None


def of_meta(agent: str, content: str, most: int) -> AgentDirectives:
    """Directives of one meta element, at most `most`."""
    return AgentDirectives(agent, _directives(content, most))


def of_header(value: str, most: int) -> AgentDirectives:
    """Directives of one X-Robots-Tag header, which may begin with an agent's name and a colon."""
    prefix = _AGENT_PREFIX.match(value)
    if prefix and prefix[1].lower() not in _WITH_VALUE:
        agent = prefix[1].lower()
        return AgentDirectives("" if agent in ("*", "robots") else agent, _directives(prefix[2], most))
    return AgentDirectives("", _directives(value, most))


def directives_for_us(robots: Iterable[DirectivesOfAgent]) -> set[str]:
    """The directives that address all agents, or ours by its name."""
    return {word for entry in robots if entry.agent in ("", OWN_AGENT) for word in entry.directives}


def forbids_following(robots: Iterable[DirectivesOfAgent]) -> bool:
    """True if the page asks us not to follow its links: nofollow or none, for all agents or for ours by name."""
    return not directives_for_us(robots).isdisjoint(("nofollow", "none"))


def _directives(content: str, most: int) -> tuple[str, ...]:
    found: list[str] = []
    for match in _DIRECTIVE.finditer(content.lower()):
        name, colon, value = (part.strip() for part in match[1].partition(":"))
        # Without a colon, white space separates directives too, as in "noindex nofollow".
        found += [f"{name}:{value}"[:_MAX_DIRECTIVE]] if colon else [word[:_MAX_DIRECTIVE] for word in name.split()]
        if len(found) >= most:
            break
    return tuple(found[:most])
