"""Checks of requests: bad ones are refused before any decision. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.ratelimiter.ttypes import Reservation
from weburl import deciding_form

MAX_BATCH: Final = 1_000
_MAX_NAME: Final = 253  # RFC 1035 section 2.3.4, without the trailing dot
_MAX_MS: Final = 2**53  # exact as a double


def check_batch(wishes: Sequence[Reservation]) -> None:
    """At most 1,000 valid reservations. Raises `InvalidRequest`."""
    if len(wishes) > MAX_BATCH:
        raise InvalidRequest(f"reservations: at most {MAX_BATCH} a call, not {len(wishes)}")
    for wish in wishes:
        check(wish)


def check(wish: Reservation) -> None:
    """A valid reservation. Raises `InvalidRequest`."""
    domain, host, most = wish.domain, wish.host, wish.max_wait_ms
    if (
        wish.crawl_delay_ms is None
        and (most is None or 0 <= most <= _MAX_MS)
        and 0 < len(domain) <= _MAX_NAME
        and (host is domain or (host is not None and len(host) <= _MAX_NAME))
        and domain.isascii()
        and domain == domain.lower()
        and domain[-1] != "."
    ):
        return  # nearly all: done at once
    check_domain(domain)
    check_host(wish.host)
    if wish.crawl_delay_ms is not None:
        check_number("crawl_delay_ms", wish.crawl_delay_ms)
    if wish.max_wait_ms is not None:
        check_number("max_wait_ms", wish.max_wait_ms)


def check_domain(domain: str) -> None:
    """Only one spelling: another spelling of the same domain would have a limit of its own."""
    if not domain or len(domain) > _MAX_NAME:
        raise InvalidRequest(f"domain: 1 to {_MAX_NAME} characters, please")
    if not domain.isascii() or domain != deciding_form(domain):
        raise InvalidRequest(f"domain: {domain!r} must be in lower case ASCII, without a trailing dot")


def check_host(host: str | None) -> None:
    """A name that isn't too long. Raises `InvalidRequest`."""
    if len(host or "") > _MAX_NAME:
        raise InvalidRequest(f"host: at most {_MAX_NAME} characters")


def check_number(name: str, value: float) -> None:
    """A number of milliseconds, or similar. Raises `InvalidRequest`."""
    if not 0 <= value <= _MAX_MS:  # NaN doesn't compare either
        raise InvalidRequest(f"{name}: must be a number from 0 to 2**53, not {value!r}")
