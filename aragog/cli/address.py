"""`aragog address`: may we connect to an address? A filter."""

from __future__ import annotations

from typing import Annotated

import typer

import weburl
from aragog.cli.filters import Answer, Fields, Jsonl, Shape, one_of, run_filter_in_flight, run_piped, scalar, text_of
from fetcher.addresses import PUBLIC_WEB, literal, verdict
from fetcher.resolver import Resolver, SystemResolver, guarded_endpoints
from thrift_idl.errors import AddressDenied, DnsFailure, InvalidUrl

app = typer.Typer(no_args_is_help=True, help="The fetcher's verdict on an address. No configuration.")

#: Names that are looked up at the same time.
_AT_ONCE = 32


@app.callback()
def _group() -> None:
    """Keep `address` a group while it has one command."""


@app.command()
def check(
    targets: Annotated[
        list[str] | None, typer.Argument(help="IP addresses or URLs; without, the lines of standard input.")
    ] = None,
    jsonl: Jsonl = False,
) -> None:
    """Say whether the fetcher would connect to an IP address, or to all addresses of a URL's host, and why.

    The policy is the default one: the public web only. A URL's host is looked up; nothing is connected to.

    `aragog address check ::ffff:127.0.0.1` prints `denied`, a tab and the rule; `aragog address check http://0x7f.1/`
    does too. With --jsonl: `{"address": ...}` or `{"url": ...}` in, `{"allowed": ..., "reason": ...}` out.
    """
    run_piped(lambda: _check(targets, jsonl))


async def _check(targets: list[str] | None, jsonl: bool) -> None:
    resolver = SystemResolver()

    async def answer(fields: Fields) -> Answer:
        return await verdict_on(fields, resolver)

    try:
        await run_filter_in_flight(Shape(jsonl, fields_of, ("allowed", "reason")), answer, targets, _AT_ONCE)
    finally:
        await resolver.close()


def fields_of(text: str) -> Fields:
    """A plain line: an address if it is one, otherwise a URL."""
    text = text.strip()
    return {"address" if literal(text) is not None else "url": text}


async def verdict_on(fields: Fields, resolver: Resolver) -> Answer:
    """`{"address" | "url"}` -> `{"allowed", "reason"}`. Raises `InvalidRequest`.

    Text that is no address, no http(s) URL or no name that resolves is denied: no connection would be made.
    """
    if one_of(fields, "address", "url") == "address":
        found = verdict(text_of(fields, "address"))
        return {"allowed": found.allowed, "reason": found.reason}
    try:
        url = weburl.split(text_of(fields, "url"))
        endpoints = await guarded_endpoints(url.host, url.port, resolver, PUBLIC_WEB)
    except (InvalidUrl, AddressDenied, DnsFailure) as error:
        return {"allowed": False, "reason": scalar(str(error))}
    return {"allowed": True, "reason": verdict(endpoints[0].address).reason}
