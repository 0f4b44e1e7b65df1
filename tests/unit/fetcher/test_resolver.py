from __future__ import annotations

import pytest

from fetcher.addresses import AddressPolicy
from fetcher.resolver import Endpoint, MappedResolver, guarded_endpoints, parse_connect_to
from thrift_idl.errors import AddressDenied, BadConfiguration, DnsFailure

PUBLIC = Endpoint("93.184.216.34", 80)


class Answers:
    """A resolver that gives a name's listed answers one after another, the last one for ever."""

    def __init__(self, answers: dict[str, list[tuple[str, ...]]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> tuple[Endpoint, ...]:
        self.asked.append(host)
        remaining = self.answers.get(host, [()])
        addresses = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        return tuple(Endpoint(address, port) for address in addresses)


async def test_a_public_host_yields_all_its_addresses_in_order() -> None:
    resolver = Answers({"a.example": [("2606:2800:220:1::1", "93.184.216.34")]})
    endpoints = await guarded_endpoints("a.example", 443, resolver)
    assert endpoints == (Endpoint("2606:2800:220:1::1", 443), Endpoint("93.184.216.34", 443))


async def test_one_private_answer_among_public_ones_denies_the_host() -> None:
    resolver = Answers({"a.example": [("93.184.216.34", "10.0.0.1")]})
    with pytest.raises(AddressDenied) as denied:
        await guarded_endpoints("a.example", 80, resolver)
    assert denied.value.details["address"] == "10.0.0.1"
    assert "private" in denied.value.details["reason"]
    assert denied.value.details["host"] == "a.example"


async def test_a_bad_port_is_denied_before_anything_is_resolved() -> None:
    resolver = Answers({"a.example": [("93.184.216.34",)]})
    with pytest.raises(AddressDenied, match="port 25"):
        await guarded_endpoints("a.example", 25, resolver)
    assert resolver.asked == []


async def test_an_empty_answer_is_a_dns_failure() -> None:
    with pytest.raises(DnsFailure, match=r"gone\.example"):
        await guarded_endpoints("gone.example", 80, Answers({}))


async def test_a_mapped_host_is_dialled_at_its_endpoint_if_the_policy_allows_its_name() -> None:
    mapped = MappedResolver(parse_connect_to({"*.test": "127.0.0.1:8765"}), Answers({}))
    policy = AddressPolicy.of(["*.test"])
    assert await guarded_endpoints("garden.test", 80, mapped, policy) == (Endpoint("127.0.0.1", 8765),)
    with pytest.raises(AddressDenied):
        await guarded_endpoints("garden.test", 80, mapped)


async def test_an_unmapped_host_goes_to_the_inner_resolver() -> None:
    mapped = MappedResolver({"*.test": Endpoint("127.0.0.1", 8765)}, Answers({"a.example": [("93.184.216.34",)]}))
    assert await mapped.resolve("a.example", 80) == (PUBLIC,)


def test_connect_to_takes_ipv6_in_brackets() -> None:
    assert parse_connect_to({"*.Test": "[::1]:81"}) == {"*.test": Endpoint("::1", 81)}


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "localhost:80", "127.0.0.1:0", "127.0.0.1:65536", ":80", "", "1.2.3.4:x"]
)
def test_a_bad_mapping_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(BadConfiguration, match=r"\*\.test"):
        parse_connect_to({"*.test": text})
