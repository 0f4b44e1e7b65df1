"""The list of secret settings. Every module that shows settings uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from drivers.connection_url import shown

Part = Literal["whole", "login"]
"""The whole value, or the login and secret options of a URL in it."""

SECRETS: Mapping[str, Part] = {
    "fetcher.service": "login",  # an address has none, but may be given one
    "fetcher.proxy": "login",
    "fetcher.robots_cache": "login",
    "ratelimiter.service": "login",
    "ratelimiter.state": "login",
    "ratelimiter.holds": "login",
    "ratelimiter.ledger": "login",
    "urlstore.service": "login",
    "urlstore.metadata": "login",
    "urlstore.content": "login",
    "pinlater.service": "login",
    "pinlater.backend": "login",
    "pinlater.admin_hash": "whole",  # of a password that may be weak
    "pinlater.admin_password": "whole",
    "crawl.frontier": "login",
    "events.sink": "login",
    "events.leases": "login",
}


def hidden(values: Mapping[str, Any], section: str = "") -> dict[str, Any]:
    """Settings as plain values, those of one section or all of them by section, without what is secret."""
    return {key: _hidden(value, f"{section}.{key}" if section else key) for key, value in values.items()}


def _hidden(value: Any, name: str) -> Any:
    if isinstance(value, dict) and "." not in name:
        return hidden(value, name)
    part = SECRETS.get(name)
    if part == "whole":
        return "***" if value else ""
    return shown(value) if part == "login" else value
