"""Answers that are kept, and those that are too long to be."""

from __future__ import annotations

from weburl import remembered


def test_a_short_text_is_worked_out_once_and_a_long_one_each_time() -> None:
    worked: list[str] = []

    @remembered(2)
    def length(text: str) -> int:
        worked.append(text)
        return len(text)

    long = "x" * 513
    assert [length(text) for text in ("a", "a", long, long)] == [1, 1, 513, 513]
    assert worked == ["a", long, long]


def test_no_more_answers_are_kept_than_asked_for() -> None:
    worked: list[str] = []

    @remembered(2)
    def length(text: str) -> int:
        worked.append(text)
        return len(text)

    for text in ("a", "b", "c", "a"):
        length(text)
    assert worked == ["a", "b", "c", "a"]
