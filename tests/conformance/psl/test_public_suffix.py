"""`registrable_domain` against the test files of the public suffix list."""

from __future__ import annotations

import re

import pytest

from tests.conformance import vectors
from weburl import host_to_ascii, registrable_domain


def optional(word: str) -> str | None:
    return None if word == "null" else word.strip("'")


def cases() -> list[tuple[str | None, str | None]]:
    rows = re.findall(r"^checkPublicSuffix\((\S+), (\S+)\);", vectors("psl/test_psl.txt").read_text(), re.M)
    return [(optional(host), optional(domain)) for host, domain in rows]


def plain_cases() -> list[tuple[str | None, str | None]]:
    lines = vectors("psl/tests.txt").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("//")]
    return [(optional(host), optional(domain)) for host, domain in rows]


def domain_or_none(host: str | None) -> str | None:
    """The file's null: a host that has no registrable domain, which with us is its own; no host, no question."""
    if host is None:
        return None
    domain = registrable_domain(host)
    return None if is_public_suffix(domain) else domain


def is_public_suffix(host: str) -> bool:
    """True if a label before `host` becomes part of the registrable domain; so are names with empty labels."""
    return host.startswith(".") or registrable_domain(f"x.{host}") == f"x.{host}"


def test_both_files_hold_the_78_cases_that_are_counted() -> None:
    assert len(cases()) == 78
    assert len(plain_cases()) == 78


@pytest.mark.parametrize(("host", "domain"), [*cases(), *plain_cases()])
def test_the_registrable_domain_is_the_one_of_the_list(host: str | None, domain: str | None) -> None:
    assert domain_or_none(host) == (host_to_ascii(domain) if domain else None)
