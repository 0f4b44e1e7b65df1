"""Readings of extruct and trafilatura: runs in their environment.

`python -m benchmarks.quality.oracle_readers FOLDER` reads manifest.json, a list of `{path, url}`, and writes
oracles.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import extruct
import trafilatura

SYNTAXES = ["opengraph", "json-ld", "microdata"]


def main() -> None:
    """Read every page; what an oracle raises on has nothing."""
    folder = Path(sys.argv[1])
    pages = json.loads((folder / "manifest.json").read_text())
    (folder / "oracles.json").write_text(json.dumps([read(folder / page["path"], page["url"]) for page in pages]))


def read(path: Path, url: str) -> dict[str, Any]:
    """Of one page: main content by trafilatura, syntaxes by extruct."""
    text = path.read_bytes().decode("utf-8", "replace")
    try:
        syntaxes = extruct.extract(text, base_url=url, syntaxes=SYNTAXES)
    except Exception as error:  # broken JSON-LD ends it
        syntaxes = {"error": str(error)}
    main_text = trafilatura.extract(text, url=url, include_comments=False) or ""
    return {"text": main_text, "extruct": syntaxes}


if __name__ == "__main__":
    main()
