from __future__ import annotations

import pytest

from extraction.limits import ExtractionLimits
from tests.unit.extraction import URL, record, urls


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("x", "http://site.test/folder/x"),
        ("/x y", "http://site.test/x%20y"),
        ("//other.test", "http://other.test/"),
        ("?q=1", "http://site.test/folder/page?q=1"),
        ("#part", URL),
        ("", URL),
        ("  /x\n/y ", "http://site.test/x/y"),
        ("https://u:p@other.test:443/#f", "https://other.test/"),
        ("/a?b=1&amp;c=2&copy=3", "http://site.test/a?b=1&c=2&copy=3"),
        ("http://bücher.test/", "http://xn--bcher-kva.test/"),
    ],
)
def test_links_are_absolute_without_fragment_and_userinfo(href: str, url: str) -> None:
    assert urls(f'<a href="{href}">x</a>') == [url]


@pytest.mark.parametrize(
    "href", ["javascript:x", "MAILTO:a@b", "tel:1", "data:,x", "ftp://x/", "http://[", "http://a:99999"]
)
def test_only_http_links_are_outlinks(href: str) -> None:
    assert urls(f"<a href='{href}'>x</a>") == []


def test_an_anchor_without_href_is_none() -> None:
    assert urls("<a name=x>x</a><link href=/y><form action=/z></form>") == []


def test_the_first_base_with_a_href_counts_also_for_links_before_it() -> None:
    assert urls("<a href=x>x</a><base target=_top><base href='http://b.test/c/'><base href=/d>") == [
        "http://b.test/c/x"
    ]


@pytest.mark.parametrize("base", ["http://[", "data:text/html,x", "javascript:1"])
def test_a_base_that_is_none_is_passed_over(base: str) -> None:
    assert urls(f"<base href='{base}'><a href=x>x</a>") == ["http://site.test/folder/x"]


def test_the_first_link_of_a_url_is_kept() -> None:
    found = record("<a href=/x>one</a><a href=/y>two</a><a href=/x#z>three</a>").outlinks
    assert [(link.url[-1], link.text) for link in found] == [("x", "one"), ("y", "two")]


def test_anchor_text_is_collapsed_and_bounded_and_without_scripts() -> None:
    page = "<a href=/x> a\n <b>b</b><!-- no --><script>no</script><p>c</p></a><a href=/y>" + "y" * 50 + "</a>"
    found = record(page, limits=ExtractionLimits(anchor_length=10)).outlinks
    assert [link.text for link in found] == ["a b c", "y" * 10]


def test_the_alt_of_an_image_is_no_anchor_text_but_that_of_an_area_is() -> None:
    found = record("<a href=/x><img alt=image></a><map><area href=/y alt=' the  y '></map>").outlinks
    assert [link.text for link in found] == ["", "the y"]


def test_rel_is_a_lower_case_list() -> None:
    (link,) = record("<a href=/x rel=' Author  nofollow author'>x</a>").outlinks
    assert (link.rel, link.nofollow) == (("author", "nofollow"), True)


def test_ugc_and_sponsored_are_no_nofollow() -> None:
    assert [link.nofollow for link in record("<a href=/x rel='ugc sponsored'>x</a>").outlinks] == [False]


@pytest.mark.parametrize("content", ["nofollow", "NONE", "noindex,nofollow", "noindex nofollow"])
def test_nofollow_of_the_page_is_every_links(content: str) -> None:
    page = record(f"<a href=/x>x</a><meta name=robots content='{content}'>")
    assert page.outlinks[0].nofollow


def test_nofollow_of_a_header_is_every_links() -> None:
    assert record("<a href=/x>x</a>", x_robots=["nofollow"]).outlinks[0].nofollow


def test_nofollow_for_another_agent_is_not_ours() -> None:
    assert not record("<meta name=googlebot content=nofollow><a href=/x>x</a>").outlinks[0].nofollow
    assert record("<meta name=Aragog content=nofollow><a href=/x>x</a>").outlinks[0].nofollow


def test_links_of_a_noscript_element_are_there_for_us_and_those_of_a_template_are_not() -> None:
    assert urls("<noscript><a href=/n>n</a></noscript><template><a href=/t>t</a></template>") == ["http://site.test/n"]


def test_too_many_outlinks_leave_a_flag_and_the_first_ones() -> None:
    page = record("".join(f"<a href=/{i}>x</a>" for i in range(9)), limits=ExtractionLimits(outlinks=4))
    assert ([link.url[-1] for link in page.outlinks], page.flags) == (["0", "1", "2", "3"], ("too_many_outlinks",))


def test_so_many_characters_of_long_urls_are_resolved_and_short_ones_do_not_count():
    long = "".join(f"<a href=/{'x' * 2_000}{i}>x</a>" for i in range(9))
    short = "".join(f"<a href=/{i}>x</a>" for i in range(2_000))
    page = record(short + long + "<a href=/after>x</a>", limits=ExtractionLimits(long_urls=8_000))
    assert ([len(link.url) > 2_000 for link in page.outlinks], page.flags) == (
        [False] * 2_000 + [True] * 4,
        ("too_many_long_urls",),
    )


def test_ways_to_write_one_long_url_count_each():
    page = record(
        "".join(f"<a href=/{'x' * 2_000}#{i}>x</a>" for i in range(9)), limits=ExtractionLimits(long_urls=8_000)
    )
    assert (len(page.outlinks), page.flags) == (1, ("too_many_long_urls",))


LINKS = "".join(f"<li><a href=/m{i}>Menu {i}</a></li>" for i in range(8))
PROSE = "".join(f"<p>{'Prose of some length. ' * 4}<a href=/p{i}>more</a></p>" for i in range(8))


def navigating(page: str) -> list[str]:
    return [link.url.rpartition("/")[2] for link in record(page).outlinks if link.navigation]


@pytest.mark.parametrize(
    "around",
    [
        "<nav>{}</nav>",
        "<footer>{}</footer>",
        "<aside>{}</aside>",
        "<header>{}</header>",
        "<div role=navigation>{}</div>",
        "<ul class='main-menu'>{}</ul>",
        "<div id=sidebar>{}</div>",
        "<main><nav>{}</nav></main>",
    ],
)
def test_a_link_in_a_landmark_of_navigation_is_navigation(around: str) -> None:
    assert navigating(around.format("<a href=/x>x</a>") + "<p>text <a href=/y>y</a></p>") == ["x"]


@pytest.mark.parametrize(
    "around",
    [
        "<main>{}</main>",
        "<article>{}</article>",
        "<aside><article>{}</article></aside>",
        "<div role=main>{}</div>",
        "<article><header>{}</header></article>",
        "<div class='has-sidebar'>{}</div>",
        "<p>{}</p>",
    ],
)
def test_a_link_among_the_pages_own_text_is_none(around: str) -> None:
    assert navigating(around.format("<a href=/x>x</a>")) == []


def test_a_run_of_links_is_navigation_where_no_landmark_says_otherwise() -> None:
    assert navigating(f"<div>{LINKS}</div>{PROSE}") == [f"m{i}" for i in range(8)]
    assert navigating(f"<main>{LINKS}</main>") == []
    assert navigating("".join(f"<li><a href=/m{i}>Menu {i}</a></li>" for i in range(3)) + PROSE) == []


def test_links_that_are_repeated_count_in_a_run() -> None:
    assert navigating(f"<main><a href=/m3>x</a></main>{LINKS}") == [f"m{i}" for i in range(8) if i != 3]


def test_links_of_a_noscript_element_stand_where_it_stands() -> None:
    assert navigating("<nav><noscript><a href=/x>x</a></noscript></nav>") == ["x"]
