"""A certificate authority of our own, made by openssl for one test run."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)


def server_context(
    folder: Path, host: str, days: int = 1, others: Sequence[str] = ()
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for `host` and `others`, and a client's that trusts its authority and verifies as ours."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", key, "-out", certificate, "-days", days, "-subj", f"/CN={host}"),
        *("-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in (host, *others))),
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=str(certificate))
