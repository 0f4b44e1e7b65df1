"""Replies of curl's test suite, as its server would send them (tests/FILEFORMAT of curl)."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(os.environ.get("ARAGOG_CONFORMANCE_DIR") or Path(__file__).parents[3] / ".." / "shared" / "conformance")

_NAMED = {b"%CR": b"\r", b"%LF": b"\n", b"%TAB": b"\t", b"%SP": b" "}
# What our own answers depend on: a machine of 64 bits.
_CONDITION = re.compile(rb"%if ([^\r\n]*)\r?\n(.*?)(?:%else\r?\n(.*?))?%endif\r?\n", re.DOTALL)
_FEATURES = (b"large-time", b"large-size", b"brotli", b"zstd", b"libz")


def load(name: str) -> Any:
    path = ROOT / "http" / name
    if not path.exists():
        pytest.skip(f"no conformance vectors at {path}: set ARAGOG_CONFORMANCE_DIR", allow_module_level=True)
    return json.loads(path.read_text(encoding="utf-8"))


def _hex(text: bytes) -> bytes:
    return re.sub(rb"%([0-9a-fA-F]{2})", lambda found: bytes([int(found[1], 16)]), text)


def _chosen(found: re.Match[bytes]) -> bytes:
    return found[2] if found[1].strip() in _FEATURES else found[3] or b""


def reply_bytes(case: dict[str, Any]) -> bytes:
    """The raw reply, its macros expanded."""
    data = case["reply"]["data"]
    raw, attributes = base64.b64decode(data["raw_b64"]), data.get("attrs", "")
    raw = _CONDITION.sub(_chosen, raw)
    raw = re.sub(rb"%hex\[(.*?)\]hex%", lambda found: _hex(found[1]), raw, flags=re.DOTALL)
    raw = re.sub(rb"%repeat\[(\d+) x (.*?)\]%", lambda found: int(found[1]) * _hex(found[2]), raw, flags=re.DOTALL)
    raw = re.sub(rb"%b64\[(.*?)\]b64%", lambda found: base64.b64encode(_hex(found[1])), raw, flags=re.DOTALL)
    for macro, value in _NAMED.items():
        raw = raw.replace(macro, value)
    if "base64" in attributes:
        raw = base64.b64decode(raw)
    if 'crlf="yes"' in attributes:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if 'crlf="headers"' in attributes and b"\r\n\r\n" not in raw:
        head, blank, body = raw.partition(b"\n\n")
        raw = head.replace(b"\n", b"\r\n") + (b"\r\n\r\n" if blank else b"") + body
    return raw.removesuffix(b"\n") if 'nonewline="yes"' in attributes else raw
