"""Connection URLs in messages: the login that a URL may hold is left out, even if the URL is badly written."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from thrift_idl.errors import BadConfiguration

#: Names of secrets: of a URL's options, and of settings.
SECRET_NAME = re.compile(r"pass|secret|token|key|cred|auth|hash", re.IGNORECASE)
_OPTION = re.compile(r"([?&;])([^=&;]*)=[^&;#]*")
_HIDDEN = "***"
_OF_PATHS = ("file", "sqlite", "pool")


def parts_of(url: str, kind: str) -> SplitResult:
    """The parts of `url`. Raises `BadConfiguration` that names its `kind` and doesn't repeat the URL."""
    try:
        return urlsplit(url)
    except ValueError:  # its message quotes the text around the fault, perhaps a password
        raise BadConfiguration(f"no {kind} URL: it can't be parsed (an IPv6 address needs brackets)") from None


def shown(url: str) -> str:
    """`url` as people may see it: everything before its last @ is hidden, because a password may hold any character,
    and so is the value of each option with a secret name. The path of a file stays unchanged.
    """
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    if "@" in rest and not (scheme in _OF_PATHS and rest.startswith("/")):
        rest = f"{_HIDDEN}@{rest.rpartition('@')[2]}"
    return f"{scheme}{separator}{_OPTION.sub(_option, rest)}"


def _option(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}={_HIDDEN}" if SECRET_NAME.search(found[2]) else found[0]
