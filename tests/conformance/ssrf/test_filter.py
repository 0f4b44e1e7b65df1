"""The address suites through `aragog address check`, with this machine's own resolver."""

from __future__ import annotations

from tests.conformance.filtering import filtered
from tests.conformance.ssrf.test_addresses import ADDRESSES
from tests.conformance.ssrf.test_guard import URLS


def test_277_of_277_addresses_are_judged_as_classified() -> None:
    answers = filtered("address check", ({"address": case["ip"]} for case in ADDRESSES))
    assert len(answers) == 277
    assert ["allow" if answer["allowed"] else "deny" for answer in answers] == [case["expected"] for case in ADDRESSES]


def test_none_of_106_urls_leads_to_a_private_address() -> None:
    answers = filtered("address check", ({"url": case["url"]} for case in URLS))
    assert len(answers) == 106
    leaks = [case["id"] for case, answer in zip(URLS, answers, strict=True) if answer["allowed"]]
    # deny_or_reject: the host may also be the public one that the text names.
    assert [case["id"] for case in URLS if case["id"] in leaks and case["expected"] == "deny"] == []
    for case, answer in zip(URLS, answers, strict=True):
        assert list(answer) == ["allowed", "reason"]
        if case["expected"] == "allow" and not answer["allowed"]:  # the control, where names resolve
            assert "resolve" in answer["reason"], case
