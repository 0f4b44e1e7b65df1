"""Laws that hold for any text: no crash but `InvalidUrl`, one answer from both bindings, stable normal forms."""

from __future__ import annotations

from collections.abc import Callable

import ada_url
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from thrift_idl.errors import InvalidUrl
from weburl import (
    MAX_LENGTH,
    host,
    join,
    joiner,
    key_of_form,
    normalize,
    origin,
    parse,
    registrable_domain,
    request_form,
    split,
    url_key,
)
from weburl.parser import _exact, _fast, is_plain

CHARACTERS = st.sampled_from([*"abXYZ019-._~:/?#[]@!$&'()*+,;=%^`{|}\"<>\\ \t\nä字。①\ud800\x00"])
CLUSTERS = st.sampled_from(["%2e", "%2F", "%41", "%7e", "%C3", "%zz", "//", "..", "xn--", "&&"])
TEXT = st.lists(CHARACTERS | CLUSTERS, max_size=30).map("".join) | st.text(max_size=60)
HOSTS = st.sampled_from(["example.org", "a.b.co.uk", "127.0.0.1", "[::1]", "xn--bcher-kva.de", "h.", "a.."]) | TEXT
SCHEMES = st.sampled_from(["http://", "https://", "HTTP:", "//", ""])
URLS = st.builds("{}{}/{}".format, SCHEMES, HOSTS, TEXT)
PIECES = st.lists(
    st.sampled_from(["/", "/", ".", "..", ".x", "x.", "x", "%2e", "%2E", ":", "@", "?", "#"]), max_size=10
)
PREFIXES = st.sampled_from(["", "http://h", "http:", "http:/", "https://u@h", "//h", "httpx://h", "httpx:", "ws://h"])
BASES = st.sampled_from(["http://h/", "http://h/.a/b", "https://h/.a/..b/c?q", "http://h/x/y./z", "http://h/?x=/../y"])
MANY_PATHS = examples(2_000, 200_000)
COUNTS = st.sampled_from([0, 1, 900, 2_700, 2_740, 4_000, 8_150])
PLAIN = st.text("abXYZ019-._~:/?#@!$&'()*+,;=", max_size=60)


@given(URLS)
@settings(max_examples=examples(600))
@example("http://h/%%34%31")
@example("http://h/?%26&%3d")
@example("http://a.:80./")
def test_normalizing_is_idempotent_and_ends_in_plain_rfc_3986(raw: str) -> None:
    try:
        normal = normalize(raw)
    except InvalidUrl:
        assume(False)
    assert normalize(normal) == normal
    assert normalize(request_form(raw)) == normal
    assert normalize(parse(raw)) == normal
    assert url_key(raw) == url_key(normal)
    assert normal.isascii()
    target = normal[len(origin(normal)) :]
    assert not set(target) & set('#[]^`{|}"<>\\ ')


@given(TEXT | URLS, st.none() | URLS | TEXT)
@settings(max_examples=examples(600))
def test_any_text_is_parsed_or_refused_as_invalid(raw: str, base: str | None) -> None:
    try:
        href = parse(raw, base)
    except InvalidUrl:
        return
    assert href.isascii()
    assert parse(href) == href


@given(URLS)
@settings(max_examples=examples(400))
def test_parts_put_together_are_the_request_form(raw: str) -> None:
    try:
        url = split(raw)
    except InvalidUrl:
        assume(False)
    assert url.origin + url.target == url.request_form == request_form(raw)
    assert url.host == host(raw)
    assert url.origin == origin(raw)
    assert url.target.startswith("/")
    assert "#" not in url.request_form
    assert registrable_domain(url.registrable_domain) == url.registrable_domain


@given(
    st.sampled_from(["", "http://", "https://u@h", "http:", "//"]),
    PLAIN,
    st.none() | (PLAIN | TEXT).map("http://h/{}".format) | URLS,
)
@settings(max_examples=examples(1000))
def test_the_fast_binding_agrees_with_the_exact_one_wherever_it_is_asked(
    prefix: str, text: str, base: str | None
) -> None:
    raw = prefix + text
    assume(is_plain(raw))
    try:
        fast = _fast(raw, base)
    except InvalidUrl:  # the base's
        return
    assume(fast is not None)
    assert fast == _exact(raw, base)


@pytest.mark.timeout(3_600)  # torture's number of examples
@given(PREFIXES, PIECES, st.none() | BASES)
@settings(max_examples=MANY_PATHS)
@example("http://h", ["/", "x", "/", ".x", "/", "..", "/", "..", "/", "p"], None)
@example("httpx://h", ["/", ".."], None)
@example("", ["/", ".x", "/", ".."], "http://h/.a/b")
def test_a_path_of_dots_is_parsed_as_the_current_standard_says(prefix: str, path: list[str], base: str | None) -> None:
    raw = prefix + "".join(path)
    expected = _of(ada_url.normalize_url if base is None else lambda one: ada_url.join_url(base, one), raw)
    assert _of(lambda one: parse(one, base), raw) == expected
    if base is not None and expected is not None and expected.startswith(("http://", "https://")):
        assert joiner(base)(raw) == join(base, raw) == request_form(expected)


@given(URLS | TEXT, st.lists(URLS | TEXT | PLAIN, max_size=8))
@settings(max_examples=examples(600))
def test_links_joined_one_by_one_are_those_of_a_joiner(base: str, hrefs: list[str]) -> None:
    joined = joiner(base)
    assert [_of(joined, href) for href in hrefs] == [_of(lambda one: join(base, one), href) for href in hrefs]


def _of(join_one: Callable[[str], str], href: str) -> str | None:
    try:
        return join_one(href)
    except (InvalidUrl, ValueError):
        return None


LONG = st.builds(
    "http://example.org/{}{}{}".format,
    TEXT,
    st.sampled_from(["", "?", "?q="]),
    st.builds(
        lambda text, count: text * count, st.sampled_from(["|", "[", "%", "a", "%41", "^a", "é", "&", "{%"]), COUNTS
    ),
)


@given(LONG | URLS, LONG | URLS | TEXT)
@settings(max_examples=examples(400))
@example("http://example.org/" + "|" * 4000, "")
@example("http://example.org/" + "|" * 2700 + "/", "a" * 100)
def test_whatever_has_a_request_form_has_a_key(raw: str, href: str) -> None:
    """So that no step is surprised by what an earlier one let pass; and each form is taken where it comes back."""
    for form in (_of(request_form, raw), _of(joiner(raw), href), _of(lambda one: join(raw, one), href)):
        if form is not None:
            key = url_key(form)
            assert len(normalize(form)) <= MAX_LENGTH
            assert key == key_of_form(form) == url_key(normalize(form))
            assert request_form(form) == form == split(form).request_form
