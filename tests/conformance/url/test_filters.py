"""The URL suites through `aragog url`: the same counts as `parse` and `normalize` have."""

from __future__ import annotations

from tests.conformance.filtering import filtered
from tests.conformance.url.test_normalization import COMMONS, OURS, all_inputs
from tests.conformance.url.test_resolution import CASES, WHATWG_DECIDES
from tests.conformance.url.test_whatwg import TO_ASCII, WEB


def test_url_parse_agrees_with_445_of_445_web_cases() -> None:
    answers = filtered("url parse", ({"url": case["input"], "base": case["base"]} for case in WEB))
    failed = [answer for answer in answers if list(answer) == ["error"]]
    assert (len(answers), len(failed)) == (445, 198)
    assert [answer.get("href") for answer in answers] == [case.get("href") for case in WEB]


def test_url_parse_resolves_41_of_41_references() -> None:
    answers = filtered("url parse", ({"url": case["ref"], "base": case["base"]} for case in CASES))
    want = [WHATWG_DECIDES.get(case["ref"], case["expected"]) for case in CASES]
    assert [answer["href"] for answer in answers] == want


def test_url_parse_puts_hosts_in_ascii_as_the_87_cases_say() -> None:
    answers = filtered("url parse", ({"url": f"http://{case['input']}/x"} for case in TO_ASCII))
    want = [None if case["output"] is None else f"http://{case['output']}/x" for case in TO_ASCII]
    assert [answer.get("href") for answer in answers] == want


def test_url_normalize_agrees_with_crawler_commons_or_as_argued() -> None:
    answers = filtered("url normalize", ({"url": case["input"]} for case in COMMONS))
    found = [answer.get("normalized") for answer in answers]
    assert found == [OURS.get(case["id"], case["expected"]) for case in COMMONS]
    assert sum(form == case["expected"] for form, case in zip(found, COMMONS, strict=True)) >= 115


def test_url_normalize_is_idempotent_and_url_key_is_of_the_normalized_form() -> None:
    inputs = all_inputs()
    answers = filtered("url normalize", ({"url": raw} for raw in inputs))
    forms = {raw: answer["normalized"] for raw, answer in zip(inputs, answers, strict=True) if "normalized" in answer}
    assert len(forms) > 400
    again = filtered("url normalize", ({"url": form} for form in forms.values()))
    assert [answer["normalized"] for answer in again] == list(forms.values())
    keys = filtered("url key", ({"url": raw} for raw in forms))
    assert keys == filtered("url key", ({"url": form} for form in forms.values()))
