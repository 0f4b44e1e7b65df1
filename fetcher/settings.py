"""The operator's settings for fetching, and the User-Agent: our name for robots.txt, the contact for a site's owner.

Durations in milliseconds, sizes in bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from runtime.durations import DAY_MS, HOUR_MS
from thrift_idl.errors import BadConfiguration

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """Bounds of connections and of the bytes over them."""

    connect_ms: int = 10_000
    """TCP and TLS together, over all vetted addresses of a host."""
    first_byte_ms: int = 15_000
    idle_ms: int = 10_000
    """Longest silence within an answer."""
    keep_alive_ms: int = 30_000
    """Unused connections are closed after this time."""
    max_connections_per_origin: int = 32
    max_idle_connections: int = 512
    max_head_bytes: int = 128 * KIB
    """Status line and header lines, interim answers included (curl: 300 KiB, Chrome: 256 KiB)."""
    max_headers: int = 256
    max_wire_bytes: int = 32 * MIB
    """Body on the wire, before decoding."""


@dataclass(frozen=True, slots=True)
class NameSettings:
    """The time for which the addresses of a name count."""

    timeout_ms: int = 5_000
    """The longest wait for one name."""
    max_ttl_ms: int = HOUR_MS
    """A longer time to live counts as this one."""
    no_ttl_ms: int = 60_000
    """Used if the time to live is unknown (getaddrinfo)."""
    failure_ms: int = 5_000
    """A failure is remembered this long."""
    max_names: int = 10_000


@dataclass(frozen=True, slots=True)
class RobotsSettings:
    """The time for which robots.txt counts (RFC 9309 2.4 asks for at most 24 h; the owner chose seven days)."""

    max_age_ms: int = 7 * DAY_MS
    stale_ms: int = 30 * DAY_MS
    """Past `max_age_ms`, a copy stays in force for this long while the origin can't be reached (2.3.1.4)."""
    failure_ms: int = 5 * 60_000
    """A failed fetch is remembered this long."""
    max_bytes: int = 500 * KIB
    """Bytes that are parsed (2.5)."""
    max_redirects: int = 5
    deadline_ms: int = 20_000
    compiled_bytes: int = 64 * MIB
    """Text of the compiled files that this process keeps."""


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """All choices of `FetcherService`; raises `BadConfiguration` naming the field."""

    user_agent: str = "Aragog/0.1"
    """Product token, version, and beyond loopback a contact: `Aragog/0.1 (+https://example.org/bot)`."""
    max_content_bytes: int = 10 * MIB
    deadline_ms: int = 30_000
    max_wait_ms: int = 1_000
    """The longest wait for one slot if the call doesn't give one, and..."""
    most_wait_ms: int = 60_000
    """... the most that a call may ask for."""
    max_redirects: int = 10
    retry_after_ms: int = 60_000
    """The wait after a 429 or 503 that gives none."""
    max_retry_after_ms: int = DAY_MS
    transport: TransportSettings = field(default_factory=TransportSettings)
    robots: RobotsSettings = field(default_factory=RobotsSettings)
    names: NameSettings = field(default_factory=NameSettings)

    def __post_init__(self) -> None:
        for name in (
            "max_content_bytes",
            "deadline_ms",
            "max_wait_ms",
            "most_wait_ms",
            "retry_after_ms",
            "max_retry_after_ms",
        ):
            if getattr(self, name) <= 0:
                raise BadConfiguration(f"fetcher setting {name} must be positive, not {getattr(self, name)}")
        if not 0 <= self.max_redirects <= 20:
            raise BadConfiguration(f"fetcher setting max_redirects must be 0 to 20, not {self.max_redirects}")


# RFC 9309 2.2.1: a product token is made of letters, "_" and "-".
_TOKEN = re.compile(r"[A-Za-z_-]+")
_CONTACT = re.compile(r"https?://[^\s/)]+\.[^\s)]+|[^\s@(<+]+@[^\s@)>]+\.[^\s@)>]+")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


def product_token(user_agent: str) -> str:
    """The product token for groups of robots.txt. Raises `BadConfiguration`."""
    found = _TOKEN.match(user_agent)
    if not found or not _PRINTABLE.fullmatch(user_agent):
        raise BadConfiguration("user_agent must begin with a product token (letters, _ and -) and be printable ASCII")
    return found[0]


def has_contact(user_agent: str) -> bool:
    """True if it names a web page or a mail address."""
    return bool(_CONTACT.search(user_agent))
