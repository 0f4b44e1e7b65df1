from __future__ import annotations

import pytest

from extraction.jsonld import is_bounded
from extraction.limits import ExtractionLimits
from tests.unit.extraction import images, record
from thrift_idl.gen.page.ttypes import PageRecord


def blocks(*texts: str, limits: ExtractionLimits | None = None) -> PageRecord:
    page = "".join(f'<script type="application/ld+json">{text}</script>' for text in texts)
    return record(page, limits=limits or ExtractionLimits())


def test_a_block_is_kept_compact_with_its_keys_in_order() -> None:
    assert blocks(' { "b" : 1,\n "a" : ["é"] } ').json_ld == ('{"b":1,"a":["é"]}',)


def test_a_broken_block_leaves_a_flag_and_the_others() -> None:
    page = blocks('{"a":1}', '{"a":', '{"b":2}')
    assert (page.json_ld, page.flags) == (('{"a":1}', '{"b":2}'), ("json_ld_broken",))


@pytest.mark.parametrize(
    "text",
    [
        '<!-- {"a":"b\\nc"} -->',
        '//<![CDATA[\n{"a":"b\\nc"}\n//]]>',
        '/* <![CDATA[ */{"a":"b\\nc"}',
        '{"a":"b\\nc"};',
        '{"a":"b\nc"}',
        '{"a":"b\\nc",}',
        '\ufeff{"a":"b\\nc"}',
    ],
)
def test_what_templates_get_wrong_is_forgiven(text: str) -> None:
    assert blocks(text).json_ld == ('{"a":"b\\nc"}',)


@pytest.mark.parametrize(
    ("written", "block"),
    [
        ('{"a":1}{"b":2}', '[{"a":1},{"b":2}]'),
        ('[{"a":1} {"b":2}]', '[{"a":1},{"b":2}]'),
        ('{"a":1,/* c */"b":2, // x\n}', '{"a":1,"b":2}'),
        ('{"a":"//x/*y*/"}', '{"a":"//x/*y*/"}'),
        ('{"a":"the "best" cake","b":1}', '{"a":"the \\"best\\" cake","b":1}'),
        ('{"a":"b"\n"c":1}', '{"a":"b","c":1}'),
        ('{"a":1,,"b":2}', '{"a":1,"b":2}'),
        ('{"a":,"b":2}', '{"a":null,"b":2}'),
        ('{"a":{"b":[1', '{"a":{"b":[1]}}'),
        ('{"a":1}}', '{"a":1}'),
        ('{"a":"it\\\'s"}', '{"a":"it\'s"}'),
        ("{&quot;a&quot;:&quot;b&quot;}", '{"a":"b"}'),
        ('{"a":"x\ty"}', '{"a":"x\\ty"}'),
    ],
)
def test_what_is_plainly_meant_is_mended(written: str, block: str) -> None:
    assert (blocks(written).json_ld, blocks(written).flags) == ((block,), ())


def test_a_comma_in_a_string_stays() -> None:
    assert blocks('{"a":",]",}').json_ld == ('{"a":",]"}',)


@pytest.mark.parametrize("text", ["", "null", "1", '"x"', "{'a':1}", '{"a":'])
def test_what_is_no_object_or_list_is_broken(text: str) -> None:
    assert blocks(text).flags == ("json_ld_broken",)


def test_nan_becomes_null() -> None:
    assert blocks('{"a":NaN}').json_ld == ('{"a":null}',)


def test_depth_size_and_number_are_bounded() -> None:
    limits = ExtractionLimits(json_ld_depth=5, json_ld_bytes=100, json_ld_blocks=2)
    page = blocks("[" * 9 + "]" * 9, '["' + "x" * 200 + '"]', "[1]", "[2]", "[3]", limits=limits)
    assert page.json_ld == ("[1]", "[2]")
    assert page.flags == ("json_ld_too_deep", "json_ld_too_large", "too_many_json_ld")


def test_a_depth_that_no_parser_takes_is_broken_or_too_deep() -> None:
    assert blocks("[" * 100_000).flags == ("json_ld_broken",)
    assert blocks("[" * 900 + "]" * 900).flags == ("json_ld_too_deep",)


@pytest.mark.parametrize(("value", "depth", "bounded"), [([1], 1, True), ([[1]], 1, False), ({"a": [1]}, 2, True)])
def test_nesting_is_counted_in_lists_and_objects(value: object, depth: int, bounded: bool) -> None:
    assert is_bounded(value, depth) is bounded


def test_other_scripts_are_no_blocks() -> None:
    assert record('<script>{"a":1}</script><script type="application/json">{"a":1}</script>').json_ld == ()


def test_the_type_may_be_written_in_any_case_with_parameters() -> None:
    assert record('<script type="Application/LD+JSON; charset=utf-8">[1]</script>').json_ld == ("[1]",)


def test_images_are_found_in_every_shape_but_a_logo_is_none() -> None:
    page = """<script type=application/ld+json>{"@graph": [
      {"image": ["/1", {"@type": "ImageObject", "url": "/2",
                        "width": 640, "height": {"value": "480"}, "caption": "c"}]},
      {"thumbnailUrl": "/3", "publisher": {"logo": {"@type": "ImageObject", "url": "/logo"}}},
      {"@type": "ImageObject", "contentUrl": "/4", "name": "n"}, {"name": "/no", "url": "/no"}]}</script>"""
    assert [url[-2:] for url, _ in images(page)] == ["/1", "/2", "/3", "/4"]
    second = record(page).images[1]
    assert (second.width, second.height, second.alt) == (640, 480, "c")
