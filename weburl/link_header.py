"""The Link header field (RFC 8288): targets and their relation types, of bounded text."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A quote that is never closed takes the rest: otherwise each link of a long field would search for its end.
_QUOTED = r'"((?:[^"\\]|\\.)*+)(?:"|\\?\Z)'
_LINK = re.compile(rf'<([^<>]*+)>((?:[^,"]|{_QUOTED})*+)', re.DOTALL)
_PARAMETER = re.compile(rf';\s*([^\s=;,"]+)\s*(?:=\s*(?:{_QUOTED}|([^\s;,"]*)))?', re.DOTALL)


def links(field: str) -> Iterator[tuple[str, list[str]]]:
    """(target as written, relation types in lower case) of each link in one field value, bounded by the caller."""
    for link in _LINK.finditer(field):
        yield link[1].strip(), _relations(link[2])


def _relations(parameters: str) -> list[str]:
    """Relation types of a link: its first rel parameter's (RFC 8288 3.3)."""
    for parameter in _PARAMETER.finditer(parameters):
        if parameter[1].lower() == "rel":
            return (parameter[2] or parameter[3] or "").lower().split()
    return []
