"""Locations of data by the settings; and data that an earlier version put elsewhere under the same settings.

In that version three slashes before a path meant a relative one: `file:///srv/events.jsonl` was `./srv/events.jsonl`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from aragog.settings import Settings
from drivers.paths import earlier_path_of, path_of, url_of
from thrift_idl.errors import BadConfiguration

_MEMORY = "sqlite:///:memory:"
PLACES = ("sqlite", "file")
"""Schemes of the URLs that name a file or a folder."""
_BESIDE = ("-wal", "-shm")
"""SQLite's files beside a database's file (https://www.sqlite.org/walformat.html)."""


def place_of(url: str, settings: Settings) -> Path | None:
    """The file or folder that a backend's URL names; None = it names none. Raises `BadConfiguration`."""
    scheme = url.partition("://")[0]
    return path_of(settings.expand(url), scheme) if scheme in PLACES and url != _MEMORY else None


def left_behind(url: str, settings: Settings) -> Path | None:
    """The existing file or folder that an earlier version wrote for this URL, in the current folder or data directory.

    None if there is none, or if it is at the URL's own place. Raises `BadConfiguration`.
    """
    place = place_of(url, settings)
    earlier = earlier_path_of(settings.expand(url), url.partition("://")[0])
    if place is None or earlier is None:
        return None
    found = (folder / earlier for folder in dict.fromkeys(_folders(settings)))
    return next((path for path in found if _is_there(path) and path.resolve() != place.resolve()), None)


def refuse_if_left_behind(url: str, settings: Settings) -> None:
    """Raise `BadConfiguration` if opening `url` would begin an empty store while its data are at the old place."""
    earlier = left_behind(url, settings)
    place = place_of(url, settings)
    if earlier and place and not _is_there(place):
        raise BadConfiguration(
            f"it names {place}, where nothing is yet, but an earlier version wrote {earlier} for it. "
            f"Move that: {moving(earlier, place)}; or name it by {url_of(earlier, url.partition('://')[0])}"
        )


def moving(earlier: Path, place: Path) -> str:
    """The command of a shell that moves data to their place."""
    pairs = [(earlier, place)]
    beside = ((Path(f"{earlier}{end}"), Path(f"{place}{end}")) for end in _BESIDE)
    pairs += [(old, new) for old, new in beside if _is_there(old)]
    moves = (f"mv -n {shlex.quote(str(old))} {shlex.quote(str(new))}" for old, new in pairs)
    return " && ".join((f"mkdir -p {shlex.quote(str(place.parent))}", *moves))


def _is_there(path: Path) -> bool:
    """True if we see it; opening it reports any obstacle."""
    try:
        return path.exists()
    except OSError:
        return False


def _folders(settings: Settings) -> Iterator[Path]:
    with suppress(OSError):  # it is gone
        yield Path.cwd()
    yield settings.data_path
