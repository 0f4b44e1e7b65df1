"""Every error that a service of ours raises, as one tree; the wire carries it as `Failure` (context.thrift).

Three families are outcomes of a URL and decide the worker's next move: `Refused` is recorded for good, `Deferred` is
rescheduled without spending a try, `Unavailable` is retried with backoff. The other families say nothing about a URL:
`BackendDown` (something of ours is down), `InvalidRequest` (the caller's mistake), `NotOwner` (ask another shard),
`InternalError` (a fault of ours). A worker waits for a backend that is down; every other error of a URL, foreseen or
not, is recorded on that URL as a failure of the family `internal`.

A direct call and an RPC raise the same types. This module imports no generated code, so that pure packages may use it.
"""

from __future__ import annotations

from typing import ClassVar, Protocol


class WalkedHop(Protocol):
    """One answered redirect: the record `thrift_idl.gen.fetcher.ttypes.Hop`, which this module may not import."""

    @property
    def url(self) -> str: ...  # noqa: D102 - see fetcher.thrift
    @property
    def status(self) -> int: ...  # noqa: D102
    @property
    def target(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def peer(self) -> str: ...  # noqa: D102
    @property
    def latency_ms(self) -> float: ...  # noqa: D102
    @property
    def began_ms(self) -> int: ...  # noqa: D102
    @property
    def waited_ms(self) -> float: ...  # noqa: D102


class AragogError(Exception):
    """Base of the tree: `message` says what to do, `details` hold named facts as text.

    `delay_ms` is the time after which the caller may try again; only `Deferred` must have one. `chain` holds the
    redirects that a fetch walked before it ended in this error; None = no fetch ended in it. `chain_of` of
    `thrift_idl.redirect_chain` gives it as records.
    """

    family: ClassVar[str] = "internal"
    code: str = "internal"

    def __init__(
        self,
        message: str = "",
        *,
        delay_ms: int | None = None,
        chain: tuple[WalkedHop, ...] | None = None,
        **details: str,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.delay_ms = delay_ms
        self.chain = chain
        self.details: dict[str, str] = details

    def __str__(self) -> str:
        return self.message or self.code

    def __repr__(self) -> str:
        walked = "" if self.chain is None else f", chain={self.chain}"
        return f"{type(self).__name__}({self.message!r}, delay_ms={self.delay_ms}, details={self.details}{walked})"


# --- Families -------------------------------------------------------------------------------------------------------


class Refused(AragogError):
    """The URL will not be fetched as it is: recorded, its job succeeds, revisited by policy."""

    family = "refused"
    code = "refused"


class Deferred(AragogError):
    """Not now: try again in `delay_ms`. Spends no try."""

    family = "deferred"
    code = "deferred"
    delay_ms: int

    def __init__(
        self, message: str = "", *, delay_ms: int, chain: tuple[WalkedHop, ...] | None = None, **details: str
    ) -> None:
        super().__init__(message, delay_ms=delay_ms, chain=chain, **details)


class Unavailable(AragogError):
    """The other side failed: retried with backoff, failed after the policy's tries."""

    family = "unavailable"
    code = "unavailable"


class BackendDown(AragogError):
    """A backend or service of ours is down or full: no URL's outcome; stop, give back, try later."""

    family = "backend"
    code = "backend_down"


class InvalidRequest(AragogError):
    """The caller's request is invalid; the message names the field."""

    family = "invalid"
    code = "invalid_request"


class NotOwner(AragogError):
    """A limiter shard was asked about another's domain: re-read the membership (details: version), re-route."""

    family = "not_owner"
    code = "not_owner"


class InternalError(AragogError):
    """A fault of ours; the request id in the details finds the log line.

    An error while a URL is worked on is that URL's outcome: failed, and tried again by `aragog crawl retry`.
    """

    code = "internal_error"


# --- Refused --------------------------------------------------------------------------------------------------------


class InvalidUrl(Refused):
    """No http(s) URL by the WHATWG URL standard, or too long."""

    code = "invalid_url"


class RobotsDenied(Refused):
    """robots.txt forbids it (RFC 9309); details: line, rule, group, and flag if it has one."""

    code = "robots_denied"


class AddressDenied(Refused):
    """The host resolves to an address or port that we never connect to; details: address, reason."""

    code = "address_denied"


class HttpStatus(Refused):
    """A 4xx answer other than 408 and 429; details: status."""

    code = "http_status"


class TooManyRedirects(Refused):
    """More than ten hops, or a loop."""

    code = "too_many_redirects"


class WrongType(Refused):
    """The media type isn't among the accepted ones; details: media_type."""

    code = "wrong_type"


class ContentTooLarge(Refused):
    """The content exceeds the caller's cap and may not be cut."""

    code = "content_too_large"


# --- Deferred -------------------------------------------------------------------------------------------------------


class NoSlot(Deferred):
    """The rate limiter has no slot within the caller's wait."""

    code = "no_slot"


class RetryAfter(Deferred):
    """429 or 503: the host asked for patience; details: status."""

    code = "retry_after"


class RobotsUnavailable(Deferred):
    """robots.txt answered 5xx or stalled: nothing is fetched meanwhile (RFC 9309 2.3.1.4)."""

    code = "robots_unavailable"


class Moved(Deferred):
    """The URL redirects, and the caller wants to know: `chain` ends with that hop, details "url" is its target."""

    code = "moved"


class HostHeld(Deferred):
    """The domain is held or blocked in the limiter."""

    code = "host_held"


# --- Unavailable ----------------------------------------------------------------------------------------------------


class DnsFailure(Unavailable):
    """The name does not resolve."""

    code = "dns_failure"


class ConnectFailure(Unavailable):
    """No connection, or it broke."""

    code = "connect_failure"


class TlsFailure(Unavailable):
    """The TLS handshake or the certificate failed."""

    code = "tls_failure"


class FetchTimeout(Unavailable):
    """Connect, first byte, idle or total deadline passed; details: phase."""

    code = "timeout"


class BadReply(Unavailable):
    """The reply is no HTTP/1.1 or exceeds a bound of its head."""

    code = "bad_reply"


class ServerError(Unavailable):
    """408, or a 5xx other than 503; details: status."""

    code = "server_error"


# --- Backends, requests ---------------------------------------------------------------------------------------------


class DiskFull(BackendDown):
    """No space left: make room, then run the same command again; stored data stays."""

    code = "disk_full"


class StoreTooNew(BackendDown):
    """The store was written by a newer Aragog: upgrade this one."""

    code = "store_too_new"


class StoreTooOld(BackendDown):
    """The store was written by an older Aragog and must be converted first: the message names the command."""

    code = "store_too_old"


class StoreUnreadable(BackendDown):
    """The store is damaged or not ours. If the details name a url, only the data of that URL are damaged."""

    code = "store_unreadable"


def is_of_a_row(error: Exception) -> bool:
    """True if only the stored data of one URL are damaged: that URL's outcome; the rest of the store is sound."""
    return isinstance(error, StoreUnreadable) and "url" in error.details


def is_of_a_backend(error: Exception) -> bool:
    """True if a backend or service of ours is down, which is no URL's outcome."""
    return isinstance(error, BackendDown) and not is_of_a_row(error)


class FolderLocked(BackendDown):
    """Another process writes to this place, which has one writer; details: pid, path."""

    code = "folder_locked"


class LockLost(StoreUnreadable):
    """A holder has lost the lock of a place with one writer: waiting doesn't help; details: path."""

    code = "lock_lost"


class DeadlineExceeded(BackendDown):
    """A call to a service of ours took longer than the caller allows."""

    code = "deadline_exceeded"


class Overloaded(BackendDown):
    """The service has too many calls in flight."""

    code = "overloaded"


class ProxyDown(BackendDown):
    """The egress proxy doesn't answer, is no proxy, or refuses us: nothing can be fetched until it answers."""

    code = "proxy_down"


class NotFound(InvalidRequest):
    """Nothing is stored under that URL or key."""

    code = "not_found"


class EventTooLarge(InvalidRequest):
    """An event, or another message, is larger than its broker takes: sending it again doesn't help."""

    code = "event_too_large"


class BadConfiguration(InvalidRequest):
    """A configuration key or value is wrong; the message names it."""

    code = "bad_configuration"


def _tree(root: type[AragogError]) -> list[type[AragogError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in _tree(child))]


def by_code() -> dict[str, type[AragogError]]:
    """Every class of the tree by its code; an error without its own code arrives as the class that it stands for."""
    return {error.code: error for error in _tree(AragogError) if "code" in vars(error)}


_FAMILIES: dict[str, type[AragogError]] = {
    cls.family: cls for cls in (InternalError, Refused, Deferred, Unavailable, BackendDown, InvalidRequest, NotOwner)
}


def restore(
    family: str,
    code: str,
    message: str,
    delay_ms: int | None,
    details: dict[str, str],
    chain: tuple[WalkedHop, ...] | None = None,
) -> AragogError:
    """The error that `family` and `code` name; an unknown code becomes its family, an unknown family too (internal)."""
    cls = by_code().get(code)
    if cls is None or cls.family != family or cls is AragogError:
        cls = _FAMILIES.get(family, InternalError)
    if issubclass(cls, Deferred):
        error: AragogError = cls(message, delay_ms=delay_ms or 0)
    else:
        error = cls(message, delay_ms=delay_ms)
    error.code = code or cls.code
    error.details = dict(details)
    error.chain = chain
    return error
