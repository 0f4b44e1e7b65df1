"""Differences between a stored record and lxml's reading of the same page, and the kinds that are right.

`docs/real-sites.md` argues each kind with an example. A difference of no kind fails the test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from tests.acceptance.real_sites.bounds import exceeded
from tests.acceptance.real_sites.reading import Link, Reading
from tests.acceptance.real_sites.resolving import resolve


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one page, or one of its links."""

    url: str
    field: str
    """`title`, `canonical`, `opengraph`, `robots`, `order`; of links `target`, `rel`, `text`, `nofollow`."""
    ours: Any
    lxml: Any
    link: Link | None = None
    """The link that it is about, as lxml reads it."""
    exceeded: frozenset[str] = frozenset()
    """The bounds that the page exceeds."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Differences in which the record is right."""

    name: str
    why: str
    explains: Callable[[Difference], bool]


KINDS = (
    Kind(
        "beyond a bound",
        "the page exceeds a documented bound, and its flag says so: what comes first is kept",
        lambda each: bool(each.exceeded) and each.field == "target" and not each.ours,
    ),
    Kind(
        "link within a link",
        "the standard's parser ends a link where another one begins, as browsers do; lxml nests them",
        lambda each: each.field == "text" and each.link is not None and _is_cut_at_a_link(each),
    ),
    Kind(
        "empty port",
        "browsers drop a colon without a port; urljoin keeps it",
        lambda each: each.field == "target" and re.sub(r"^(https?://[^/]*):/", r"\1/", each.lxml) == each.ours,
    ),
)


def kind_of(difference: Difference) -> str:
    """The name of its kind, "" for none."""
    return next((kind.name for kind in KINDS if kind.explains(difference)), "")


def differences(url: str, record: Mapping[str, Any], reading: Reading) -> Iterator[Difference]:
    """All differences between the record stored for `url` and the reading of its file."""
    canonical = resolve(reading.base_url(url), reading.canonical) if reading.canonical else ""
    pairs = {
        "title": (record["title"], reading.title),
        "canonical": (record["canonical"], canonical),
        "opengraph": ([(each["name"], each["content"]) for each in record["opengraph"]], list(reading.opengraph)),
        "robots": ([(each["agent"], tuple(each["directives"])) for each in record["robots"]], list(reading.robots)),
    }
    yield from (Difference(url, name, ours, theirs) for name, (ours, theirs) in pairs.items() if ours != theirs)
    yield from _of_links(url, {each["url"]: each for each in record["outlinks"]}, reading)


def _of_links(url: str, ours: Mapping[str, Any], reading: Reading) -> Iterator[Difference]:
    theirs = reading.outlinks(url)
    only_ours = [each for each in ours if each not in theirs]
    only_theirs = [each for each in theirs if each not in ours]
    bounds = exceeded(url, reading) if only_theirs else frozenset[str]()
    for here, there in zip_longest(only_ours, only_theirs, fillvalue=""):
        yield Difference(url, "target", here, there, theirs.get(there), bounds)
    if [each for each in ours if each in theirs] != [each for each in theirs if each in ours]:
        yield Difference(url, "order", list(ours), list(theirs))
    for target in ours.keys() & theirs.keys():
        yield from _of_link(url, ours[target], theirs[target], not reading.follows(theirs[target]))


def _of_link(url: str, ours: Mapping[str, Any], theirs: Link, nofollow: bool) -> Iterator[Difference]:
    pairs = {
        "rel": (tuple(ours["rel"]), theirs.rel),
        "text": (ours["text"], theirs.text),
        "nofollow": (ours["nofollow"], nofollow),
    }
    yield from (Difference(url, name, here, there, theirs) for name, (here, there) in pairs.items() if here != there)


def _is_cut_at_a_link(text: Difference) -> bool:
    return text.link is not None and text.link.holds_link and text.lxml.startswith(text.ours)
