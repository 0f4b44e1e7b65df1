"""The page record's documented schema, held against what extraction writes: the sample web, and hostile pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastjsonschema
import orjson
import pytest

from extraction.page import extract
from tests.support.hostile_pages import FIELDS
from tests.support.page_record_schema import SCHEMA, check
from thrift_idl.gen.page.ttypes import (
    AgentPreferences,
    Alternate,
    App,
    Article,
    Card,
    Image,
    Link,
    Movie,
    Offer,
    Offered,
    PageRecord,
    Place,
    Product,
    Profile,
    Property,
    Rating,
    Recipe,
    RobotsDirectives,
    Step,
    Typed,
    Variant,
    Video,
)
from thrift_idl.records import field_names, to_json

PAGES = Path(__file__).parents[3] / "testweb" / "pages"
SAMPLES = Path(__file__).parent / "samples"
PARTS = {
    "property": Property, "image": Image, "outlink": Link, "directives": RobotsDirectives, "agent": AgentPreferences,
    "card": Card, "alternate": Alternate, "offered": Offered, "typed": Typed, "rating": Rating, "step": Step,
    "recipe": Recipe, "product": Product, "offer": Offer, "variant": Variant, "movie": Movie, "place": Place,
    "app": App, "video": Video, "profile": Profile, "article": Article,
}  # fmt: skip
# Structs that a record has where the page speaks of such a thing.
OPTIONAL = {"rating", "recipe", "product", "movie", "place", "app", "video", "profile", "article"}
# Small enough for every run; the 10 MB ones differ in nothing that a schema sees.
HOSTILE = ("5,000 links of 2,000 characters", "links of 9,000 characters", "OpenGraph of 8 KB, 500 times")


def written(content: bytes, **more: Any) -> Any:
    """The output of `aragog extract`, read back."""
    return orjson.loads(orjson.dumps(to_json(extract(content, "http://h.test/a/", **more))))


def test_the_schema_names_every_field_that_a_record_has() -> None:
    assert list(SCHEMA["properties"]) == list(field_names(PageRecord))
    assert set(SCHEMA["required"]) == set(SCHEMA["properties"]) - {"card", "typed"}
    for name, struct in PARTS.items():
        part = SCHEMA["definitions"][name]
        assert list(part["properties"]) == list(field_names(struct))
        assert part["required"] == [field for field in field_names(struct) if field not in OPTIONAL]


def sample_pages() -> Iterator[Path]:
    return (path for folder in (PAGES, SAMPLES) for path in sorted(folder.rglob("*")) if path.is_file())


def test_every_page_of_the_sample_web_gives_a_record_of_the_schema() -> None:
    pages = list(sample_pages())
    assert len(pages) > 10
    for page in pages:
        check(written(page.read_bytes()))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_page_gives_a_record_of_the_schema(name: str) -> None:
    check(written(FIELDS[name].content()))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 1000,
        bytes(range(256)) * 20,
        b"<div>" * 2_000,
        b"<title>" + b"t" * 5_000 + b"</title><meta name=description content='" + b"d" * 9_000 + b"'>",
        b"<img src=/i width=99999999999 height=-1 alt='"
        + b"a" * 999
        + b"'><a href=javascript:x>y</a><a href=//[>z</a>",
        b"<meta property=og:url content='mailto:x'><link rel=canonical href='http://h/\xff#f'><html lang='"
        + b"l" * 99
        + b"'>",
        b"<meta name=robots content='NOINDEX, unavailable_after: Sat, 01 Jan 2028'><meta name=bot content=nopin>",
        b'<script type="application/ld+json">{"@type":"X","image":"/i.png"}</script>',
    ],
)
def test_a_broken_page_gives_a_record_of_the_schema(content: bytes) -> None:
    check(written(content))
    check(written(content, media_type="application/xhtml+xml", content_language="x" * 99, x_robots=("bot: none",)))
    check(written(content, media_type="image/png"))


@pytest.mark.parametrize("field", SCHEMA["required"])
def test_the_schema_refuses_a_record_without(field: str) -> None:
    record = written(b"<title>T</title>")
    del record[field]
    with pytest.raises(fastjsonschema.JsonSchemaException):
        check(record)
