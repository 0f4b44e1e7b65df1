"""TLS: our requirements of a server, the facts of a connection, and sessions that make the next connection faster."""

from __future__ import annotations

import ssl
from hashlib import sha256
from typing import Any, NamedTuple, cast

import certifi
from cachetools import FIFOCache

from thrift_idl.gen.fetcher.ttypes import TlsFacts

_LONGEST = 200
_MOST_SESSIONS = 1_000
_MOST_CERTIFICATES = 256
_LARGEST_KEPT = 8 * 1024  # bytes of a certificate; one of 4,000 names takes a megabyte once it is read
# The list that browsers offer a server of TLS 1.2, in their order: Python's own list is shorter, and would lose servers
# that people reach. TLS 1.3 has its own list, all of it good.
_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:"
    "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA"
)


class ResumingContext(ssl.SSLContext):
    """Offers each server its last session: a resumed handshake skips its certificate, verified before.

    asyncio has no way to pass a session, but both its loops make their TLS objects by `wrap_bio`. A session is
    offered once (RFC 8446 C.4), so that one that a server can't handle costs one connection.
    """

    def __new__(cls) -> ResumingContext:
        """Made for clients: verifying, with no roots yet."""
        context = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        context._sessions = FIFOCache(_MOST_SESSIONS)
        context.sslobject_class = _KnowingObject
        return context

    _sessions: FIFOCache[str, ssl.SSLSession]

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Like `ssl.SSLContext.wrap_bio`, with the server's known session."""
        known = session or self._sessions.pop(str(server_hostname), None)
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, known)

    def remember(self, connected: ssl.SSLObject) -> None:
        """Keep the session of TLS 1.2 for the server's next connection, which it saves a round trip.

        One of TLS 1.3 would save none, and no CPU time: Python copies a session by writing and reading it, both when
        it takes one (120 µs) and when it offers one (140 µs), more than its handshake saves (215 µs; OpenSSL 3.0).
        """
        session = connected.session if connected.version() == "TLSv1.2" else None
        if session is None:
            return
        self._sessions[str(connected.server_hostname)] = session


class _Certificate(NamedTuple):
    """A certificate as Python reads it, and the facts that we report."""

    said: Any
    issuer: str
    not_after_ms: int


_certificates: FIFOCache[bytes, _Certificate] = FIFOCache(_MOST_CERTIFICATES)  # by SHA-256


class _KnowingObject(ssl.SSLObject):
    """Reads each certificate once: the event loop asks for it at every handshake, and reading one takes 30 µs."""

    def getpeercert(self, binary_form: bool = False) -> Any:  # of the two forms one type: typeshed has overloads
        """Like `ssl.SSLObject.getpeercert`."""
        return super().getpeercert(binary_form=True) if binary_form else _certificate_of(self).said


def verifying_context() -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and host name verified against the system's and certifi's roots."""
    context = ResumingContext()
    context.load_default_certs()
    context.load_verify_locations(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    return context


def remember_session(connected: ssl.SSLObject) -> None:
    """Let the server's next connection resume this one, if the context can."""
    context = cast(object, connected.context)
    if isinstance(context, ResumingContext):
        context.remember(connected)


def facts_of(session: ssl.SSLObject) -> TlsFacts:
    """The agreed terms, and the certificate's issuer and end."""
    certificate, cipher = _certificate_of(session), session.cipher()
    return TlsFacts(session.version() or "", cipher[0] if cipher else "", certificate.issuer, certificate.not_after_ms)


def _certificate_of(session: ssl.SSLObject) -> _Certificate:
    octets = session.getpeercert(binary_form=True) or b""
    digest = sha256(octets).digest()
    known = _certificates.get(digest)
    if known is None:
        known = _read(ssl.SSLObject.getpeercert(session) or {})
        if len(octets) <= _LARGEST_KEPT:
            _certificates[digest] = known
    return known


def _read(said: Any) -> _Certificate:
    names = {name: value for entry in said.get("issuer", ()) for name, value in entry}
    issuer = str(names.get("commonName") or names.get("organizationName") or "")[:_LONGEST]
    try:
        not_after_ms = ssl.cert_time_to_seconds(said["notAfter"]) * 1000
    except (KeyError, ValueError):
        not_after_ms = 0
    return _Certificate(said, issuer, not_after_ms)
