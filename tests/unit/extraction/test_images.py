from __future__ import annotations

import pytest

from extraction.css import background_urls
from extraction.limits import Limits
from extraction.srcset import candidates
from tests.unit.extraction import images, record

SITE = "http://site.test"


def test_each_place_an_image_is_found_in_is_kept_in_document_order():
    page = (
        "<meta property=og:image content=/a><meta name=twitter:image:src content=/a><link rel=image_src href=/a>"
        "<link rel=preload as=image href=/p><link rel=preload as=font href=/f>"
        '<script type=application/ld+json>{"image":"/a"}</script>'
        "<img src=/a><img src=/a data-src=/l><picture><source srcset='/w 1x'></picture>"
        "<noscript><img src=/n></noscript><div style='background:url(/c)'>"
    )
    assert images(page) == [
        (SITE + "/a", "og"),
        (SITE + "/a", "twitter"),
        (SITE + "/a", "link"),
        (SITE + "/p", "link"),
        (SITE + "/a", "json-ld"),
        (SITE + "/a", "img"),
        (SITE + "/l", "lazy"),
        (SITE + "/w", "picture"),
        (SITE + "/n", "noscript"),
        (SITE + "/c", "css"),
    ]


@pytest.mark.parametrize("src", ["data:image/png;base64,AAAA", "", " ", "blob:x", "http://["])
def test_what_is_no_http_url_is_no_image(src: str):
    assert images(f"<img src='{src}'>") == []


def test_size_and_alt_are_kept():
    (image,) = record("<img src=/a alt=' the\n a ' width=' 640px' height=480.5>").images
    assert (image.alt, image.width, image.height) == ("the a", 640, 480)


@pytest.mark.parametrize("width", ["100%", "auto", "", "-5", "99999999999"])
def test_what_is_no_size_in_pixels_is_0(width: str):
    assert record(f"<img src=/a width='{width}'>").images[0].width == 0


def test_structured_properties_describe_the_image_before_them():
    page = record(
        "<meta property=og:image:width content=1><meta property=og:image content=/a>"
        "<meta property=og:image:width content=640><meta property=og:image:alt content=A>"
        "<meta property=og:image content=/b><meta property=og:image:height content=7>"
    )
    assert [(each.url[-1], each.width, each.height, each.alt) for each in page.images] == [
        ("a", 640, 0, "A"),
        ("b", 0, 7, ""),
    ]


def test_too_many_images_leave_a_flag_and_the_first_ones():
    page = record("".join(f"<img src=/{i}>" for i in range(9)), limits=Limits(images=2))
    assert (len(page.images), page.flags) == (2, ("too_many_images",))


@pytest.mark.parametrize(
    ("srcset", "expected"),
    [
        (None, []),
        ("", []),
        ("a", ["a"]),
        ("a 1x, b 2x", ["a", "b"]),
        ("a,b 2x", ["a,b"]),
        ("a, b", ["a", "b"]),
        (" a 100w 50h ,b 200w", ["a", "b"]),
        ("data:image/png;base64,AA 1x, b 2x", ["data:image/png;base64,AA", "b"]),
        ("a what, b 1.5x", ["b"]),
        ("a (1x, 2x), b", ["b"]),
        (",,a,,", ["a"]),
    ],
)
def test_candidates_of_a_srcset(srcset: str | None, expected: list[str]):
    assert candidates(srcset) == expected


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        ("background: #fff url( '/a' ) repeat", ["/a"]),
        ('p{BACKGROUND-IMAGE:URL(/a),url("/b")}', ["/a", "/b"]),
        ("@font-face{src:url(/f)} p{color:red}", []),
        ("/* background:url(/a) */ p{background:url(/b)}", ["/b"]),
        ("/* background:url(/a)", []),
        ("list-style:url(/a)", []),
    ],
)
def test_background_images_of_css(css: str, expected: list[str]):
    assert background_urls(css) == expected
