"""Kinds of pages and their fields: products, articles, movies, places, apps, videos, profiles; other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from extraction.page import extract
from tests.unit.extraction import record
from thrift_idl.gen.page.ttypes import Card, Offer, PageRecord, Typed

SAMPLES = Path(__file__).parent / "samples"


def typed(page: PageRecord) -> Typed:
    assert page.typed is not None
    return page.typed


def json_ld(*things: Any) -> str:
    return "".join(f'<script type="application/ld+json">{orjson.dumps(thing).decode()}</script>' for thing in things)


def metas(**properties: str) -> str:
    return "".join(f'<meta property="{name.replace("__", ":")}" content="{v}">' for name, v in properties.items())


def test_a_product_has_its_offers_in_regular_form() -> None:
    page = extract((SAMPLES / "product.html").read_bytes(), "https://shed.test/copper")
    product = typed(page).product
    assert product is not None
    assert (typed(page).kind, typed(page).confidence) == ("product", 0.99)
    assert (product.brand, product.gtin, product.sku) == ("Shed", "4006381333931", "CAN-15")
    assert (product.price, product.currency, product.availability) == ("49.9", "EUR", "InStock")
    first, second = product.offers
    assert (first.url, first.condition) == ("https://shed.test/can?v=1", "NewCondition")
    assert second == Offer(price="1049.00", high_price="1200.50", currency="USD")
    assert product.description == "For seedlings and pots"


def test_a_group_of_variants_is_a_product() -> None:
    variants = [
        {"@type": "Product", "name": f"Pot {size}", "sku": size, "offers": {"price": price, "priceCurrency": "GBP"}}
        for size, price in (("S", "4.00"), ("L", "9.00"))
    ]
    product = typed(record(json_ld({"@type": "ProductGroup", "name": "Pot", "hasVariant": variants}))).product
    assert product is not None
    assert [(each.name, each.sku, each.offers[0].price) for each in product.variants] == [
        ("Pot S", "S", "4.00"),
        ("Pot L", "L", "9.00"),
    ]
    assert (product.price, product.currency) == ("4.00", "GBP")


def test_a_product_by_opengraph_alone_is_one_with_less_confidence() -> None:
    page = record(
        metas(og__type="product", product__price__amount="12,50", product__price__currency="EUR", product__brand="B")
        + metas(product__availability="in stock")
    )
    product = typed(page).product
    assert product is not None
    assert (typed(page).kind, typed(page).confidence) == ("product", 0.6)
    assert product.offers == (Offer(price="12.50", currency="EUR", availability="InStock"),)
    assert product.brand == "B"


def test_a_product_in_microdata_reads_its_nested_offer() -> None:
    page = record(
        '<div itemscope itemtype="https://schema.org/Product"><h1 itemprop="name">Pot</h1>'
        '<img itemprop="image" src="/p">'
        '<div itemprop="offers" itemscope itemtype="https://schema.org/Offer">'
        '<b itemprop="price" content="4.50">£4.50</b>'
        '<meta itemprop="priceCurrency" content="GBP"><link itemprop="availability" href="http://schema.org/InStock">'
        '</div><a itemprop="brand" href="/b">Shed</a></div>'
    )
    product = typed(page).product
    assert product is not None
    assert product.offers == (Offer(price="4.50", currency="GBP", availability="InStock"),)
    assert (product.name, product.brand) == ("Pot", "Shed")


def test_an_article_that_judges_a_product_is_an_article() -> None:
    page = record(
        json_ld(
            {"@type": "NewsArticle", "headline": "H", "datePublished": "2024-01-02", "author": "A", "image": "/i"},
            {"@type": "Product", "name": "P", "image": "/p", "description": "d"},
        )
    )
    assert typed(page).kind == "article"
    article = typed(page).article
    assert article is not None
    assert (article.name, article.authors, article.published) == ("H", ("A",), "2024-01-02")


def test_an_article_by_opengraph_has_its_dates() -> None:
    page = record(
        metas(og__type="article", article__published_time="2024-01-02T03:04:05Z", article__author="https://x.test/me")
        + metas(article__section="Garden", article__tag="roses")
        + "<meta name=author content='By Jane Roe'>"
    )
    article = typed(page).article
    assert article is not None
    assert (typed(page).kind, article.section, article.keywords) == ("article", "Garden", ("roses",))
    assert article.authors == ("Jane Roe",)  # an address is no name


def test_a_movie_names_who_made_it() -> None:
    movie = typed(
        record(
            json_ld(
                {
                    "@type": "Movie",
                    "name": "Iris",
                    "director": [{"@type": "Person", "name": "A"}],
                    "actor": [{"name": "B"}, {"name": "C"}],
                    "genre": ["Drama", "Crime"],
                    "duration": "PT95M",
                    "datePublished": "2001",
                    "contentRating": "PG",
                }
            )
        )
    ).movie
    assert movie is not None
    assert (movie.directors, movie.actors, movie.genres) == (("A",), ("B", "C"), ("Drama", "Crime"))
    assert (movie.duration, movie.published, movie.content_rating) == ("PT1H35M", "2001", "PG")


def test_a_place_has_address_coordinates_and_hours() -> None:
    page = record(
        json_ld(
            {
                "@type": ["Restaurant"],
                "name": "Harbour",
                "address": {"streetAddress": "1 Quay", "addressLocality": "Port", "addressCountry": {"name": "IE"}},
                "geo": {"latitude": 51.5, "longitude": "-8,25"},
                "openingHoursSpecification": [
                    {"dayOfWeek": ["https://schema.org/Monday", "Tuesday"], "opens": "9:00", "closes": "17:30:00"}
                ],
                "telephone": "+353 1",
            }
        )
    )
    place = typed(page).place
    assert place is not None
    assert (typed(page).kind, place.street, place.locality, place.country) == ("place", "1 Quay", "Port", "IE")
    assert (place.latitude, place.longitude) == ("51.5", "-8.25")
    assert place.hours == ("Mo,Tu 09:00-17:30",)


def test_a_place_by_opengraph_has_its_coordinates() -> None:
    place = typed(
        record(
            metas(
                og__type="place",
                place__location__latitude="51.5",
                place__location__longitude="999",
                business__contact_data__locality="Port",
            )
        )
    ).place
    assert place is not None
    assert (place.latitude, place.longitude, place.locality) == ("51.5", "", "Port")


def test_an_app_a_video_and_a_profile() -> None:
    app = typed(
        record(
            json_ld(
                {
                    "@type": "MobileApplication",
                    "name": "Sprout",
                    "operatingSystem": "ANDROID",
                    "applicationCategory": "Lifestyle",
                    "offers": {"price": 0, "priceCurrency": "USD"},
                    "author": {"name": "Shed"},
                }
            )
        )
    ).app
    assert app is not None
    assert (app.operating_system, app.price, app.currency, app.developer) == ("ANDROID", "0", "USD", "Shed")
    page = record(
        metas(og__type="video.other")
        + json_ld({"@type": "VideoObject", "name": "V", "thumbnailUrl": ["/t.jpg"], "duration": "PT1M30S"})
        + json_ld({"@type": "Article", "headline": "A", "author": "B", "datePublished": "2024"})
    )
    video = typed(page).video
    assert video is not None
    assert (typed(page).kind, video.image, video.duration) == ("video", "http://site.test/t.jpg", "PT1M30S")
    profile = typed(
        record(json_ld({"@type": "ProfilePage", "mainEntity": {"@type": "Person", "name": "Jo", "sameAs": ["/x"]}}))
    )
    assert profile.profile is not None
    assert (profile.kind, profile.profile.name) == ("profile", "Jo")


@pytest.mark.parametrize(
    "html",
    ["", "<title>T</title>", json_ld({"@type": "WebSite", "name": "S"}, {"@type": "Person", "name": "author"})],
)
def test_a_page_that_says_nothing_of_it_is_other(html: str) -> None:
    assert typed(record(html)) == Typed("other", 0.0)


def test_what_is_only_mentioned_or_listed_makes_no_page_of_its_kind() -> None:
    listed = [{"@type": "Product", "name": name, "offers": {"price": 1}} for name in "ABC"]
    shelf = record("<title>Pots</title>" + json_ld({"@type": "ItemList", "itemListElement": listed}))
    fair = record(json_ld({"@type": "Event", "location": {"@type": "Place", "name": "Hall", "address": "1 Quay"}}))
    assert (typed(shelf).kind, typed(fair).kind) == ("other", "other")
    assert shelf.card is not None
    assert shelf.card.title == "Pots"


def test_a_theme_s_post_within_its_page_is_the_article_and_a_list_of_posts_is_none() -> None:
    post = (
        '<article itemprop="blogPost" itemscope itemtype="https://schema.org/BlogPosting">'
        '<h1 itemprop="headline">{}</h1><time itemprop="datePublished" datetime="2024-01-02">x</time></article>'
    )
    page = '<main itemscope itemtype="https://schema.org/Blog" itemprop="mainContentOfPage">{}</main>'
    body = f'<body itemscope itemtype="https://schema.org/WebPage">{page}</body>'
    assert typed(record(body.format(post.format("One")))).kind == "article"
    assert typed(record(body.format(post.format("One") + post.format("Two")))).kind == "other"


def test_a_cycle_of_references_ends() -> None:
    page = record(
        json_ld(
            {
                "@graph": [
                    {"@id": "#a", "@type": "Article", "headline": "H", "author": {"@id": "#b"}, "image": {"@id": "#a"}},
                    {"@id": "#b", "@type": "Person", "name": {"@id": "#b"}, "publisher": {"@id": "#a"}},
                ]
            }
        )
    )
    assert typed(page).kind == "article"
    assert isinstance(page.card, Card)
