from __future__ import annotations

import pytest

from extraction.images import background_urls
from extraction.limits import ExtractionLimits
from extraction.srcset import best, candidates
from tests.unit.extraction import images, record

SITE = "http://site.test"


def test_each_place_an_image_is_found_in_is_kept_in_document_order() -> None:
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
def test_what_is_no_http_url_is_no_image(src: str) -> None:
    assert images(f"<img src='{src}'>") == []


def test_size_and_alt_are_kept() -> None:
    (image,) = record("<img src=/a alt=' the\n a ' width=' 640px' height=480.5>").images
    assert (image.alt, image.width, image.height) == ("the a", 640, 480)


@pytest.mark.parametrize("width", ["100%", "auto", "", "-5", "99999999999"])
def test_what_is_no_size_in_pixels_is_0(width: str) -> None:
    assert record(f"<img src=/a width='{width}'>").images[0].width == 0


def test_structured_properties_describe_the_image_before_them() -> None:
    page = record(
        "<meta property=og:image:width content=1><meta property=og:image content=/a>"
        "<meta property=og:image:width content=640><meta property=og:image:alt content=A>"
        "<meta property=og:image content=/b><meta property=og:image:height content=70>"
    )
    assert [(each.url[-1], each.width, each.height, each.alt) for each in page.images] == [
        ("a", 640, 0, "A"),
        ("b", 0, 70, ""),
    ]


def test_the_same_images_offered_again_and_again_are_looked_at_so_often() -> None:
    offered = "<img srcset='/a 1x, /b 2x, /c 3x'>" * 100
    page = record(offered + "<img src=/late>", limits=ExtractionLimits(image_candidates=50))
    assert ([image.url for image in page.images], page.flags) == (["http://site.test/c"], ("too_many_images",))
    assert record(offered).flags == ()


def test_too_many_images_leave_a_flag_and_the_first_ones() -> None:
    page = record("".join(f"<img src=/{i}>" for i in range(9)), limits=ExtractionLimits(images=2))
    assert (len(page.images), page.flags) == (2, ("too_many_images",))


@pytest.mark.parametrize("size", ["width=1 height=1", "width=16", "width=600 height=2", "height=31"])
def test_icons_pixels_and_spacers_are_left_out(size: str) -> None:
    assert images(f"<img src=/a {size}><img src=/b width=32 height=32>") == [(SITE + "/b", "img")]


def test_one_img_has_one_candidate_of_its_srcset_with_the_width_that_it_states() -> None:
    first, second = record("<img src=/s srcset='/a 320w, /c 1280w, /b 640w' width=300 height=200>").images
    assert (first.url, first.found, first.file_width) == (SITE + "/s", "img", 0)
    assert (second.url, second.found, second.file_width) == (SITE + "/c", "srcset", 1280)


@pytest.mark.parametrize(
    ("srcset", "href"),
    [
        ("a 1x, b 2x", "b"),
        ("a, b 1.5x", "b"),
        ("a 100w, b 200w, c 50w", "b"),
        ("a, b", "a"),
        ("a 99999999999w, b 5w", "b"),
        ("a 1e99x, b 2x", "a"),
        ("data:x 9x, b", "b"),
    ],
)
def test_the_best_candidate_is_the_widest_or_the_densest(srcset: str, href: str) -> None:
    candidate = best(srcset)
    assert candidate is not None
    assert candidate.href == href


def test_caption_and_link_are_those_around_the_image() -> None:
    page = (
        "<figure><a href=/big><picture><source srcset='/w 2x'><img src=/a></picture></a><figcaption> The <b>sea</b>"
        "</figcaption></figure><a href=/other>text</a><img src=/b>"
    )
    assert [(each.url[-1], each.caption, each.link[-4:]) for each in record(page).images] == [
        ("w", "The sea", "/big"),
        ("a", "The sea", "/big"),
        ("b", "", ""),
    ]


def test_the_caption_reaches_an_image_of_a_noscript_element() -> None:
    (image,) = record("<figure><noscript><img src=/n></noscript><figcaption>Sea</figcaption></figure>").images
    assert (image.found, image.caption) == ("noscript", "Sea")


def test_ranks_are_a_permutation_with_the_pages_own_choice_first_and_a_logo_last() -> None:
    page = (
        "<header><img src=/logo.png width=200 height=60></header><p><img src=/small.jpg width=100 height=80>"
        "<img src=/large.jpg width=1200 height=800></p><meta property=og:image content=/share.jpg>"
        "<div style='background:url(/back.jpg)'></div>"
    )
    found = sorted(record(page).images, key=lambda each: each.rank)
    assert [each.rank for each in found] == [1, 2, 3, 4, 5]
    names = [each.url.rpartition("/")[2] for each in found]
    assert names == ["share.jpg", "large.jpg", "small.jpg", "back.jpg", "logo.png"]


def test_a_name_such_as_logo_costs_rank_and_not_the_place() -> None:
    found = record("<img src=/logo-wide.png><img src=/geology.png>").images
    assert [(each.url[-8:], each.rank) for each in found] == [("wide.png", 2), ("logy.png", 1)]


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
        ("data:image/png;base64,AA 1x, b 2x", ["b"]),
        ("a what, b 1.5x", ["b"]),
        ("a (1x, 2x), b", ["b"]),
        (",,a,,", ["a"]),
    ],
)
def test_candidates_of_a_srcset(srcset: str | None, expected: list[str]) -> None:
    assert [each.href for each in candidates(srcset)] == expected


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
def test_background_images_of_css(css: str, expected: list[str]) -> None:
    assert background_urls(css) == expected


def test_style_attributes_are_looked_at_a_bounded_number_of_times():
    markup = "<p style='background:url(/x)'>" * 9 + "<p style='background:url(/late)'>"
    page = record(markup, limits=ExtractionLimits(image_candidates=5))
    assert ([image.url for image in page.images], page.flags) == ([SITE + "/x"], ("too_many_images",))
    assert [image.url for image in record(markup).images] == [SITE + "/x", SITE + "/late"]
