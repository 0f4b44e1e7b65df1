"""The User-Agent that we send: our name for robots.txt, and the contact for a site's owner."""

from __future__ import annotations

import re

from fetcher.addresses import literal
from thrift_idl.errors import BadConfiguration

# RFC 9309 2.2.1: a product token is made of letters, "_" and "-".
_TOKEN = re.compile(r"[A-Za-z_-]+")
_CONTACT = re.compile(r"https?://[^\s/)]+\.[^\s)]+|[^\s@(<+]+@[^\s@)>]+\.[^\s@)>]+")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


def product_token(user_agent: str) -> str:
    """The product token that groups of robots.txt are matched against. Raises `BadConfiguration`."""
    found = _TOKEN.match(user_agent)
    if not found or not _PRINTABLE.fullmatch(user_agent):
        raise BadConfiguration("user_agent must begin with a product token (letters, _ and -) and be printable ASCII")
    return found[0]


def has_contact(user_agent: str) -> bool:
    """Whether it names a web page or a mail address."""
    return bool(_CONTACT.search(user_agent))


def check_contact(user_agent: str, addresses: list[str]) -> None:
    """Raise `BadConfiguration` if one of `addresses` leaves loopback and the User-Agent names no contact."""
    if has_contact(user_agent) or all(_is_loopback(address) for address in addresses):
        return
    raise BadConfiguration(
        f"user_agent {user_agent!r} names no contact: add a URL or mail address before fetching from other hosts"
    )


def _is_loopback(address: str) -> bool:
    parsed = literal(address)
    return parsed is not None and parsed.is_loopback
