"""Redirects to nothing, in loops, or to places that no fetcher may request."""

from __future__ import annotations

from testweb.faults.kinds import Fault, FaultyRequest, page


def redirect(location: str, status: str = "302 Found") -> bytes:
    """An answer that redirects to `location`, written as it is."""
    return page(f"Location: {location}", status=status, content=b"")


def _to(name: str, tells: str, location: str) -> Fault:
    return Fault(f"redirect-{name}", tells, redirect(location), stays=True)


async def _maze(visit: FaultyRequest) -> None:
    """Each room has a door to the next one."""
    room = int(visit.rest.strip("/") or 0) if visit.rest.strip("/").isascii() else 0
    await visit.send(redirect(f"/redirect-maze/{room + 1}"))


async def _hosts(visit: FaultyRequest) -> None:
    """Each host leads to another one."""
    number, _, rest = visit.host.partition(".")
    count = int(number[1:]) if number.startswith("m") and number[1:].isdigit() else 0
    await visit.send(redirect(f"http://m{count + 1}.{rest if count else visit.host}/redirect-hosts"))


async def _circle(visit: FaultyRequest) -> None:
    """Three URLs in a loop."""
    room = {"/a": "b", "/b": "c"}.get(visit.rest, "a")
    await visit.send(redirect(f"/redirect-circle/{room}"))


_META = b'<!doctype html><meta http-equiv="refresh" content="0; url=%s"><title>On</title>'

REDIRECT_FAULTS = (
    _to("page", "to a page that is there", "/page"),
    _to("loop", "to itself", "/redirect-loop"),
    Fault("redirect-circle", "three URLs in a circle", _circle, stays=True),
    Fault("redirect-maze", "each to another, without end", _maze, stays=True),
    Fault("redirect-hosts", "each to another host, without end", _hosts, stays=True),
    Fault("redirect-meta", "meta refresh to a page that is there", page(content=_META % b"/page"), stays=True),
    Fault("redirect-meta-loop", "redirect and meta refresh in a circle", page(content=_META % b"/redirect-meta-back")),
    _to("meta-back", "the other half of that circle", "/redirect-meta-loop"),
    _to("metadata", "to the address of a cloud's metadata", "http://169.254.169.254/latest/meta-data/"),
    _to("localhost", "to this machine, written in hexadecimal", "http://0x7f.1:22/"),
    _to("port", "to a port that is no web server's", "http://faults.test:25/"),
    _to("file", "to a file", "file:///etc/passwd"),
    _to("script", "to a script", "javascript:alert(1)"),
    _to("data", "to a data URL", "data:text/html,<p>"),
    _to("rubbish", "to no URL at all", "http://[::1"),
    _to("huge", "to a URL of 100 kB", "/" + "x" * 100_000),
    _to("fragment", "to itself, with a fragment", "/redirect-fragment#here"),
    _to("empty", "without saying where", ""),
    _to("split", "with a header smuggled in by an encoded line end", "/page%0d%0aX-Injected:%201"),
)
