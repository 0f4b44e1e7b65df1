"""The frontier's Lua scripts: `book.lua` is the head of each of the others."""

from __future__ import annotations

from importlib.resources import files


def script(name: str) -> str:
    """The text of the script `name`, such as `claim`, with its head."""
    folder = files(__package__)
    parts = (folder.joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in ("book", name))
    return "\n".join(parts)
