from __future__ import annotations

import pytest

from crawler.frontier.scope import CrawlScope, follows, seed_hosts, targets
from thrift_idl.errors import InvalidRequest, InvalidUrl
from thrift_idl.gen.page.ttypes import Link
from weburl import url_key

SEEDS = ("https://www.example.co.uk/start", "http://localhost:8080/", "http://[2001:db8::1]/", "http://blog.test./")
HOSTS = seed_hosts(SEEDS)


def link(url: str, nofollow: bool = False) -> Link:
    return Link(url, (), "", nofollow)


def test_the_hosts_of_seeds_are_told_once_each_without_port_and_root_dot() -> None:
    assert seed_hosts([*SEEDS, "http://WWW.example.co.uk/"]) == (
        "www.example.co.uk",
        "localhost",
        "[2001:db8::1]",
        "blog.test",
    )
    with pytest.raises(InvalidUrl):
        seed_hosts(["mailto:a@b.test"])


@pytest.mark.parametrize(
    ("url", "by_host", "by_domain"),
    [
        ("http://www.example.co.uk:81/a", True, True),
        ("https://user@WWW.EXAMPLE.co.uk./", True, True),
        ("https://shop.example.co.uk/", False, True),
        ("https://example.co.uk/", False, True),
        ("https://other.co.uk/", False, False),
        ("https://www.example.co.uk.evil.test/", False, False),
        ("http://localhost/", True, True),
        ("http://[2001:db8:0:0::1]/", True, True),
        ("http://www.blog.test/", False, True),
        ("http://evil.test/?https://www.example.co.uk/", False, False),
    ],
)
def test_seeds_decide_where_a_crawl_may_go(url: str, by_host: bool, by_domain: bool) -> None:
    verdicts = [CrawlScope.of(kind, HOSTS).admits(url) for kind in ("host", "domain", "any")]
    assert verdicts == [by_host, by_domain, True]


@pytest.mark.parametrize("url", ["", "mailto:a@b.test", "javascript:void(0)", "/relative", "http://"])
def test_what_is_no_http_url_lies_in_no_scope(url: str) -> None:
    assert not CrawlScope.of("any", ()).admits(url)


def test_private_suffixes_separate_their_tenants() -> None:
    scope = CrawlScope.of("domain", seed_hosts(["https://alice.github.io/"]))
    assert scope.admits("https://www.alice.github.io/")
    assert not scope.admits("https://bob.github.io/")


def test_another_kind_of_scope_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="host, domain or any"):
        CrawlScope.of("planet", ())  # type: ignore[arg-type]


def test_links_are_followed_down_to_the_depth_limit() -> None:
    assert [follows(depth, 2) for depth in range(4)] == [True, True, False, False]
    assert not follows(0, 0)
    assert follows(60_000, None)


def test_targets_are_the_links_to_follow_each_url_key_once_in_order() -> None:
    links = [
        link("http://blog.test/b?y=1&x=2"),
        link("http://blog.test/secret", nofollow=True),
        link("http://elsewhere.test/"),
        link("mailto:a@blog.test"),
        link("http://blog.test/b?x=2&y=1#part"),
        link("http://blog.test/a"),
        link("http://blog.test/" + "^" * 8000),  # its normalized form is too long
    ]
    found = targets(links, CrawlScope.of("host", HOSTS), 0, None)
    assert [target.url for target in found] == ["http://blog.test/b?y=1&x=2", "http://blog.test/a"]
    assert [target.key for target in found] == [url_key(target.url) for target in found]


def test_a_link_that_is_followed_somewhere_counts_even_if_it_is_nofollow_elsewhere() -> None:
    links = [link("http://blog.test/a", nofollow=True), link("http://blog.test/a")]
    assert len(targets(links, CrawlScope.of("host", HOSTS), 0, 1)) == 1


def test_a_page_at_the_depth_limit_has_no_targets() -> None:
    assert targets([link("http://blog.test/a")], CrawlScope.of("any", ()), 2, 2) == ()
