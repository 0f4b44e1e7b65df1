"""Links that a worker doesn't ask the frontier about again."""

from __future__ import annotations

from aragog.crawl.known_links import KnownLinks


def test_a_key_is_strange_until_it_is_added() -> None:
    links = KnownLinks()
    assert links.strange([b"a", b"b", b"c"]) == (b"a", b"b", b"c")
    links.add([b"a", b"c"])
    assert links.strange([b"c", b"b", b"a"]) == (b"b",)


def test_what_is_kept_is_bounded_and_the_latest_half_is_never_forgotten() -> None:
    links = KnownLinks(most=10)
    keys = [b"%d" % number for number in range(100)]
    for at, key in enumerate(keys):
        links.add([key])
        latest = keys[max(0, at - 4) : at + 1]
        assert links.strange(latest) == ()
    assert len(keys) - len(links.strange(keys)) <= 11
