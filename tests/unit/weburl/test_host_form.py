"""One form of a host for all who decide about hosts."""

from __future__ import annotations

import pytest

import weburl
from weburl import deciding_form, deciding_origin


@pytest.mark.parametrize(
    ("spelling", "form"),
    [
        ("example.com", "example.com"),
        ("example.com.", "example.com"),
        ("Example.COM", "example.com"),
        ("example.com..", "example.com"),
        ("example%2Ecom%2e", "example.com"),
        ("example\u3002com\uff0e", "example.com"),
        ("bücher.de.", "xn--bcher-kva.de"),
        ("xn--bcher-kva.de.", "xn--bcher-kva.de"),
        ("127.0.0.1.", "127.0.0.1"),
        ("127.0.0.1..", "127.0.0.1"),
        ("0x7f.1.", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[0:0::1]", "[::1]"),
        ("localhost.", "localhost"),
        ("co.uk.", "co.uk"),
        ("a_b.c.", "a_b.c"),
        (".", "."),
        ("..", ".."),
        ("", ""),
    ],
)
def test_all_spellings_of_a_host_have_one_deciding_form(spelling: str, form: str) -> None:
    assert deciding_form(spelling) == form
    assert deciding_form(form) == form


def test_text_that_is_no_host_is_put_in_lower_case() -> None:
    assert deciding_form("No Host.") == "no host"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://H.test./a.", "http://h.test"),
        ("https://h.test.:8443/", "https://h.test:8443"),
        ("http://[::1]:81/", "http://[::1]:81"),
        ("http://h.test/", "http://h.test"),
    ],
)
def test_the_deciding_origin_has_the_deciding_form_of_its_host(url: str, origin: str) -> None:
    assert deciding_origin(weburl.split(url)) == origin
