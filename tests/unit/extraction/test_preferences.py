"""Preferences of a page, agent by agent."""

from __future__ import annotations

from tests.unit.extraction import record
from thrift_idl.gen.page.ttypes import AgentPreferences


def test_robots_directives_are_flags_of_their_agent() -> None:
    page = record(
        "<meta name=robots content='noarchive, max-image-preview:large, noai'><meta name=bingbot content=none>",
        x_robots=["noimageindex", "googlebot: nosnippet, noimageai"],
    )
    assert page.agents == (
        AgentPreferences("", noarchive=True, noimageindex=True, noai=True, max_image_preview="large"),
        AgentPreferences("bingbot", noindex=True, nofollow=True),
        AgentPreferences("googlebot", nosnippet=True, noimageai=True),
    )


def test_pinterest_is_an_agent() -> None:
    page = record("<meta name=pinterest content=nopin description=no><meta name=pinterest-rich-pin content=false>")
    assert page.agents == (AgentPreferences("pinterest", nopin=True, no_rich_pin=True),)
    assert page.preferences == ("nopin",)


def test_usage_is_said_by_headers_and_by_the_page_which_has_the_last_word() -> None:
    page = record(
        "<meta name=content-signal content='ai-train=yes'><meta name=tdm-policy content=/policy.json>",
        usage=[("content-signal", "search=yes, ai-input=no, ai-train=no"), ("tdm-reservation", "1")],
    )
    assert page.agents == (
        AgentPreferences(
            "",
            search="yes",
            ai_input="no",
            ai_train="yes",
            tdm_reserved=True,
            tdm_policy="http://site.test/policy.json",
        ),
    )


def test_content_usage_has_words_of_its_own() -> None:
    page = record("", usage=[("content-usage", "train-ai=n, search=y"), ("x-other", "search=no")])
    assert page.agents == (AgentPreferences("", search="yes", ai_train="no"),)


def test_a_page_that_asks_nothing_has_no_entry() -> None:
    assert record("<meta name=robots content=all>", usage=[("tdm-reservation", "0")]).agents == ()
