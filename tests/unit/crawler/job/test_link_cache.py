"""Links that a worker doesn't ask the frontier about again."""

from __future__ import annotations

from crawler.job.crawl_cache import LinkCache


def test_a_key_is_strange_until_it_is_added() -> None:
    links = LinkCache()
    assert links.strange([b"a", b"b", b"c"], 1) == (b"a", b"b", b"c")
    links.add([b"a", b"c"], 1)
    assert links.strange([b"c", b"b", b"a"], 1) == (b"b",)


def test_a_key_that_is_found_nearer_to_a_seed_is_strange_again() -> None:
    links = LinkCache()
    links.add([b"a"], 3)
    assert (links.strange([b"a"], 4), links.strange([b"a"], 3)) == ((), ())
    assert links.strange([b"a"], 2) == (b"a",)
    links.add([b"a"], 2)
    assert links.strange([b"a"], 2) == ()


def test_what_is_kept_is_bounded_and_the_latest_half_is_never_forgotten() -> None:
    links = LinkCache(most=10)
    keys = [b"%d" % number for number in range(100)]
    for at, key in enumerate(keys):
        links.add([key], 0)
        latest = keys[max(0, at - 4) : at + 1]
        assert links.strange(latest, 0) == ()
    assert len(keys) - len(links.strange(keys, 0)) <= 11
