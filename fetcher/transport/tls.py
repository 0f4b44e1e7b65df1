"""TLS: what we ask of a server, and what it gave."""

from __future__ import annotations

import ssl
from typing import Any

import certifi

from thrift_idl.gen.fetcher.ttypes import TlsFacts

_LONGEST = 200


def verifying_context() -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and host name verified against the system's and certifi's roots."""
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def facts_of(session: ssl.SSLObject) -> TlsFacts:
    """What was agreed on, and the certificate's issuer and end."""
    certificate: Any = session.getpeercert() or {}
    names = {name: value for entry in certificate.get("issuer", ()) for name, value in entry}
    cipher = session.cipher()
    return TlsFacts(
        version=session.version() or "",
        cipher=cipher[0] if cipher else "",
        issuer=str(names.get("commonName") or names.get("organizationName") or "")[:_LONGEST],
        not_after_ms=_not_after_ms(certificate),
    )


def _not_after_ms(certificate: Any) -> int:
    try:
        return ssl.cert_time_to_seconds(certificate["notAfter"]) * 1000
    except (KeyError, ValueError):
        return 0
