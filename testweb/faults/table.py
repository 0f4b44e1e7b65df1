"""All faults by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from testweb.faults.codings import CODING_FAULTS
from testweb.faults.framing import FRAMING_FAULTS
from testweb.faults.kinds import Fault
from testweb.faults.pace import PACE_FAULTS
from testweb.faults.patience import PATIENCE_FAULTS
from testweb.faults.redirecting import REDIRECT_FAULTS
from testweb.faults.tls import TLS_FAULTS, TlsFault

__all__ = ["HTTP_FAULTS", "TLS_FAULTS", "TlsFault"]


def _by_name(faults: Iterable[Fault]) -> Mapping[str, Fault]:
    named: dict[str, Fault] = {}
    for fault in faults:
        assert fault.name not in named, f"two faults are called {fault.name}"
        named[fault.name] = fault
    return named


HTTP_FAULTS = _by_name((*PACE_FAULTS, *FRAMING_FAULTS, *CODING_FAULTS, *REDIRECT_FAULTS, *PATIENCE_FAULTS))
