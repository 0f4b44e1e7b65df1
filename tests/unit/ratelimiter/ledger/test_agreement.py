from __future__ import annotations

from collections.abc import Sequence

import pytest

from ratelimiter.ledger.accesslog import Reading, SiteAccess, accesses, read_access
from ratelimiter.ledger.agreement import Agreement, Comparison
from ratelimiter.ledger.reading import Granted
from tests.support.ledger_records import WALL_MS, granted

SECOND_MS = 1795318705000.0
COMBINED = (
    '192.0.2.1 - - [22/Nov/2026:03:38:25 {zone}] "GET /a HTTP/1.1" 200 512 "-" "Aragog/0.1 (+mailto:a@b.c)"{more}'
)


def at(time: str) -> str:
    return COMBINED.replace("22/Nov/2026:03:38:25 {zone}", time).format(more="")


def request(t_ms: float, host: str = "a.com", exact: bool = True) -> SiteAccess:
    return SiteAccess(WALL_MS + t_ms, host, "Aragog/0.1", exact)


def compared(grants: Sequence[Granted], requests: Sequence[SiteAccess], ends: Sequence[float] = ()) -> Agreement:
    return Comparison(ends).of(grants, requests, lambda _: None)


def test_each_request_shortly_after_its_slot_has_its_grant() -> None:
    found = compared([granted(100.0 * n, wait_ms=50) for n in range(50)], [request(100.0 * n + 7) for n in range(50)])
    assert (found.paired, found.ungranted, found.unused, found.holds) == (50, 0, 0, True)


def test_a_request_without_a_grant_is_told_with_its_time() -> None:
    grants = [granted(1_000.0 * n) for n in range(10)]
    found = compared(grants, [request(1_000.0 * n) for n in range(10)] + [request(9_001)])
    assert (found.holds, found.ungranted) == (False, 1)
    assert found.ungranted_examples == [("a.com", WALL_MS + 9_001)]


def test_a_request_before_its_slot_has_none() -> None:
    found = compared([granted(0), granted(1_000, wait_ms=1_000)], [request(0), request(900)])
    assert (found.paired, found.ungranted, found.unused) == (1, 1, 1)


def test_a_request_long_after_its_slot_has_none() -> None:
    found = compared([granted(0), granted(9_000, "b.com")], [request(6_000)])
    assert (found.paired, found.ungranted, found.unused) == (0, 1, 2)


def test_a_grant_without_a_request_breaks_nothing() -> None:
    found = compared([granted(100.0 * n) for n in range(10)], [request(0)])
    assert (found.paired, found.unused, found.holds) == (1, 9, True)


def test_a_grant_of_another_host_is_no_grant() -> None:
    found = compared([granted(0, host="www.a.com")], [request(0, "img.a.com")])
    assert found.ungranted == 1


def test_spellings_of_a_host_are_one_host() -> None:
    said = [
        f'{{"t_ms": {WALL_MS + 1_000 * n}, "host": "{host}"}}' for n, host in enumerate(["A.com.", "a.com:80", "a.com"])
    ]
    requests = [read_access(line.encode()) for line in said]
    found = compared([granted(1_000.0 * n) for n in range(3)], [each for each in requests if each])
    assert (found.paired, found.ungranted) == (3, 0)


def test_requests_just_after_a_ledger_that_wasnt_closed_have_no_grant_either_and_are_told_apart() -> None:
    grants = [granted(0), granted(90_000)]
    found = compared(grants, [request(0), request(300), request(60_000), request(90_000)], ends=[WALL_MS])
    assert (found.paired, found.ungranted, found.in_tail, found.holds) == (2, 2, 1, False)


def test_requests_that_the_ledger_cant_speak_of_are_outside_of_it() -> None:
    found = compared([granted(50_000)], [request(0), request(50_000), request(70_000)])
    assert (found.outside, found.paired, found.holds) == (2, 1, True)


def test_a_second_too_full_as_it_arrived_is_found_though_each_request_had_its_grant() -> None:
    grants = [granted(100.0 * n) for n in range(30)]
    found = compared(grants, [request(2_900.0 + n) for n in range(30)])
    assert (found.ungranted, found.crowded > 10, found.holds) == (0, True, False)
    fullness, domain, _, requests, most = found.worst
    assert (round(fullness, 1), domain, requests, most) == (2.6, "a.com", 30, 11.5)


def test_times_to_the_second_pair_loosely_and_arent_judged_by_windows() -> None:
    grants = [granted(100.0 * n) for n in range(30)]
    found = compared(grants, [request(1_000.0 * (n // 10), exact=False) for n in range(30)])
    assert (found.paired, found.crowded, found.holds) == (30, 0, True)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (COMBINED.format(zone="+0000", more=""), (SECOND_MS, "", False)),
        (COMBINED.format(zone="+0100", more=""), (SECOND_MS - 3_600_000, "", False)),
        (COMBINED.format(zone="+0000", more=" 1795318705.123"), (SECOND_MS + 123, "", True)),
        (COMBINED.format(zone="+0000", more=' "-" 0.004 1795318705.123'), (SECOND_MS + 123, "", True)),
        ("www.a.com:443 " + COMBINED.format(zone="+0000", more=""), (SECOND_MS, "www.a.com", False)),
        (at("1795318705.25"), (SECOND_MS + 250, "", True)),
        (at("2026-11-22T03:38:25+00:00"), (SECOND_MS, "", False)),
        (
            '{"t_ms": 1795318705123.5, "host": "A.com:8080", "user_agent": "Aragog/0.1"}',
            (SECOND_MS + 123.5, "a.com", True),
        ),
        ('{"msec": "1795318705.123", "host": "a.com", "http_user_agent": "Aragog"}', (SECOND_MS + 123, "a.com", True)),
    ],
)
def test_every_format_is_read(line: str, expected: tuple[float, str, bool]) -> None:
    found = read_access(line.encode() + b"\n")
    assert found is not None
    assert (found.t_ms, found.host, found.exact) == (pytest.approx(expected[0]), *expected[1:])  # type: ignore[comparison-overlap]  # a test's business
    assert found.agent.startswith("Aragog")


@pytest.mark.parametrize(
    "line", [b"", b"rubbish", b"{}", b"{", b"[1]", b"\xff" * 100, b'a b c [x] "" 200 1 "" ""', b"x" * 70_000]
)
def test_what_is_no_log_line_is_none(line: bytes) -> None:
    assert read_access(line) is None


def test_our_requests_are_told_in_order_of_time_and_others_are_counted() -> None:
    lines = [
        b'{"t_ms": %d, "host": "a.com", "user_agent": "%s"}\n' % pair
        for pair in [(3, b"ARAGOG"), (1, b"x Aragog y"), (2, b"Other")]
    ]
    reading = Reading()
    assert [each.t_ms for each in accesses([*lines, b"?\n", b"\n"], "aragog", "", reading)] == [1, 3]
    assert (reading.lines, reading.requests, reading.others, reading.unreadable) == (5, 2, 1, 1)
