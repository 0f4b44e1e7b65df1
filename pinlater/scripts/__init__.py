"""The Redis backend's scripts, each in a file of its own, by name. All begin with `prelude.lua`."""

from __future__ import annotations

from importlib.resources import files

_FLAGS = {
    # A Redis that is out of memory takes no more jobs; those it has are served, and removed when they are finished.
    "enqueue": "",
    "count": "flags=no-writes",
    "lookup": "flags=no-writes",
    "outlook": "flags=no-writes",
    "scan": "flags=no-writes",
}


def script(name: str, status_characters: int, page_bytes: int) -> str:
    """The whole text of the script `name`.lua, with the bounds of `pinlater.backends` in it."""
    bounds = f"local STATUS_CHARACTERS, PAGE_BYTES = {status_characters}, {page_bytes}"
    flags = _FLAGS.get(name, "flags=allow-oom")
    return "\n".join((f"#!lua {flags}".rstrip(), bounds, _text("prelude"), _text(name)))


def bare_script(name: str) -> str:
    """The text of a script that isn't about a queue, and so has no prelude."""
    return _text(name)


def _text(name: str) -> str:
    return files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
