"""The hand-written expectation against the files: slips of the hand, found by a plain reading with lxml."""

from __future__ import annotations

import json
from collections.abc import Iterable

import ada_url
import lxml.html
import pytest

from testweb import SampleWeb
from testweb.expectation import Expected, load
from testweb.sites import Rule
from thrift_idl import errors

EXPECTED = load()
WEB = SampleWeb()
FETCHED = [each for each in EXPECTED.values() if each.outcome == "fetched"]
# lxml reads nothing out of the empty page, and mends the mangled one in another way than the HTML standard.
READABLE = [each for each in FETCHED if each.content_size and each.url != "http://errors.test/mangled"]
OG = ("og:", "article:", "product:", "place:", "profile:", "video:")


def rule_of(url: str) -> Rule | None:
    host, _, target = url.removeprefix("http://").partition("/")
    site = WEB.sites.get(host)
    rule = site.rules.get("/" + target) if site else None
    return rule.at(0) if rule else None


def tree_of(expected: Expected) -> lxml.html.HtmlElement:
    rule = rule_of(expected.url)
    assert rule is not None
    text = rule.content.decode("utf-8-sig" if expected.charset == "utf-8" else expected.charset)
    return lxml.html.document_fromstring(text.removeprefix('<?xml version="1.0" encoding="utf-8"?>'))


def collapsed(texts: Iterable[str]) -> str:
    return " ".join("".join(texts).split())


def ids(value: object) -> str:
    return value.url if isinstance(value, Expected) else str(value)


readable = pytest.mark.parametrize("expected", READABLE, ids=ids)


def test_every_url_of_the_web_has_an_expectation_and_nearly_nothing_else_has() -> None:
    elsewhere = {
        "http://169.254.169.254/latest/meta-data/",
        "https://shop.test/checkout",
        "http://garden.test:99999/",
        "http://shop.test/p/watering-can?size=9&colour=green",
    }
    assert set(EXPECTED) == set(WEB.urls()) | elsewhere


def test_every_alias_ends_at_a_url_with_an_expectation_of_its_own() -> None:
    for expected in EXPECTED.values():
        if expected.outcome == "alias":
            target = EXPECTED[expected.final_url]
            assert target.outcome != "alias"
            assert expected.hops[0][1] == expected.url


def test_every_code_is_one_of_the_error_tree_and_of_the_stated_family() -> None:
    tree = errors.by_code()
    for expected in EXPECTED.values():
        if expected.outcome in ("refused", "deferred", "unavailable"):
            assert tree[expected.code].family == expected.outcome, expected.url
        else:
            assert expected.code == ""


def test_every_hop_is_what_the_tables_answer() -> None:
    for expected in EXPECTED.values():
        if expected.outcome != "alias":
            continue
        targets = [url for _, url in expected.hops[1:]] + [expected.final_url]
        for (status, url), target in zip(expected.hops, targets, strict=True):
            rule = rule_of(url)
            assert rule is not None
            assert rule.status == status
            if rule.location is not None:  # not so for the meta refresh
                joined = ada_url.join_url(url, rule.location)
                assert joined.partition("#")[0] == target


def test_statuses_and_media_types_are_those_of_the_tables() -> None:
    for expected in EXPECTED.values():
        rule = rule_of(expected.url)
        if rule is None or expected.outcome == "alias":
            continue
        if expected.outcome == "fetched" or expected.code in ("http_status", "server_error", "retry_after"):
            assert rule.status == expected.status, expected.url
        if expected.code == "wrong_type" or (expected.outcome == "fetched" and rule.type):
            assert (rule.type or "").partition(";")[0] == expected.media_type, expected.url


@pytest.mark.parametrize("expected", FETCHED, ids=ids)
def test_sizes_are_those_of_the_files(expected: Expected) -> None:
    rule = rule_of(expected.url)
    assert rule is not None
    assert len(rule.content) == expected.content_size


@readable
def test_titles_languages_and_descriptions_are_in_the_pages(expected: Expected) -> None:
    tree = tree_of(expected)
    titles = tree.xpath("//title")
    assert collapsed(titles[0].itertext()) == expected.title
    named = {meta.get("name", "").lower(): meta.get("content") for meta in tree.xpath("//meta[@name]")}
    assert named.get("description", "") == expected.description
    content_language = tree.xpath("string(//meta[@http-equiv='Content-Language']/@content)")
    assert (tree.get("lang") or content_language) == expected.language


@readable
def test_canonical_claims_are_in_the_pages(expected: Expected) -> None:
    links = [link for link in tree_of(expected).xpath("//link") if link.get("rel", "").lower() == "canonical"]
    claimed = [ada_url.join_url(expected.url, link.get("href")) for link in links]
    assert claimed == ([expected.canonical] if expected.canonical else [])
    if expected.canonical not in ("", expected.url):
        assert expected.canonical_holds is not None
        assert EXPECTED[expected.canonical].outcome == "fetched"


@readable
def test_properties_are_in_the_pages_in_this_order(expected: Expected) -> None:
    metas = [
        (meta.get("property") or meta.get("name") or "", meta.get("content")) for meta in tree_of(expected).iter("meta")
    ]
    assert tuple(pair for pair in metas if pair[0].startswith(OG)) == expected.opengraph
    assert tuple(pair for pair in metas if pair[0].startswith("twitter:")) == expected.twitter


@readable
def test_json_ld_blocks_have_these_types(expected: Expected) -> None:
    found = []
    for script in tree_of(expected).xpath("//script[@type='application/ld+json']"):
        try:
            block = json.loads(script.text)
        except ValueError:
            continue
        nodes = block if isinstance(block, list) else block.get("@graph", [block])
        found.append(tuple(node["@type"] for node in nodes))
    assert tuple(found) == expected.json_ld


@readable
def test_outlinks_are_the_hrefs_of_the_page(expected: Expected) -> None:
    tree = tree_of(expected)
    base = ada_url.join_url(expected.url, tree.xpath("string(//base/@href)") or "")
    found: dict[str, str] = {}
    for link in tree.xpath("//a[@href] | //area[@href]"):
        try:
            parsed = ada_url.URL(link.get("href"), base=base)
        except ValueError:
            continue
        if parsed.protocol in ("http:", "https:"):
            parsed.hash = parsed.username = parsed.password = ""
            texts = [link.get("alt")] if link.tag == "area" else link.xpath(".//text()")
            found.setdefault(parsed.href, collapsed(texts))
    assert found == {link.url: link.text for link in expected.outlinks}
    assert list(found) == [link.url for link in expected.outlinks]


@readable
def test_images_in_src_and_og_are_the_expected_ones(expected: Expected) -> None:
    tree = tree_of(expected)
    plain = tree.xpath("//img[not(ancestor::noscript)]/@src")
    named = tree.xpath("//meta[@property='og:image']/@content")
    for found, raw in (("img", plain), ("og", named)):
        urls = [ada_url.join_url(expected.url, src) for src in raw if not src.startswith("data:")]
        assert urls == [image.url for image in expected.images if image.found == found]


@readable
def test_robots_directives_are_in_the_page_and_its_headers(expected: Expected) -> None:
    rule = rule_of(expected.url)
    assert rule is not None
    metas = tree_of(expected).xpath("//meta[@name='robots' or @name='googlebot']")
    raw = [("" if meta.get("name") == "robots" else meta.get("name"), meta.get("content")) for meta in metas]
    raw += [("", rule.headers[name]) for name in rule.headers if name == "X-Robots-Tag"]
    found = [(agent, tuple(each.strip() for each in text.lower().split(","))) for agent, text in raw]
    assert found == [(each.agent, each.directives) for each in expected.robots]
    nofollow = any("nofollow" in directives for agent, directives in found if agent == "")
    for link in expected.outlinks:
        assert link.nofollow == (nofollow or "nofollow" in link.rel)


def test_a_url_stated_twice_is_an_error(tmp_path) -> None:
    for name in ("garden.test", "elsewhere"):
        key = "/" if name == "garden.test" else "http://garden.test/"
        (tmp_path / f"{name}.toml").write_text(f'["{key}"]\noutcome = "fetched"\n')
    with pytest.raises(ValueError, match="stated twice"):
        load(tmp_path)
