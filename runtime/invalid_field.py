"""The field that msgspec refused: its place and the reason, read from the text of the error. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_NAMED = re.compile(r"^Object (?:missing required|contains unknown) field `(.*)`$")


@dataclass(frozen=True, slots=True)
class InvalidField:
    """A field that isn't as its struct wants it."""

    place: str
    """`shards[0].name`; "" = the document itself."""
    reason: str
    """In the library's words."""
    named: str
    """The key that is missing in `place`, or unknown there; "" = neither."""


def invalid_field(error: msgspec.ValidationError) -> InvalidField:
    """The field that `error` is about."""
    text = str(error)
    found = _PLACE.search(text)
    reason = text[: found.start()] if found else text
    named = _NAMED.match(reason)
    return InvalidField(found[1] if found else "", reason, named[1] if named else "")
