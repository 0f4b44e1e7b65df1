"""The normalized form: the text whose hash is the URL key.

Parsed, then RFC 3986 6.2.2 and a few additions of ours. It does exactly this:

- unreserved characters are decoded, all other escapes stay, in upper case (6.2.2.1, 6.2.2.2);
- characters that RFC 3986 forbids in their place but WHATWG allows are escaped: some of ``^ ` { | } \\``, a percent
  sign that begins no escape, and square brackets, which only IPv6 hosts may have (3.2.2): they mean their octet (2.2);
- the query is a list of parameters between `&`, each a name up to its first `=`: sorted by name, those of equal names
  in their original order; empty ones dropped; without any there is no `?`;
- one trailing dot of the host, which only says that the name is complete (3.2.2), is dropped;
- no fragment, no userinfo.

Empty path segments and empty values stay, and so do reserved characters, escaped or not. Changing any of this changes
keys: raise `KEY_VERSION`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from thrift_idl.errors import InvalidUrl
from weburl.parser import MAX_LENGTH

GROWTH = 3
"""The factor by which the normalized form may be longer than the request form: one character becomes one escape."""

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986 2.3
_TO_MEND = re.compile(r"%(?:[0-9A-Fa-f]{2})?|[^A-Za-z0-9\-._~:/?@!$&'()*+,;=]")


def _mended_escapes() -> dict[str, str]:
    """Each spelling of an escape -> the normalized one."""
    ways = {}
    for byte in range(256):
        normal = chr(byte) if chr(byte) in _UNRESERVED else f"%{byte:02X}"
        high, low = f"{byte >> 4:x}", f"{byte & 15:x}"
        ways.update({f"%{h}{w}": normal for h in (high, high.upper()) for w in (low, low.upper())})
    return ways


_MENDED = {chr(byte): f"%{byte:02X}" for byte in range(128)} | _mended_escapes()


def by_name(parameters: Iterable[str]) -> list[str]:
    """Parameters in the order of their names; those of equal names keep their order: a server may distinguish them."""
    return sorted(parameters, key=_name)


def _name(parameter: str) -> str:
    return parameter.partition("=")[0]


def normalized_form(form: str, in_order: Callable[[Iterable[str]], list[str]] = by_name) -> str:
    """The key form of a request form, which isn't parsed again.

    `in_order` sorts the parameters of the query: earlier versions of the key sorted differently. Raises
    `InvalidUrl` if it exceeds `MAX_LENGTH`: `request_form` returns no such form.
    """
    path_at = form.index("/", len("http://") + 1)
    origin, target = form[:path_at], form[path_at:]
    if _TO_MEND.search(target):
        target = _TO_MEND.sub(lambda found: _MENDED[found[0]], target)
    if "?" in target:
        target = _with_query_in_order(target, in_order)
    if origin.endswith(".") or ".:" in origin:
        origin = _without_trailing_dot(origin)
    if len(origin) + len(target) > MAX_LENGTH:
        raise InvalidUrl(f"the normalized URL is longer than {MAX_LENGTH} characters", url=form[:200])
    return origin + target


def _with_query_in_order(target: str, in_order: Callable[[Iterable[str]], list[str]]) -> str:
    path, _, query = target.partition("?")
    if "&" in query:
        query = "&".join(in_order(filter(None, query.split("&"))))
    return f"{path}?{query}" if query else path


def _without_trailing_dot(origin: str) -> str:
    """`origin` without the root label's dot; `a..` names nothing in the DNS and stays."""
    return re.sub(r"(?<=[^./])\.(?=(?::\d+)?\Z)", "", origin)
