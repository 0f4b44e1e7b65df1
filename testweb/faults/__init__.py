"""Servers that misbehave, on loopback: every fault has a URL of its own. `python -m testweb --faults`.

`http://HOST/NAME`, for any host, is answered with the fault of that name; `https://ANY.NAME.tls.test/` fails below
HTTP, each name on its own port. Nothing is random: the same request gets the same bytes.
"""

from testweb.faults.kinds import Fault, FaultyRequest
from testweb.faults.table import HTTP_FAULTS, TLS_FAULTS
from testweb.faults.web import FaultWeb

__all__ = ["HTTP_FAULTS", "TLS_FAULTS", "Fault", "FaultWeb", "FaultyRequest"]
