"""The path in a connection URL of a file or folder: read in one way for every user of such a URL.

The path follows `scheme://` and is absolute, with any number of slashes at its beginning: `sqlite:///srv/a.db` and
`sqlite:////srv/a.db` are one file (SQLAlchemy reads three slashes as a relative path; we don't). The
meaning of a relative path depends on the folder in which a process started, so that two processes might use two
stores: it is refused. Octets are percent-decoded, as those of file URLs are (RFC 8089 section 2, RFC 3986 section 2.1).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from thrift_idl.errors import BadConfiguration

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|%2[Ff]")
_DRIVE = re.compile(r"/+[A-Za-z]:(?:[/\\]|$)")


def path_of(url: str, scheme: str) -> Path:
    """The absolute path that `url` names after `scheme://`; nothing is looked up.

    Raises `BadConfiguration`, whose message doesn't repeat the URL: there may be a password in it.
    """
    rest = url.removeprefix(f"{scheme}://")
    wrong = _wrong(rest) if rest != url else f"doesn't begin with {scheme}:///"
    if wrong:
        spelling = f"{scheme}:///full/path/to/it, in a configuration also {scheme}:///{{data_dir}}/name"
        raise BadConfiguration(f"the {scheme} URL {wrong}; the right spelling is {spelling}")
    return Path("/", *_segments(rest))


def url_of(path: Path, scheme: str) -> str:
    """The URL that `path_of` turns into `path`, which is absolute."""
    return f"{scheme}://{escaped(path)}"


def escaped(path: Path) -> str:
    """`path` as a part of a URL."""
    return quote(os.fsencode(path))


def earlier_path_of(url: str, scheme: str) -> Path | None:
    """The path that earlier versions read in `url`: the text after three slashes, relative except after a fourth one.

    None if they read none.
    """
    path = url.removeprefix(f"{scheme}:///")
    return Path(path) if path not in ("", url) else None


def _wrong(rest: str) -> str:
    """The reason why `rest`, the text after `scheme://`, is no absolute path; "" = it is one."""
    segments = _segments(rest)
    reasons = (
        (rest.lstrip("/").startswith("~"), "begins with ~, which no URL resolves"),
        (rest[:1] not in ("", "/"), "has a relative path, or a host, where an absolute path should begin"),
        (_DRIVE.match(rest), "names a drive of Windows"),
        (_BAD_ESCAPE.search(rest), "has a % that escapes no character of a name (write %25 for the character itself)"),
        ("?" in rest or "#" in rest, "has a query or a fragment (write %3F and %23 for the characters themselves)"),
        ("{" in rest or "}" in rest, "has braces around something other than data_dir (write %7B and %7D for braces)"),
        (any("\0" in segment for segment in segments), "has an octet that no file's name can have"),
        (".." in segments, "has .. in its path (write where that leads to)"),
        (all(segment in ("", ".") for segment in segments), "names no file or folder"),
    )
    return next((reason for is_so, reason in reasons if is_so), "")


def _segments(rest: str) -> list[str]:
    """The segments of a path, percent-decoded; in the form of `os`, in any encoding."""
    return os.fsdecode(unquote_to_bytes(rest.encode("utf-8", "surrogateescape"))).split("/")
