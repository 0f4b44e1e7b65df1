"""Preferences of a page for each agent, as flags: robots directives, Pinterest's meta elements, usage signals, TDM.

- robots: https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag; noai, noimageai: DeviantArt's
- Content-Signal: https://contentsignals.org; AIPREF's Content-Usage: draft-ietf-aipref-vocab, draft-ietf-aipref-attach
- TDM Reservation Protocol: https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from extraction.kinds.reading import Stated
from thrift_idl.gen.page.ttypes import AgentPreferences, RobotsDirectives

HEADERS = frozenset(("content-signal", "content-usage", "tdm-reservation", "tdm-policy"))
"""Header fields that hold preferences, without X-Robots-Tag."""

_FLAGS = frozenset(("noindex", "nofollow", "noarchive", "nosnippet", "noimageindex", "noai", "noimageai"))
_SIGNALS = {
    "search": "search", "ai-input": "ai_input", "ai-use": "ai_input", "ai-output": "ai_input", "ai-train": "ai_train",
    "train-ai": "ai_train", "train-genai": "ai_train",
}  # fmt: skip
_SAID = {"yes": "yes", "y": "yes", "?1": "yes", "no": "no", "n": "no", "?0": "no"}
_SIGNAL = re.compile(r"([a-z-]{1,32})\s*=\s*\"?([a-z?01]{1,4})")
_MOST_AGENTS = 50
_READ = 1_024  # characters of a signal


def preferences_of(
    robots: Iterable[RobotsDirectives],
    stated: Stated,
    headers: Sequence[tuple[str, str]],
    absolute: Callable[[str], str],
) -> tuple[AgentPreferences, ...]:
    """One entry for each agent that is addressed, the one for all first. `headers`: lower case names, values."""
    asked: dict[str, dict[str, Any]] = {"": {}}
    for entry in robots:
        if entry.agent in asked or len(asked) < _MOST_AGENTS:
            asked.setdefault(entry.agent, {}).update(_of_directives(entry.directives))
    pins = _of_pinterest(stated)
    if pins:
        asked.setdefault("pinterest", {}).update(pins)
    for name, value in _usage(stated, headers):
        asked[""].update(_of_usage(name, value, absolute))
    return tuple(AgentPreferences(agent, **flags) for agent, flags in asked.items() if flags)


def _of_directives(directives: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for directive in directives:
        if directive in _FLAGS:
            found[directive] = True
        elif directive == "none":
            found.update(noindex=True, nofollow=True)
        elif directive.startswith("max-image-preview:"):
            size = directive.partition(":")[2]
            found |= {"max_image_preview": size} if size in ("none", "standard", "large") else {}
    return found


def _of_pinterest(stated: Stated) -> Mapping[str, bool]:
    """https://help.pinterest.com/en/business/article/prevent-saves-to-pinterest, and those of rich pins."""
    found = {}
    if any("nopin" in content.lower().replace(",", " ").split() for content, _ in stated.get("pinterest", ())):
        found["nopin"] = True
    if any(content.strip().lower() == "false" for content, _ in stated.get("pinterest-rich-pin", ())):
        found["no_rich_pin"] = True
    return found


def _usage(stated: Stated, headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Usage signals of headers, then those of the page itself, which overrule them."""
    from_metas = [(name, content) for name in sorted(HEADERS) for content, _ in stated.get(name, ())]
    return [*((name, value) for name, value in headers[:20] if name in HEADERS), *from_metas]


def _of_usage(name: str, value: str, absolute: Callable[[str], str]) -> Mapping[str, Any]:
    if name == "tdm-reservation":
        return {"tdm_reserved": True} if value.strip() == "1" else {}
    if name == "tdm-policy":
        policy = absolute(value.strip()[:_READ])
        return {"tdm_policy": policy} if policy else {}
    signals = {_SIGNALS.get(key): _SAID.get(said) for key, said in _SIGNAL.findall(value[:_READ].lower())}
    return {key: said for key, said in signals.items() if key and said}
