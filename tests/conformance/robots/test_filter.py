"""The robots.txt suites through `aragog robots check`, with the counts of the direct ones."""

from __future__ import annotations

import base64
from typing import Any

from tests.conformance.filtering import filtered
from tests.conformance.robots.test_suites import COMMONS, GOOGLE, MISSES, RFC, content_of


def wrong(suite: list[dict[str, Any]]) -> set[str]:
    """Ids of the cases answered otherwise, each asked as text where it is text, and as base64."""
    agents = [case["user_agent"] if "user_agent" in case else case["user_agents"][0] for case in suite]
    plain = [
        {"robots": content_of(case).decode(), "agent": agent, "url": case["url"]}
        for case, agent in zip(suite, agents, strict=True)
        if "robots_b64" not in case
    ]
    coded = [
        {"robots_base64": base64.b64encode(content_of(case)).decode(), "agent": agent, "url": case["url"]}
        for case, agent in zip(suite, agents, strict=True)
    ]
    answers = filtered("robots check", [*coded, *plain])
    assert all(list(answer) == ["allowed", "line", "rule", "group"] for answer in answers)
    as_text = [answer for answer, case in zip(answers, suite, strict=False) if "robots_b64" not in case]
    assert as_text == answers[len(coded) :]
    return {case["id"] for answer, case in zip(answers, suite, strict=False) if answer["allowed"] != case["allowed"]}


def test_google_142_of_142() -> None:
    assert (len(GOOGLE), wrong(GOOGLE)) == (142, set())


def test_rfc_40_of_40() -> None:
    assert (len(RFC), wrong(RFC)) == (40, set())


def test_crawler_commons_306_of_312() -> None:
    assert (len(COMMONS), wrong(COMMONS)) == (312, set(MISSES))
