"""Robots directives of meta elements and X-Robots-Tag headers.

https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag is the closest thing to a standard.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from thrift_idl.gen.page.ttypes import RobotsDirectives

OWN_AGENT = "aragog"

_AGENTS = frozenset((OWN_AGENT, "slurp", "teoma", "yandex", "baiduspider", "mediapartners-google", "gptbot", "ccbot"))
_BOT = re.compile(r"[a-z0-9_-]{0,40}bot(-[a-z]{1,20})?")
_AGENT_PREFIX = re.compile(r"\s*([A-Za-z0-9_*.-]{1,64})\s*:(.*)", re.DOTALL)
_WITH_VALUE = frozenset(("max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"))
# A date may hold a comma: "unavailable_after: Saturday, 01 Jan 2028 ..."
_DIRECTIVE = re.compile(r"\s*(unavailable_after\s*:\s*(?:[a-z]{3,9}\s*,)?[^,]*|[^,]*)(?:,|\Z)")
_MAX_DIRECTIVE = 128


def agent_of_meta(name: str) -> str | None:
    """The agent that a meta element of this (lower case) name addresses, "" = all; None: no robots meta."""
    if name == "robots":
        return ""
    return name if name in _AGENTS or _BOT.fullmatch(name) else None


def of_meta(agent: str, content: str, most: int) -> RobotsDirectives:
    """Directives of one meta element, at most `most`."""
    return RobotsDirectives(agent, _directives(content, most))


def of_header(value: str, most: int) -> RobotsDirectives:
    """Directives of one X-Robots-Tag header, which may begin with an agent's name and a colon."""
    prefix = _AGENT_PREFIX.match(value)
    if prefix and prefix[1].lower() not in _WITH_VALUE:
        agent = prefix[1].lower()
        return RobotsDirectives("" if agent in ("*", "robots") else agent, _directives(prefix[2], most))
    return RobotsDirectives("", _directives(value, most))


def forbids_following(robots: Iterable[RobotsDirectives]) -> bool:
    """True if the page asks us not to follow its links: nofollow or none, for all agents or for ours by name."""
    return any(
        entry.agent in ("", OWN_AGENT) and ("nofollow" in entry.directives or "none" in entry.directives)
        for entry in robots
    )


def _directives(content: str, most: int) -> tuple[str, ...]:
    found: list[str] = []
    for match in _DIRECTIVE.finditer(content.lower()):
        name, colon, value = (part.strip() for part in match[1].partition(":"))
        # Without a colon, white space separates directives too, as in "noindex nofollow".
        found += [f"{name}:{value}"[:_MAX_DIRECTIVE]] if colon else [word[:_MAX_DIRECTIVE] for word in name.split()]
        if len(found) >= most:
            break
    return tuple(found[:most])
