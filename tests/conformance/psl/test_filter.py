"""The public suffix list's test files through `aragog url domain`."""

from __future__ import annotations

from tests.conformance.filtering import filtered
from tests.conformance.psl.test_public_suffix import cases, is_public_suffix, plain_cases
from weburl import host_to_ascii


def test_url_domain_agrees_with_78_of_78_cases_of_each_file() -> None:
    for suite in (cases(), plain_cases()):
        asked = [(host, domain) for host, domain in suite if host is not None]
        answers = filtered("url domain", ({"url": f"http://{host}/"} for host, _ in asked))
        found = [answer["domain"] for answer in answers]
        # The file's null: a host without a registrable domain, which with us is its own. No host is no URL.
        named = [None if is_public_suffix(domain) else domain for domain in found]
        assert named == [host_to_ascii(domain) if domain else None for _, domain in asked]
        assert len(asked) + sum(host is None for host, _ in suite) == 78
