"""Conversion of a property's values to a field: text, names, URLs, dates, ratings. "", () or None if there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from extraction.syntax.graph import Graph
from extraction.values.moments import duration as iso_duration
from extraction.values.moments import duration_of_seconds, moment
from extraction.values.money import decimal
from extraction.values.plain import plain
from thrift_idl.gen.page.ttypes import Rating

_MOST = 200  # entries of a list
_NAME = 512  # characters
_ADDRESS = re.compile(r"(?:https?:)?//|www\.|@\w", re.IGNORECASE)
_COUNT = re.compile(r"\d+(?:[.,'’\s]\d{3})*")
_BY = re.compile(r"(?:recipe |written |posted |published )?by:?\s+(?=\S)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """The context of values: the base of their URLs, and the targets of their references."""

    graph: Graph
    absolute: Callable[[str], str]


Values = list[Any]


def text(values: Values, place: Place) -> str:
    """The first text; of a thing its name."""
    return next((found for found in (plain(name_of(value, place)) for value in values) if found), "")


def short(values: Values, place: Place) -> str:
    """Like `text`, bounded to a name's length."""
    return text(values, place)[:_NAME].rstrip()


def texts(values: Values, place: Place) -> tuple[str, ...]:
    """All texts, each once."""
    found = dict.fromkeys(plain(name_of(value, place), _NAME) for value in values[:_MOST])
    return tuple(each for each in found if each)


def listed(values: Values, place: Place) -> tuple[str, ...]:
    """Like `texts`; one value may hold several, separated by commas."""
    parts = (part.strip() for each in texts(values, place) for part in each.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))[:_MOST]


def names(values: Values, place: Place) -> tuple[str, ...]:
    """Names of people and organizations: no URLs, no handles, no `By`."""
    found: dict[str, None] = {}
    for value in values[:_MOST]:
        name = _BY.sub("", plain(name_of(value, place), _NAME), count=1) if not _is_empty(value) else ""
        if name and not _ADDRESS.match(name):
            found[name] = None
    return tuple(found)


def name_of(value: Any, place: Place) -> Any:
    """A thing's name; of a text the text."""
    if not isinstance(value, Mapping):
        return value
    for key in ("name", "headline", "text", "title", "alternateName"):
        for inner in place.graph.flat(value.get(key)):
            if not isinstance(inner, Mapping):
                return inner
    given = [each for key in ("givenName", "familyName") if isinstance(each := value.get(key), str)]
    return " ".join(given)


def _is_empty(value: Any) -> bool:
    return isinstance(value, bool) or value is None


def url(values: Values, place: Place) -> str:
    """The first URL that resolves, absolute."""
    for value in values:
        for each in place.graph.flat(_address_in(value)):
            if isinstance(each, str) and each.strip() and (found := place.absolute(each.strip())):
                return found
    return ""


def urls(values: Values, place: Place) -> tuple[str, ...]:
    """All URLs, each once."""
    return tuple(dict.fromkeys(found for value in values[:_MOST] if (found := url([value], place))))


def _address_in(value: Any) -> Any:
    """The URL of the shown content, for an ImageObject and similar things."""
    if not isinstance(value, Mapping):
        return value
    for key in ("contentUrl", "url", "@id", "thumbnailUrl", "src"):
        found = value.get(key)
        if found and not (key == "@id" and isinstance(found, str) and not found.startswith("http")):
            return found if not isinstance(found, Mapping) else found.get("@id")
    return None


def date(values: Values, place: Place) -> str:
    """The first date."""
    return next((found for found in map(moment, values) if found), "")


def duration(values: Values, place: Place) -> str:
    """The first duration; of a range (`minValue`, `maxValue`) its end."""
    for value in values:
        stated = value
        if isinstance(value, Mapping):
            stated = next(place.graph.flat([value.get(key) for key in ("maxValue", "duration", "name", "value")]), None)
        if found := iso_duration(stated):
            return found
    return ""


def seconds(values: Values, place: Place) -> str:
    """A duration that may be a number of seconds."""
    return next((found for found in map(duration_of_seconds, values) if found), "")


def rating(values: Values, place: Place) -> Rating | None:
    """The rating of an AggregateRating or a Rating; one without votes is none."""
    for value in values:
        if not isinstance(value, Mapping):
            continue
        stated, best = (decimal(_first(value.get(key), place)) for key in ("ratingValue", "bestRating"))
        count = _whole(_first(value.get("ratingCount") or value.get("reviewCount"), place))
        said_none = count == "0" or (not count and stated in ("0", "0.0"))
        if stated and not said_none:
            return Rating(stated[:16], best[:16], int(count) if count and len(count) < 10 and count[0] != "-" else 0)
    return None


def _whole(value: Any) -> str:
    """The digits of the first number of a text, any grouping removed: votes have no fractions."""
    found = _COUNT.search(str(value)[:64]) if isinstance(value, str | int | float) else None
    return re.sub(r"\D", "", found[0]) if found else ""


def _first(value: Any, place: Place) -> Any:
    return next(place.graph.flat(value), None)
