"""Places and profiles: https://schema.org/Place, Person; OpenGraph's place:*, business:*, profile:*."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from extraction.kinds.convert import Place as At
from extraction.kinds.convert import Values, rating, short, text, url, urls
from extraction.kinds.reading import Field, PageKind
from extraction.values.money import degrees
from extraction.values.plain import plain
from thrift_idl.gen.page.ttypes import Place, Profile

_WEEK = "monday tuesday wednesday thursday friday saturday sunday"
_DAYS = {name: name[:2].capitalize() for name in _WEEK.split()}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_MOST_HOURS = 30


def part(*names: str) -> Callable[[Values, At], str]:
    """Reads a part of an address."""

    def read(values: Values, at: At) -> str:
        inner = [value.get(name) for value in values if isinstance(value, Mapping) for name in names]
        return short(list(at.graph.flat(inner)), at)

    return read


def whole_or(convert: Callable[[Values, At], str]) -> Callable[[Values, At], str]:
    """A reader that takes the whole value if it is a text, as of a meta element."""
    return lambda values, at: convert(values, at) or short([value for value in values if isinstance(value, str)], at)


def coordinate(name: str, most: int) -> Callable[[Values, At], str]:
    """A reader of latitude or longitude: from a GeoCoordinates, or the value itself."""

    def read(values: Values, at: At) -> str:
        stated = (value.get(name) if isinstance(value, Mapping) else value for value in at.graph.flat(values))
        return next((found for each in at.graph.flat(list(stated)) if (found := degrees(each, most))), "")

    return read


def hours(values: Values, at: At) -> tuple[str, ...]:
    """openingHours as written; OpeningHoursSpecifications in the same form."""
    found = (said for value in values[:_MOST_HOURS] if (said := _hours(value, at)))
    return tuple(dict.fromkeys(found))


def _hours(value: Any, at: At) -> str:
    if not isinstance(value, Mapping):
        return plain(value, 256)
    opens, closes = (next(map(_clock, at.graph.flat(value.get(key))), "") for key in ("opens", "closes"))
    days = ",".join(_named_days(at.graph.flat(value.get("dayOfWeek"))))
    return f"{days} {opens}-{closes}".strip() if opens and closes else ""


def _named_days(values: Iterator[Any]) -> Iterator[str]:
    for value in values:
        name = value.get("@id") or value.get("name") if isinstance(value, Mapping) else value
        day = _DAYS.get(str(name).strip().rpartition("/")[2].lower())
        if day:
            yield day


def _clock(value: Any) -> str:
    found = _CLOCK.search(str(value)[:40])
    return f"{int(found[1]):02}:{found[2]}" if found else ""


_CONTACT = "business:contact_data:"
_PARTS = (
    ("locality", "addressLocality", "locality", "locality"),
    ("region", "addressRegion", "region", "region"),
    ("postal_code", "postalCode", "postal_code", "postal-code"),
    ("country", "addressCountry", "country_name", "country-name"),
)
_PLACE_TYPES = """
    place localbusiness restaurant cafeorcoffeeshop barorpub bakery fastfoodrestaurant foodestablishment store hotel
    lodgingbusiness bedandbreakfast hostel motel resort touristattraction landmarksorhistoricalbuildings museum park
    beach church library cinema movietheater eventvenue stadiumorarena hospital dentist medicalclinic pharmacy
    autorepair gasstation beautysalon hairsalon dayspa healthandbeautybusiness sportsactivitylocation exercisegym
    realestateagent legalservice attorney professionalservice homeandconstructionbusiness plumber electrician airport
    trainstation busstation school collegeoruniversity city country administrativearea civicstructure winery brewery
    icecreamshop nightclub shoppingcenter clothingstore bookstore grocerystore florist zoo aquarium campground apartment
"""

PLACE = PageKind(
    "place",
    Place,
    frozenset(_PLACE_TYPES.split()),
    frozenset(
        ("place", "business.business", "restaurant.restaurant", "restaurant", "hotel", "landmark", "city", "business")
    ),
    (("name",), ("address",), ("geo", "telephone", "openingHours", "openingHoursSpecification")),
    (
        Field("name", ("name",), short),
        Field("description", ("description",), text),
        Field("image", ("image", "photo", "logo"), url),
        Field(
            "street", ("address",), whole_or(part("streetAddress")), (f"{_CONTACT}street_address", "og:street-address")
        ),
        *(
            field
            for name, of_address, contact, og in _PARTS
            for field in (
                Field(name, ("address",), part(of_address)),
                Field(name, (), short, (f"{_CONTACT}{contact}", f"og:{og}")),
            )
        ),
        Field("latitude", ("geo", "latitude"), coordinate("latitude", 90), ("place:location:latitude", "og:latitude")),
        Field(
            "longitude",
            ("geo", "longitude"),
            coordinate("longitude", 180),
            ("place:location:longitude", "og:longitude"),
        ),
        Field("telephone", ("telephone",), short, (f"{_CONTACT}phone_number", "og:phone_number")),
        Field("hours", ("openingHours", "openingHoursSpecification"), hours),
        Field("price_range", ("priceRange",), short),
        Field("rating", ("aggregateRating",), rating),
    ),
)


def username(values: Values, at: At) -> str:
    """A handle without its @ sign."""
    return short(values, at).removeprefix("@")


PROFILE = PageKind(
    "profile",
    Profile,
    frozenset(("person",)),
    frozenset(("profile", "author")),
    (("name",), ("image", "description"), ("sameAs", "url", "jobTitle")),
    (
        Field("name", ("name",), short),
        Field("description", ("description", "jobTitle"), text),
        Field("image", ("image",), url),
        Field("username", ("alternateName", "identifier"), username, ("profile:username",)),
        Field("first_name", ("givenName",), short, ("profile:first_name",)),
        Field("last_name", ("familyName",), short, ("profile:last_name",)),
        Field("same_as", ("sameAs",), urls),
    ),
)
