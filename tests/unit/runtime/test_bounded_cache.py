"""Entries that a cache keeps, and those that it drops."""

from __future__ import annotations

from runtime.bounded_cache import ByteBoundedCache, text_cache


def test_the_answer_to_a_short_text_is_kept_and_that_to_a_long_one_is_not() -> None:
    worked: list[str] = []

    @text_cache(2)
    def length(text: str) -> int:
        worked.append(text)
        return len(text)

    longest, longer = "x" * 512, "x" * 513
    assert [length(text) for text in ("a", "a", longest, longest, longer, longer)] == [1, 1, 512, 512, 513, 513]
    assert worked == ["a", longest, longer, longer]


def test_no_more_answers_are_kept_than_asked_for() -> None:
    worked: list[str] = []

    @text_cache(2)
    def length(text: str) -> int:
        worked.append(text)
        return len(text)

    for text in ("a", "b", "c", "a"):
        length(text)
    assert worked == ["a", "b", "c", "a"]


def test_the_value_used_longest_ago_makes_room() -> None:
    cache = ByteBoundedCache[str, bytes](10, len)
    cache.put("a", b"four")
    cache.put("b", b"four")
    assert cache.get("a") == b"four"
    cache.put("c", b"four")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"four", None, b"four")
    assert (cache.bytes, len(cache)) == (8, 2)


def test_a_value_put_anew_takes_the_place_of_the_one_before() -> None:
    cache = ByteBoundedCache[str, bytes](10, len)
    cache.put("a", b"four")
    cache.put("a", b"eight123")
    assert (cache.get("a"), cache.bytes) == (b"eight123", 8)


def test_one_value_larger_than_the_bound_is_kept_alone() -> None:
    cache = ByteBoundedCache[str, bytes](10, len)
    cache.put("a", b"four")
    cache.put("large", b"x" * 11)
    assert (cache.get("a"), cache.get("large")) == (None, b"x" * 11)
    cache.put("b", b"four")
    assert (cache.get("large"), cache.bytes) == (None, 4)


def test_what_is_dropped_takes_no_bytes() -> None:
    cache = ByteBoundedCache[str, bytes](10, len)
    cache.put("a", b"four")
    cache.drop("a")
    cache.drop("a")
    assert (cache.get("a"), cache.bytes, len(cache)) == (None, 0, 0)
