"""The card: the fields of a preview of any page, each from the first source of the precedence table that has it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from extraction.kinds.convert import Place, Values, date, names, short, text, url
from extraction.kinds.reading import Convert
from extraction.precedence import CARD
from extraction.sources import LinkElement, Sources
from extraction.statements import Choice, Chooser, Statement
from extraction.values.plain import plain
from thrift_idl.gen.page.ttypes import Alternate, Card, Offered, Property

_MOST_ALTERNATES = 200
_MOST_OFFERED = 20
_MOST_APP_LINKS = 30
_TITLE = 1_024
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{2,8}){0,4}", re.IGNORECASE)
_FEEDS = frozenset(("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml"))


def title(values: Values, place: Place) -> str:
    """A title, bounded like the page's title."""
    return text(values, place)[:_TITLE].rstrip()


def description(values: Values, place: Place) -> str:
    """A description, bounded like the page's description."""
    return text(values, place)[:4_096].rstrip()


def language(values: Values, place: Place) -> str:
    """BCP 47: `en_US` is `en-US`."""
    found = (plain(each, 64) for value in values for each in place.graph.flat(_language_in(value)))
    return next((each.replace("_", "-") for each in found if _LANGUAGE.fullmatch(each)), "")


def _language_in(value: object) -> object:
    return [value.get("alternateName"), value.get("name")] if isinstance(value, dict) else value


_CONVERT: dict[str, Convert] = {
    "title": title,
    "description": description,
    "site_name": short,
    "authors": names,
    "published": date,
    "modified": date,
    "language": language,
}


def card_of(sources: Sources, place: Place, chooser: Chooser) -> Card:
    """The card of a page."""
    found = {}
    for field, entries in CARD.items():
        convert = _CONVERT.get(field, url)
        value = chooser.choose(
            f"card.{field}",
            sources.of(entries),
            lambda values, convert=convert: convert(values, place),  # type: ignore[misc]  # bound now
            None,
        )
        if value:
            found[field] = value
    return Card(
        alternates=tuple(_alternates(sources, place, chooser)),
        feeds=tuple(_offered("card.feeds", _is_feed, sources, place, chooser)),
        oembed=tuple(_offered("card.oembed", _is_oembed, sources, place, chooser)),
        app_links=tuple(_app_links(sources)),
        **found,
    )


def _alternates(sources: Sources, place: Place, chooser: Chooser) -> Iterator[Alternate]:
    """https://developers.google.com/search/docs/specialty/international/localized-versions."""
    links = [
        link for link in sources.links if link.in_head and "alternate" in link.rel and link.attributes.get("hreflang")
    ]
    for link in links[:_MOST_ALTERNATES]:
        if address := place.absolute(link.href):
            _note(chooser, "card.alternates", link)
            yield Alternate((link.attributes["hreflang"] or "").strip()[:64], address)


def _offered(
    field: str, is_such: Callable[[str], bool], sources: Sources, place: Place, chooser: Chooser
) -> Iterator[Offered]:
    links = [link for link in sources.links if "alternate" in link.rel and is_such(_type_of(link))]
    for link in links[:_MOST_OFFERED]:
        if address := place.absolute(link.href):
            _note(chooser, field, link)
            yield Offered(address, _type_of(link), plain(link.attributes.get("title") or "", 256))


def _is_feed(media_type: str) -> bool:
    return media_type in _FEEDS


def _is_oembed(media_type: str) -> bool:
    return media_type.endswith("+oembed")


def _type_of(link: LinkElement) -> str:
    return (link.attributes.get("type") or "").partition(";")[0].strip().lower()[:64]


def _app_links(sources: Sources) -> Iterator[Property]:
    """https://developers.facebook.com/docs/applinks."""
    said = [(name, content) for name, all_ in sources.stated.items() if name.startswith("al:") for content, _ in all_]
    yield from (Property(name, plain(content, 2_048)) for name, content in said[:_MOST_APP_LINKS])


def _note(chooser: Chooser, field: str, link: LinkElement) -> None:
    if chooser.choices is not None:
        statement = Statement("link", " ".join(link.rel), [link.href], link.element)
        chooser.choices.append(Choice(field, statement, ""))
