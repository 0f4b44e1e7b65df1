"""Faults below HTTP: certificates, protocol versions, ciphers, and servers that don't speak TLS at all."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from testweb.faults.certificates import DAY, Authority, Certificate
from testweb.faults.kinds import FaultyRequest, Handler, forever, page, then_silence

DOMAIN = "tls.test"
_ANYTHING = "ALL:eNULL:@SECLEVEL=0"
Make = Callable[[Authority, str, str], Certificate]
Change = Callable[[ssl.SSLContext], None]


@dataclass(frozen=True, slots=True)
class TlsFault:
    """A server for `*.NAME.tls.test`, on a port of its own.

    With `make` it speaks TLS with that certificate, and answers each request with a page; without, `raw` handles the
    connection.
    """

    name: str
    tells: str
    make: Make | None = None
    change: Change | None = None
    raw: Handler | None = None
    stranger: bool = False
    """The certificate comes from another authority, which no client trusts."""

    @property
    def host(self) -> str:
        """The server's name."""
        return f"{self.name}.{DOMAIN}"


def context(fault: TlsFault, trusted: Authority, stranger: Authority) -> ssl.SSLContext | None:
    """The server's context; None = no TLS. Makes its certificate. Raises OSError."""
    if fault.make is None:
        return None
    made = fault.make(stranger if fault.stranger else trusted, fault.name, fault.host)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if fault.change is not None:
        fault.change(server)
    server.load_cert_chain(made.chain, made.key)
    return server


def _good(authority: Authority, name: str, host: str) -> Certificate:
    return authority.issue(name, host)


def _version(version: ssl.TLSVersion) -> Change:
    def change(server: ssl.SSLContext) -> None:
        with warnings.catch_warnings():  # these outdated versions are intended
            warnings.simplefilter("ignore", DeprecationWarning)
            server.set_ciphers(_ANYTHING)
            server.minimum_version = server.maximum_version = version

    return change


def _ciphers(names: str) -> Change:
    def change(server: ssl.SSLContext) -> None:
        server.maximum_version = ssl.TLSVersion.TLSv1_2
        server.set_ciphers(names + ":@SECLEVEL=0")

    return change


def _lenient(server: ssl.SSLContext) -> None:
    server.set_ciphers(_ANYTHING)  # or this side would refuse its own weak certificate


async def _close(visit: FaultyRequest) -> None:
    await visit.reader.read(1)


async def _reset(visit: FaultyRequest) -> None:
    await visit.reader.read(1)
    visit.reset()


async def _plain(visit: FaultyRequest) -> None:
    await visit.send(page())
    await asyncio.sleep(0.02)


_RECORD = b"\x16\x03\x03\x3f\xff"  # a handshake record of 16 KiB

TLS_FAULTS = {
    fault.name: fault
    for fault in (
        TlsFault("good", "nothing wrong, if the client trusts the authority", _good),
        TlsFault("tls12", "nothing wrong, TLS 1.2", _good, _version(ssl.TLSVersion.TLSv1_2)),
        TlsFault("expired", "expired yesterday", lambda a, name, host: a.issue(name, host, -9 * DAY, -DAY)),
        TlsFault("early", "good from tomorrow", lambda a, name, host: a.issue(name, host, DAY, 9 * DAY)),
        TlsFault("wrong-host", "another host's certificate", lambda a, name, _: a.issue(name, "elsewhere.test")),
        TlsFault("self-signed", "vouches for itself", lambda a, name, host: a.self_signed(name, host)),
        TlsFault("untrusted", "an unknown authority", _good, stranger=True),
        TlsFault("weak-key", "RSA of 1,024 bits", lambda a, name, host: a.issue(name, host, rsa_bits=1024), _lenient),
        TlsFault("sha1", "signed with SHA-1", lambda a, name, host: a.issue(name, host, digest="sha1"), _lenient),
        TlsFault("tls10", "TLS 1.0 only", _good, _version(ssl.TLSVersion.TLSv1)),
        TlsFault("tls11", "TLS 1.1 only", _good, _version(ssl.TLSVersion.TLSv1_1)),
        TlsFault("no-cipher", "ciphers without encryption only", _good, _ciphers("eNULL")),
        TlsFault("anonymous", "ciphers without a certificate only", _good, _ciphers("aNULL")),
        TlsFault("cbc", "CBC with SHA-1 only", _good, _ciphers("ECDHE-ECDSA-AES128-SHA")),
        TlsFault("plain", "answers the hello in plain HTTP", raw=_plain),
        TlsFault("closes", "closes at the hello", raw=_close),
        TlsFault("resets", "RST at the hello", raw=_reset),
        TlsFault("silent", "never answers the hello", raw=then_silence(b"")),
        TlsFault("stalls", "begins a record and stops", raw=then_silence(_RECORD + b"\x02")),
        TlsFault("rubbish", "answers with a record of rubbish", raw=then_silence(_RECORD + b"\xff" * 0x3FFF)),
        TlsFault(
            "endless",
            "handshake records without end",
            raw=forever(b"", lambda: iter(lambda: _RECORD + bytes(0x3FFF), b"")),
        ),
    )
}
