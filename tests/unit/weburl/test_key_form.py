from __future__ import annotations

from hashlib import sha256

import pytest

from thrift_idl.errors import InvalidUrl
from weburl import KEY_BYTES, KEY_VERSION, key_hex, normalize, url_key


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("HTTP://EXAMPLE.org:80", "http://example.org/"),
        ("http://example.org/%7euser/%41", "http://example.org/~user/A"),
        ("http://example.org/%2f%2a%c3%a4", "http://example.org/%2F%2A%C3%A4"),
        ("http://example.org/%2A*", "http://example.org/%2A*"),
        ("http://example.org/a/./b/%2e%2E/c", "http://example.org/a/c"),
        ("http://example.org//a//", "http://example.org//a//"),
        ("http://example.org/100%", "http://example.org/100%25"),
        ("http://example.org/%%34%31", "http://example.org/%2541"),
        ("http://example.org/?q=%zz", "http://example.org/?q=%25zz"),
        ("http://example.org/[a]?b[]=c|d^e`", "http://example.org/%5Ba%5D?b%5B%5D=c%7Cd%5Ee%60"),
        ("http://example.org/?b=2&a=1&b=1", "http://example.org/?a=1&b=2&b=1"),
        ("http://example.org/?b=&a&=c", "http://example.org/?=c&a&b="),
        ("http://example.org/?page=2&page=1", "http://example.org/?page=2&page=1"),
        ("http://example.org/?b=1&a=2&b&a=1&b=", "http://example.org/?a=2&a=1&b=1&b&b="),
        ("http://example.org/?a1=x&a=y&a!=z", "http://example.org/?a=y&a!=z&a1=x"),
        ("http://example.org/?%62=2&a&b=1", "http://example.org/?a&b=2&b=1"),
        ("http://example.org/?&b&&a&", "http://example.org/?a&b"),
        ("http://example.org/?", "http://example.org/"),
        ("http://example.org/?&", "http://example.org/"),
        ("http://example.org/??a", "http://example.org/??a"),
        ("http://me:secret@example.org/#top", "http://example.org/"),
        ("http://example.org./a.", "http://example.org/a."),
        ("http://example.org.:8080/", "http://example.org:8080/"),
        ("http://example.org../", "http://example.org../"),
        ("http://./", "http://./"),
        ("http://bücher.example/ä", "http://xn--bcher-kva.example/%C3%A4"),
        ("http://[2001:DB8:0::1]/", "http://[2001:db8::1]/"),
    ],
)
def test_the_key_form_is(raw: str, normal: str) -> None:
    assert normalize(raw) == normal
    assert normalize(normal) == normal


def test_parameters_are_sorted_as_they_read_after_decoding() -> None:
    assert normalize("http://example.org/?%62=1&a=2") == normalize("http://example.org/?a=2&b=1")


def test_reserved_characters_and_their_escapes_are_different_urls() -> None:
    assert normalize("http://example.org/a%2Fb") != normalize("http://example.org/a/b")
    assert normalize("http://example.org/?q=a%26b") != normalize("http://example.org/?q=a&b")


def test_the_key_is_the_first_16_bytes_of_sha256_of_the_normalized_form() -> None:
    key = url_key("HTTP://example.org:80/?b&a#f")
    assert key == sha256(b"http://example.org/?a&b").digest()[:16]
    assert len(key) == KEY_BYTES


def test_keys_of_version_2_never_change() -> None:
    assert KEY_VERSION == 2
    assert key_hex(url_key("https://example.org/a?b=c")) == "bcf5ab0d5495e862e1f54109fb46f57c"
    assert key_hex(url_key("https://example.org/?b=2&a&b=1")) == "d172704198dab43d68099e972b370269"


def test_the_order_of_equal_names_makes_different_keys_and_that_of_others_does_not() -> None:
    assert url_key("http://example.org/?page=1&page=2") != url_key("http://example.org/?page=2&page=1")
    assert url_key("http://example.org/?q=x&page=2&page=1") == url_key("http://example.org/?page=2&q=x&page=1")


def test_any_form_of_a_url_has_the_same_key() -> None:
    raw = "https://me@example.org/%7Ea/?y=1&x=[2]#z"
    assert url_key(raw) == url_key(normalize(raw))


def test_what_has_no_normalized_form_has_no_key() -> None:
    with pytest.raises(InvalidUrl):
        url_key("mailto:a@example.org")
