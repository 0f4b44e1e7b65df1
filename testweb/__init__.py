"""A web of our own on loopback: small sample sites under `.test`, each page with a purpose.

`pages/<host>/site.toml` defines the answer of each URL, the files beside it are served, and
`expectation/<host>.toml` describes the expected record of each URL. Nothing here is generated: read it with an editor.
"""

from testweb.accesslog import AccessLog, ServedRequest
from testweb.server import SampleWeb

__all__ = ["AccessLog", "SampleWeb", "ServedRequest"]
