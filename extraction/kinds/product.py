"""Products: https://schema.org/Product and ProductGroup, OpenGraph's product:*, https://ogp.me."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from extraction.kinds.convert import Place, Values, date, rating, short, text, url
from extraction.kinds.reading import Field, PageKind
from extraction.values import money
from thrift_idl.gen.page.ttypes import Offer, Product, Variant

_MOST_OFFERS = 50
_MOST_VARIANTS = 100
_DEPTH = 3
GTINS = ("gtin", "gtin13", "gtin12", "gtin14", "gtin8", "isbn", "productID")


def price(values: Values, place: Place) -> str:
    """The price of the first offer that has one; of numbers and texts the first decimal that isn't negative."""
    found = (_first_offer(value, place).price or money.decimal(value) for value in values)
    return next((each for each in found if each and each[0] != "-"), "")[:32]


def currency(values: Values, place: Place) -> str:
    """The currency of the first offer that has a price; of texts the first ISO 4217 code."""
    found = (_first_offer(value, place).currency or money.currency(value) for value in values)
    return next((code for code in found if code), "")


def availability(values: Values, place: Place) -> str:
    """The availability of the first offer that has one; of texts the first name of schema.org's."""
    found = (
        next((offer.availability for offer in offers([value], place) if offer.availability), "")
        or money.availability(_name(value, place))
        for value in values
    )
    return next((name for name in found if name), "")


def _first_offer(value: Any, place: Place) -> Offer:
    """The first offer with a price; an empty one if there is none."""
    return next((offer for offer in offers([value], place) if offer.price), Offer())


def gtin(values: Values, place: Place) -> str:
    """The first GTIN whose check digit is right."""
    return next((code for code in map(money.gtin, values) if code), "")


def offers(values: Values, place: Place) -> tuple[Offer, ...]:
    """Each Offer; an AggregateOffer by its own values if it names none."""
    found = (offer for offer, _ in zip(_offers(values, place, _DEPTH), range(_MOST_OFFERS), strict=False))
    return tuple(dict.fromkeys(found))


def _offers(values: Values, place: Place, depth: int) -> Iterator[Offer]:
    for value in values if depth else ():
        if not isinstance(value, Mapping):
            continue
        inner = list(_offers(_of(value, place, "offers"), place, depth - 1))
        if inner:
            yield from inner
        elif (offer := _offer(value, place)) != Offer():
            yield offer


def _offer(thing: Mapping[str, Any], place: Place) -> Offer:
    specified = [each for each in _of(thing, place, "priceSpecification") if isinstance(each, Mapping)]
    both = [thing, *specified[:3]]
    prices = [each for one in both for each in _of(one, place, "price", "lowPrice", "minPrice")]
    stated = [each for one in both for each in _of(one, place, "priceCurrency")]
    signs = [money.currency_in(each) for each in prices]
    return Offer(
        price=price(prices, place),
        high_price=price(_of(thing, place, "highPrice"), place),
        currency=currency([*stated, *signs], place),
        availability=availability(_of(thing, place, "availability"), place),
        condition=next(filter(None, map(money.condition, _of(thing, place, "itemCondition"))), ""),
        url=url(_of(thing, place, "url"), place),
        seller=short(_of(thing, place, "seller", "offeredBy"), place),
        valid_until=date(_of(thing, place, "priceValidUntil", "validThrough"), place),
    )


def variants(values: Values, place: Place) -> tuple[Variant, ...]:
    """The products of a group."""
    things = [value for value in values[:_MOST_VARIANTS] if isinstance(value, Mapping)]
    found = (
        Variant(
            name=short(_of(thing, place, "name"), place),
            sku=short(_of(thing, place, "sku"), place),
            gtin=gtin(_of(thing, place, *GTINS), place),
            image=url(_of(thing, place, "image"), place),
            url=url(_of(thing, place, "url"), place),
            offers=offers(_of(thing, place, "offers"), place)[:5],
        )
        for thing in things
    )
    return tuple(variant for variant in found if variant != Variant())


def _of(thing: Mapping[str, Any], place: Place, *names: str) -> Values:
    return [value for name in names if name in thing for value in place.graph.flat(thing[name])]


def _name(value: Any, place: Place) -> Any:
    return next(iter(_of(value, place, "@id", "name")), None) if isinstance(value, Mapping) else value


def _with_price(fields: dict[str, Any]) -> dict[str, Any]:
    """The product with a price: a group takes its first variant's; a price without an offer counts."""
    of_variants = [offer for one in fields.get("variants", ()) for offer in one.offers if offer.price][:1]
    for offer in of_variants if not fields.get("price") else ():
        fields |= {"price": offer.price, "currency": offer.currency, "availability": offer.availability}
    if "offers" not in fields and fields.get("price"):
        kept = {name: fields[name] for name in ("price", "currency", "availability") if name in fields}
        fields["offers"] = (Offer(**kept),)
    return fields


_PRICES = ("product:price:amount", "product:sale_price:amount", "og:price:amount")
_CURRENCIES = ("product:price:currency", "product:sale_price:currency", "og:price:currency")

PRODUCT = PageKind(
    "product",
    Product,
    frozenset(("product", "productgroup", "productmodel", "individualproduct", "someproducts", "vehicle", "car")),
    frozenset(("product", "og:product", "product.item", "product.group", "products")),
    (("offers", "price", "hasVariant"), ("name",), ("image",), ("brand", "sku", "description")),
    (
        Field("name", ("name",), short),
        Field("description", ("description",), text),
        Field("image", ("image",), url),
        Field("brand", ("brand", "manufacturer"), short, ("product:brand", "og:brand")),
        Field("gtin", GTINS, gtin, ("product:ean", "product:upc", "product:isbn", "product:gtin")),
        Field("sku", ("sku",), short, ("product:retailer_item_id",)),
        Field("mpn", ("mpn",), short, ("product:mfr_part_no",)),
        Field("category", ("category",), short, ("product:category",)),
        Field("price", ("offers", "price", "lowPrice"), price, _PRICES),
        Field("currency", ("offers", "priceCurrency"), currency, _CURRENCIES),
        Field("availability", ("offers", "availability"), availability, ("product:availability", "og:availability")),
        Field("offers", ("offers",), offers),
        Field("variants", ("hasVariant", "model"), variants),
        Field("rating", ("aggregateRating",), rating),
    ),
    _with_price,
)
