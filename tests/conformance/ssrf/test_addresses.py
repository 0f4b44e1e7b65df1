"""The default policy (public web only) on classified addresses, and the ports that no request goes to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fetcher.addresses import port_verdict, verdict
from tests.conformance import vectors

ADDRESSES: list[Any] = json.loads(vectors("ssrf/ip_vectors.json").read_text())["cases"]
BAD_PORTS: list[int] = json.loads(vectors("ssrf/bad_ports.json").read_text())["blocked_ports"]


def test_all_277_addresses_and_83_ports_are_here() -> None:
    assert len(ADDRESSES) == 277
    assert len(BAD_PORTS) == 83


@pytest.mark.parametrize("case", ADDRESSES, ids=lambda case: f"{case['id']} {case['ip']}")
def test_an_address_is_judged_as_classified(case: Any) -> None:
    answer = verdict(case["ip"])
    assert ("allow" if answer.allowed else "deny") == case["expected"], (case["why"], answer.reason)


def test_exactly_the_listed_ports_are_refused() -> None:
    assert [port for port in range(65536) if not port_verdict(port).allowed] == BAD_PORTS
