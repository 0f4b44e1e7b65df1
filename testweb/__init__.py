"""A web of our own on loopback: small sample sites under `.test`, each page with a purpose.

`pages/<host>/site.toml` says what each URL answers, the files beside it are what it serves, and
`expectation/<host>.toml` says what each URL is. Nothing here is generated: read it with an editor.
"""

from testweb.accesslog import AccessLog, ServedRequest
from testweb.server import SampleWeb

__all__ = ["AccessLog", "SampleWeb", "ServedRequest"]
