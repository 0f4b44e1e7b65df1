"""The redirect chain of a fetch that ended in an error: a field of the error, JSON on the wire and in stores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, cast

import msgspec
import orjson
from msgspec import Meta

from runtime.durations import DAY_MS
from thrift_idl.errors import AragogError, InvalidRequest, WalkedHop
from thrift_idl.gen.fetcher.ttypes import Hop
from thrift_idl.records import to_json

MAX_URL_CHARACTERS = 8_192
"""Of a URL in any form: `weburl.MAX_LENGTH`, which contracts may not import."""
_MAX_MS = 2**53 - 1  # exact in every JSON reader (RFC 8259 6)

_Url = Annotated[str, Meta(min_length=1, max_length=MAX_URL_CHARACTERS)]
_Word = Annotated[str, Meta(max_length=64)]
_Latency = Annotated[float, Meta(ge=0, le=DAY_MS)]


class HopFields(msgspec.Struct, frozen=True):
    """A `Hop` in JSON. Strangers may write one, so each field has bounds; fields that it may get later are skipped."""

    url: _Url
    status: Annotated[int, Meta(ge=0, le=999)]
    target: _Url
    kind: _Word = "http"
    peer: _Word = ""
    latency_ms: _Latency = 0.0
    began_ms: Annotated[int, Meta(ge=0, le=_MAX_MS)] = 0
    waited_ms: _Latency = 0.0

    def hop(self) -> Hop:
        """The record."""
        return Hop(
            self.url,
            self.status,
            self.target,
            self.kind,
            self.peer,
            self.latency_ms,
            self.began_ms,
            self.waited_ms,
        )


_CHAIN = msgspec.json.Decoder(tuple[HopFields, ...])


def chain_to_json(chain: Sequence[WalkedHop]) -> str:
    """The chain as a JSON array of hops."""
    return orjson.dumps(to_json(tuple(chain))).decode()


def chain_from_json(text: str) -> tuple[Hop, ...]:
    """The chain that `chain_to_json` wrote; unknown fields are skipped. Raises `InvalidRequest`."""
    try:
        return tuple(fields.hop() for fields in _CHAIN.decode(text))
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise InvalidRequest(f"no redirect chain: {error}") from None


def chain_of(error: AragogError) -> tuple[Hop, ...]:
    """The hops walked before `error`; () where no fetch told any."""
    return cast("tuple[Hop, ...]", error.chain or ())
