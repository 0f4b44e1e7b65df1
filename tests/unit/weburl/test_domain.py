from __future__ import annotations

import pytest

from weburl import registrable_domain


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.example.com", "example.com"),
        ("example.com", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("city.kawasaki.jp", "city.kawasaki.jp"),
        ("a.b.c.kawasaki.jp", "b.c.kawasaki.jp"),
        ("me.github.io", "me.github.io"),
        ("deep.me.github.io", "me.github.io"),
        ("www.garden.test", "garden.test"),
        ("a.b.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
    ],
)
def test_the_registrable_domain_is_one_label_more_than_the_public_suffix(host: str, domain: str) -> None:
    assert registrable_domain(host) == domain


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "com",
        "co.uk",
        "github.io",
        "127.0.0.1",
        "[::1]",
        "[2001:db8::1]",
        ".com",
        "a..com",
        "",
        ".",
        "..",
        "a..com",
    ],
)
def test_a_host_that_has_none_is_its_own(host: str) -> None:
    assert registrable_domain(host) == host


def test_case_trailing_dot_and_unicode_make_no_second_budget() -> None:
    assert registrable_domain("WWW.Example.COM.") == "example.com"
    assert registrable_domain("www.example.com..") == "example.com"
    assert registrable_domain("co.uk.") == "co.uk"
    assert registrable_domain("www.食狮.公司.cn") == "xn--85x722f.xn--55qx5d.cn"


def test_text_that_no_url_has_as_its_host_is_judged_by_its_labels() -> None:
    assert registrable_domain("Ä ö.Example.com") == "example.com"


def test_thousands_of_labels_are_walked_from_the_right_only() -> None:
    assert registrable_domain("a." * 4000 + "example.com") == "example.com"
