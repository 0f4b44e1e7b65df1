"""Hostile URLs and scenarios, as far as the guard alone decides: from a raw URL to the endpoints that would be dialled.

The scenarios about redirect chains, credentials, pooled connections, proxies, .netrc and robots.txt belong to the
fetch service and are tested there.
"""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from fetcher.addresses import AddressPolicy, verdict
from fetcher.resolver import Endpoint, SystemLookup, SystemResolver, guarded_endpoints
from fetcher.settings import NameSettings
from tests.conformance import vectors
from thrift_idl.errors import AddressDenied, AragogError, DnsFailure, InvalidUrl, Refused, Unavailable
from weburl import join, split

URLS: list[Any] = json.loads(vectors("ssrf/url_vectors.json").read_text())["cases"]
SCENARIOS: list[Any] = json.loads(vectors("ssrf/scenarios.json").read_text())["scenarios"]

PUBLIC = "93.184.216.34"
INSIDE = {  # what these names answer where the attack works
    "localhost": "127.0.0.1",
    "localhost.": "127.0.0.1",
    "foo.localhost": "127.0.0.1",
    "ip6-localhost": "::1",
    "metadata.google.internal": "169.254.169.254",
    "metadata": "169.254.169.254",
    "instance-data": "169.254.169.254",
    "rancher-metadata": "169.254.169.250",
}


class Names(SystemResolver):
    """The system resolver over a table of names: each one's answers in turn; any other name is public."""

    def __init__(self, answers: dict[str, list[tuple[str, ...]]] | None = None) -> None:
        self.answers = answers or {}
        self.looked_up: list[str] = []
        super().__init__(SystemLookup(self.answer), NameSettings(no_ttl_ms=0))

    def answer(self, host: str) -> tuple[str, ...]:
        self.looked_up.append(host)
        if host in self.answers:
            return self.answers[host].pop(0)
        return (INSIDE.get(host, PUBLIC),)


async def dialled(raw: str, names: Names, base: str | None = None) -> tuple[Endpoint, ...]:
    """The fetcher's steps before it connects."""
    url = split(raw, base)
    return await guarded_endpoints(url.host, url.port, names)


def test_all_vectors_are_here() -> None:
    assert len(URLS) == 106
    assert len(SCENARIOS) == 15


@pytest.mark.parametrize("base", [None, "http://example.com/a"])
@pytest.mark.parametrize("case", URLS, ids=lambda case: f"{case['id']} {case['url']!a}")
async def test_no_url_leads_to_a_private_address(case: Any, base: str | None) -> None:
    try:
        endpoints = await dialled(case["url"], Names(), base)
    except AragogError as error:
        assert isinstance(error, Refused | Unavailable)
        assert case["expected"] != "allow", error
    else:
        assert case["expected"] != "deny", endpoints
        assert all(verdict(endpoint.address).allowed for endpoint in endpoints)


ENCODED = [case for case in URLS if case["resolves_to"] and not case["url"].endswith(":22")]  # 22 is refused earlier


@pytest.mark.parametrize("case", ENCODED, ids=lambda case: case["id"])
async def test_what_encodes_a_private_address_is_denied_as_that_address(case: Any) -> None:
    with pytest.raises(AddressDenied) as denied:
        await dialled(case["url"], Names())
    written = denied.value.details["address"]
    assert Endpoint(written, 0) in {Endpoint(case["resolves_to"], 0), Endpoint(compressed(case["resolves_to"]), 0)}


def compressed(address: str) -> str:
    """As the WHATWG serialiser writes it."""
    return split(f"http://[{address}]/").host[1:-1] if ":" in address else address


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1/", "//127.0.0.1/", "\\\\127.0.0.1\\", "http:\\\\127.1", "//0x7f.1"]
)
async def test_a_redirect_to_loopback_is_denied_however_it_is_written(location: str) -> None:
    with pytest.raises(AddressDenied):
        await dialled(location, Names(), "http://example.com/")


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://h/", "ftp://h/", "data:,x"])
def test_a_redirect_to_another_scheme_is_refused(location: str) -> None:
    with pytest.raises(InvalidUrl, match="neither http nor https"):
        join("http://example.com/", location)


async def test_rebinding_between_check_and_connect_dials_what_was_checked() -> None:
    names = Names({"rebind.example": [(PUBLIC,), ("127.0.0.1",)]})
    assert await dialled("http://rebind.example/", names) == (Endpoint(PUBLIC, 80),)
    assert names.looked_up == ["rebind.example"]
    with pytest.raises(AddressDenied):  # the next connection resolves anew and is vetted anew
        await dialled("http://rebind.example/", names)


@pytest.mark.parametrize("answers", [("10.0.0.1", "8.8.8.8"), ("8.8.8.8", "10.0.0.1")])
async def test_a_mixed_answer_is_denied(answers: tuple[str, ...]) -> None:
    with pytest.raises(AddressDenied, match=r"10\.0\.0\.1"):
        await dialled("http://mixed.example/", Names({"mixed.example": [answers]}))


@pytest.mark.parametrize("address", ["169.254.169.254", "127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
async def test_a_public_name_for_an_internal_address_is_judged_by_the_address(address: str) -> None:
    with pytest.raises(AddressDenied):
        await dialled("http://public.example/", Names({"public.example": [(address,)]}))


async def test_an_address_of_our_own_is_denied_once_the_policy_names_it() -> None:
    policy = AddressPolicy.of(deny=[PUBLIC])
    with pytest.raises(AddressDenied, match="denied by policy"):
        await guarded_endpoints("self.example", 80, Names(), policy)


async def test_a_resolver_that_hangs_fails_within_its_budget() -> None:
    never = threading.Event()
    resolver = SystemResolver(SystemLookup(lambda host: (str(never.wait(10)),)), NameSettings(timeout_ms=20))
    try:
        with pytest.raises(DnsFailure, match="within 20 ms"):
            await guarded_endpoints("hang.example", 80, resolver)
    finally:
        never.set()


@pytest.mark.parametrize(
    "raw", ["http://h/a\r\nX: y", "http://h/a?\r\nX: y", "http://h/\x0d\x0aHost: i", "http://h\r\n/"]
)
def test_no_request_form_carries_a_line_break(raw: str) -> None:
    assert not set(split(raw).request_form) & set("\r\n ")
