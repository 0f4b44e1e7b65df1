from __future__ import annotations

import pytest

from thrift_idl.gen.page.ttypes import RobotsDirectives
from weburl.robots_directives import AgentDirectives, directives_for_us, forbids_following, of_header


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("NoIndex, nofollow", AgentDirectives("", ("noindex", "nofollow"))),
        ("googlebot: noindex", AgentDirectives("googlebot", ("noindex",))),
        ("*: noarchive", AgentDirectives("", ("noarchive",))),
        ("max-snippet: 20", AgentDirectives("", ("max-snippet:20",))),
        ("", AgentDirectives("", ())),
    ],
)
def test_a_header_names_an_agent_or_speaks_to_all(value: str, expected: AgentDirectives) -> None:
    assert of_header(value, 64) == expected


def test_a_header_gives_no_more_directives_than_asked_for() -> None:
    assert of_header("a, b, c", 2).directives == ("a", "b")


def test_a_record_of_a_page_has_the_fields_in_the_same_order() -> None:
    entry = of_header("aragog: noai, noindex", 64)
    record = RobotsDirectives(*entry)
    assert (record.agent, record.directives) == entry


def test_directives_for_us_are_those_for_all_agents_and_for_ours() -> None:
    said = (RobotsDirectives("", ("noindex",)), of_header("aragog: noai", 64), of_header("bingbot: nopin", 64))
    assert directives_for_us(said) == {"noindex", "noai"}


@pytest.mark.parametrize(
    ("value", "forbidden"), [("nofollow", True), ("none", True), ("noindex", False), ("bingbot: none", False)]
)
def test_nofollow_and_none_forbid_following(value: str, forbidden: bool) -> None:
    assert forbids_following([of_header(value, 64)]) is forbidden
