"""The deciding form of a host: every decision about hosts (limits, blocks, robots.txt, address policy, scope, bounds
on connections) compares this form, so that no other spelling of a host escapes the decision.

A URL keeps its host as it was written, with a trailing dot, and is requested so. The dot says that the name is
complete (RFC 3986 3.2.2, RFC 1034 3.1): it doesn't make another host.
"""

from __future__ import annotations

import re

from runtime.bounded_cache import text_cache
from thrift_idl.errors import InvalidUrl
from weburl.parser import host_to_ascii

# Lower case, the last label no number, no dot after it: such a host has this one spelling.
_is_deciding = re.compile(r"(?:[a-z0-9_.-]*\.)?[a-z][a-z0-9-]*").fullmatch


def deciding_form(host: str) -> str:
    """The one spelling of `host`: as WHATWG serialises it (lower case, punycode, canonical addresses), no final dots.

    Text that is no host of a URL is only put in lower case. `..` and the like, which consist of dots, stay.
    """
    return host if _is_deciding(host) else _worked_out(host)


@text_cache(4_096)
def _worked_out(host: str) -> str:
    try:
        form = host_to_ascii(host)
    except InvalidUrl:
        form = host.lower()
    bare = form.rstrip(".")
    return form if bare == form else deciding_form(bare) or form
