"""The redirect chain of a fetch that ended in an error: its form in the error's details."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from thrift_idl.errors import AragogError, InvalidRequest
from thrift_idl.gen.fetcher.ttypes import Hop
from thrift_idl.records import field_names, to_json

_FIELDS = frozenset(field_names(Hop))


def chain_to_json(chain: Sequence[Hop]) -> str:
    """The chain as a JSON array of hops."""
    return orjson.dumps(to_json(tuple(chain))).decode()


def chain_from_json(text: str) -> tuple[Hop, ...]:
    """The chain that `chain_to_json` wrote; unknown fields are skipped. Raises `InvalidRequest`."""
    try:
        hops = orjson.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"no redirect chain: {error}") from None
    if not isinstance(hops, list):
        raise InvalidRequest("no redirect chain: not an array")
    return tuple(_hop(fields) for fields in hops)


def _hop(fields: Any) -> Hop:
    """A hop of our own writing, or an error: strangers may write job bodies too."""
    known = {name: fields[name] for name in _FIELDS if name in fields} if isinstance(fields, dict) else {}
    wanted = (
        (str, ("url", "target", "kind", "peer")),
        (int, ("status", "began_ms")),
        (int | float, ("latency_ms", "waited_ms")),
    )
    typed = all(isinstance(known[name], kind) for kind, names in wanted for name in names if name in known)
    if not typed or not {"url", "status", "target"} <= known.keys():
        raise InvalidRequest("no redirect chain: a hop has url, status and target")
    return Hop(**known)


def chain_of(error: AragogError) -> tuple[Hop, ...]:
    """The hops walked before `error`; () where it carries none."""
    text = error.details.get("chain")
    return chain_from_json(text) if text else ()
