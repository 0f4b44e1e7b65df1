"""`aragog url`: the forms of a URL, as a filter."""

from __future__ import annotations

from typing import Annotated

import typer

import weburl
from aragog.cli.filters import Answer, Answering, Fields, Jsonl, Shape, optional_text_of, run_filter, text_of

app = typer.Typer(
    no_args_is_help=True,
    help="""The forms of a URL: parsed, normalized, its key, its registrable domain. No network, no configuration.

Each takes URLs as arguments, or one a line from standard input, and answers one line each, in order. A line that is
no URL is answered by `error`, a tab and the reason. With --jsonl: `{"url": ..., "base": ...}` in, an object out.""",
)

Urls = Annotated[list[str] | None, typer.Argument(help="URLs; without, the lines of standard input.")]
Base = Annotated[str | None, typer.Option(help="The base of relative URLs. A JSON line has its own.")]


def parsed(fields: Fields) -> Answer:
    """`{"url", "base"?}` -> `{"href"}`: WHATWG's. Raises `InvalidUrl`, `InvalidRequest`, as all of these."""
    return {"href": weburl.parse(text_of(fields, "url"), optional_text_of(fields, "base"))}


def normalized(fields: Fields) -> Answer:
    """`{"url", "base"?}` -> `{"normalized"}`: the key form."""
    return {"normalized": weburl.normalize(text_of(fields, "url"), optional_text_of(fields, "base"))}


def keyed(fields: Fields) -> Answer:
    """`{"url", "base"?}` -> `{"key"}`: 32 hex digits."""
    form = weburl.request_form(text_of(fields, "url"), optional_text_of(fields, "base"))
    return {"key": weburl.key_hex(weburl.url_key(form))}


def domain_of(fields: Fields) -> Answer:
    """`{"url", "base"?}` -> `{"domain"}`: eTLD+1; a host without one is its own."""
    return {"domain": weburl.split(text_of(fields, "url"), optional_text_of(fields, "base")).registrable_domain}


def _run(answer: Answering, column: str, urls: list[str] | None, base: str | None, jsonl: bool) -> None:
    run_filter(Shape(jsonl, lambda text: {"url": text, "base": base}, (column,)), answer, urls)


@app.command()
def parse(urls: Urls = None, base: Base = None, jsonl: Jsonl = False) -> None:
    """Parse URLs as browsers do (WHATWG), and print them as they are written then.

    `aragog url parse 'HTTP://Example.com:80/a/../b c'` prints `http://example.com/b%20c`.

    `echo '{"url": "../x", "base": "http://h/a/b"}' | aragog url parse --jsonl` prints `{"href":"http://h/x"}`.
    """
    _run(parsed, "href", urls, base, jsonl)


@app.command()
def normalize(urls: Urls = None, base: Base = None, jsonl: Jsonl = False) -> None:
    """Print the normalized form: URLs for the same page mostly share it; its hash is the URL key.

    `aragog url normalize 'http://h/%7Eme?b=2&a=1#top'` prints `http://h/~me?a=1&b=2`.

    `aragog url normalize < links.txt | sort -u` leaves out repetitions.
    """
    _run(normalized, "normalized", urls, base, jsonl)


@app.command()
def key(urls: Urls = None, base: Base = None, jsonl: Jsonl = False) -> None:
    """Print the URL key: the identity of a URL in every store, queue and event; 32 hex digits.

    `aragog url key http://example.com/` prints `2a1b402420ef46577471cdc7409b0fa2`.
    """
    _run(keyed, "key", urls, base, jsonl)


@app.command()
def domain(urls: Urls = None, base: Base = None, jsonl: Jsonl = False) -> None:
    """Print the registrable domain, whose fetches share one rate limit (public suffix list, private section too).

    `aragog url domain https://www.example.co.uk/x` prints `example.co.uk`; an IP address or localhost is its own.
    """
    _run(domain_of, "domain", urls, base, jsonl)
