"""The shared hostile messages."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from thrift_idl.rpc.message import CALL, framed, write_header

ROOT = Path(__file__).resolve().parents[3]
FILE = (
    Path(os.environ.get("ARAGOG_CONFORMANCE_DIR", ROOT.parent / "shared" / "conformance")) / "thrift" / "hostile.json"
)
VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text())["vectors"] if FILE.exists() else []


def spoken(vector: dict[str, Any], method: bytes) -> bytes:
    """The vector as a caller of `method` sends it.

    A struct in binary is argument 1 of a sound call. A compact one is argument 1 of a compact call (protocol 0x82,
    version 1 and type call, sequence id, name). A message comes in a frame; those about frames, as the bytes they are.
    """
    data = bytes.fromhex(vector["hex"])
    if vector["protocol"] == "binary":
        return framed(write_header(CALL, method, 3) + b"\x0c\x00\x01" + data + b"\x00")
    if vector["protocol"] == "compact":
        return framed(b"\x82\x21\x03" + bytes((len(method),)) + method + b"\x1c" + data + b"\x00")
    return data if vector["protocol"] == "framed" else framed(data)
