"""The redirect chain of a fetch that ended in an error: how it travels in the error's details."""

from __future__ import annotations

from collections.abc import Sequence

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
        return tuple(Hop(**{name: value for name, value in hop.items() if name in _FIELDS}) for hop in hops)
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidRequest(f"no redirect chain: {error}") from None


def chain_of(error: AragogError) -> tuple[Hop, ...]:
    """The hops walked before `error`; () where it carries none."""
    text = error.details.get("chain")
    return chain_from_json(text) if text else ()
