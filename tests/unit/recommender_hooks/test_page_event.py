"""The event of a page version."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import fastjsonschema
import orjson
import pytest

from recommender_hooks.events import page_event as events
from recommender_hooks.events.page_event import MAX_BYTES, SCHEMA_FILE, event_id, id_of, page_event, without_timing
from recommender_hooks.images.image_signals import signals_of
from recommender_hooks.images.image_state import ImageState
from recommender_hooks.images.named_images import NamedImage, named_images
from tests.support.event_samples import T0, page, record, sample
from thrift_idl.gen.page.ttypes import Image
from thrift_idl.records import replace as replaced
from weburl import key_hex, url_key

URL = "http://a.test/?b=2&a=1"
STATE = ImageState("fetched", "fetched", T0, True, 200, "http://a.test/i.jpg", signals=signals_of(sample("dunes.jpg")))
NAMED = NamedImage("http://a.test/i.jpg", url_key("http://a.test/i.jpg"), ("og", "img"), "Dunes")

valid = fastjsonschema.compile(orjson.loads(SCHEMA_FILE.read_bytes()))


def test_the_id_is_a_hash_of_url_key_and_versions() -> None:
    key = url_key(URL)
    packed = key + (7).to_bytes(8, "big") + (3).to_bytes(4, "big") + (1).to_bytes(4, "big")
    assert event_id(key, 7, 3, 1) == sha256(packed).hexdigest()[:32]
    ids = {event_id(key, 7, 3), event_id(key, 8, 3), event_id(key, 7, 4), event_id(key, 7, 3, 2), event_id(b"", 7, 3)}
    assert len(ids) == 5


def test_urls_of_one_key_have_one_id() -> None:
    assert id_of(page("http://a.test/?a=1&b=2")) == id_of(page(URL))


def test_an_event_keeps_its_schema_and_says_what_the_page_and_its_images_are() -> None:
    of = record(title="Dünen", description="d", language="de", site_name="s", canonical="http://a.test/")
    event = page_event(page(URL, 3, of), [(NAMED, STATE)], 5, ())
    decoded = valid(orjson.loads(event.value))
    assert (
        (decoded["event_id"], decoded["url_key"])
        == (event.event_id, event.url_key)
        == (
            event_id(url_key(URL), 3, 1),
            key_hex(url_key(URL)),
        )
    )
    assert (decoded["title"], decoded["language"], decoded["canonical_claim"]) == ("Dünen", "de", "http://a.test/")
    assert (decoded["images_named"], decoded["images_withheld"]) == (5, [])
    (image,) = decoded["images"]
    assert (image["found"], image["alt"], image["width"], image["height"]) == (["og", "img"], "Dunes", 360, 240)
    assert image["phash"] == "e9b95086c65337c6"


def test_a_page_without_anything_is_an_event_too() -> None:
    assert valid(orjson.loads(page_event(page(URL), (), 0, ("nopin",)).value))["images_withheld"] == ["nopin"]


def test_an_image_without_signals_is_left_out() -> None:
    gone = replace(STATE, family="refused", code="http_status", signals=None)
    event = orjson.loads(page_event(page(URL), [(NAMED, gone), (NAMED, STATE)], 2, ()).value)
    assert len(event["images"]) == 1


def test_the_same_page_gives_the_same_bytes_with_sorted_keys() -> None:
    first = page_event(page(URL), [(NAMED, STATE)], 1, ())
    assert first == page_event(page(URL), [(NAMED, STATE)], 1, ())
    decoded = orjson.loads(first.value)
    assert list(decoded) == sorted(decoded)
    assert list(decoded["images"][0]) == sorted(decoded["images"][0])
    assert b"\n" not in first.value


def test_without_its_timing_an_event_knows_no_time() -> None:
    earlier = page_event(page(URL), [(NAMED, STATE)], 1, ())
    late = replaced(page(URL), fetched_ms=T0 + 5, changed_ms=T0 + 6, last_seen_ms=T0 + 7, write_ms=T0 + 8, latency_ms=9)
    later = page_event(late, [(NAMED, replace(STATE, fetched_ms=T0 + 9, code="unchanged", status=304))], 1, ())
    assert earlier.value != later.value
    assert without_timing(orjson.loads(earlier.value)) == without_timing(orjson.loads(later.value))


@pytest.mark.parametrize("field", ["event_id", "images", "url"])
def test_the_schema_refuses_an_event_without(field: str) -> None:
    event = orjson.loads(page_event(page(URL), (), 0, ()).value)
    del event[field]
    with pytest.raises(fastjsonschema.JsonSchemaException):
        valid(event)


def test_the_schema_names_every_field_that_an_event_has() -> None:
    schema = orjson.loads(SCHEMA_FILE.read_bytes())
    event = orjson.loads(page_event(page(URL), [(NAMED, STATE)], 1, ()).value)
    assert set(event) == set(schema["properties"]) - {"cut"} == set(schema["required"])
    assert set(event["images"][0]) == set(schema["definitions"]["image"]["properties"])
    assert schema["properties"]["schema_version"]["const"] == events.SCHEMA_VERSION


def test_images_are_named_once_each_in_the_order_of_the_page() -> None:
    found = named_images(
        (
            Image("http://a.test/2.jpg", "og"),
            Image("http://a.test/1.jpg?b&a", "img", alt="One"),
            Image("http://a.test/2.jpg", "img", alt="Two"),
            Image("http://a.test/2.jpg#x", "img", alt="Other"),
            Image("http://a.test/1.jpg?a&b", "css"),
            Image("data:image/png;base64,", "img"),
        )
    )
    assert [(image.url, image.found, image.alt) for image in found] == [
        ("http://a.test/2.jpg", ("og", "img"), "Two"),
        ("http://a.test/1.jpg?b&a", ("img", "css"), "One"),
    ]


def test_an_event_that_would_be_too_long_is_cut_and_says_so() -> None:
    urls = [f"http://a.test/{n:03}{'x' * 8_000}" for n in range(100)]
    named = [(NamedImage(url, url_key(url), ("img",), "\x01" * 256), replace(STATE, url=url)) for url in urls]
    event = page_event(page(URL), named, 100, ())
    decoded = valid(orjson.loads(event.value))
    assert MAX_BYTES - 20_000 < len(event.value) <= MAX_BYTES
    assert decoded["cut"] == ["images"] and decoded["images_named"] == 100
    kept = [image["url"] for image in decoded["images"]]
    assert kept == urls[: len(kept)]
    assert "cut" not in orjson.loads(page_event(page(URL), named[:32], 32, ()).value)
