"""The URLs that a crawl must reach and their answers, computed from the files on the disk."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.acceptance.real_sites.reading import Reading, read
from tests.acceptance.real_sites.resolving import resolve, same_page
from tests.acceptance.real_sites.serving import TYPES
from tests.acceptance.real_sites.sites import SITES, seeds


@dataclass(frozen=True, slots=True)
class Reached:
    """The answer of a URL."""

    outcome: str
    """`page`, `redirect`, `not_found`, `wrong_type`."""
    file: Path | None = None
    """Of a page, links resolved."""
    reading: Reading | None = None
    target: str = ""
    """Of a redirect."""


def content(file: Path) -> bytes:
    """The bytes that a browser gets of a file."""
    return file.read_bytes() if file.exists() else gzip.decompress(_packed(file).read_bytes())


def reachable() -> dict[str, Reached]:
    """Every URL in the scope of a crawl from the seeds, by what is the same page."""
    found: dict[str, Reached] = {}
    hosts = {site.host for site in SITES}
    waiting = seeds()
    while waiting:
        url = waiting.pop()
        if same_page(url) in found or urlsplit(url).hostname not in hosts:
            continue
        reached = found[same_page(url)] = _answer(url)
        waiting += _onward(url, reached)
    return found


def _onward(url: str, reached: Reached) -> list[str]:
    if reached.reading is None:
        return [reached.target] if reached.target else []
    links = reached.reading.outlinks(url)
    return [target for target, link in links.items() if reached.reading.follows(link)]


def _answer(url: str) -> Reached:
    """As nginx does it: a folder without a slash is redirected, one with a slash is its index.html."""
    file = _file(url)
    if file is None:
        return Reached("not_found")
    path = urlsplit(url).path
    if path.endswith("/"):
        file = file / "index.html"
    elif file.is_dir():
        return Reached("redirect", target=resolve(url, f"{path}/"))
    if not (file.is_file() or _packed(file).is_file()):
        return Reached("not_found")
    if TYPES.get(file.suffix.removeprefix(".")) != "text/html":
        return Reached("wrong_type")
    return _page(url, file)


def _page(url: str, file: Path) -> Reached:
    """A page that at once refreshes to another one is a redirect."""
    reading = read(file.resolve(), content)
    target = resolve(reading.base_url(url), reading.refresh) if reading.refresh else ""
    return Reached("redirect", target=target) if target not in ("", url) else Reached("page", file, reading)


def _file(url: str) -> Path | None:
    parts = urlsplit(url)
    for site in SITES:
        for package in site.packages:
            if site.host == parts.hostname and parts.path.startswith(package.path):
                return package.folder / unquote(parts.path.removeprefix(package.path))
    return None


def _packed(file: Path) -> Path:
    return file.with_name(f"{file.name}.gz")
