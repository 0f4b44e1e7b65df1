"""Costs of the worst robots.txt: steps are counted, and past the bound everything is denied, and flagged."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count

import pytest

from fetcher.robots.rules import MOST_RULES, MOST_STEPS, MOST_WILDCARDS, QUICK_STEPS, RobotsRules, StepCount
from fetcher.settings import RobotsSettings
from weburl import MAX_LENGTH

MOST = RobotsSettings().max_bytes


def filled(line: Callable[[int], str], head: str = "User-agent: *\n") -> bytes:
    """As many lines as are read of a file."""
    content = bytearray(head.encode())
    for number in count():
        if len(content) >= MOST:
            return bytes(content[:MOST])
        content += line(number).encode() + b"\n"
    raise AssertionError


HOSTILE: dict[str, bytes] = {
    "wildcards, each rule another": filled(lambda n: f"Disallow: /*{n:x}q"),
    "wildcards that all may match": filled(lambda n: f"Disallow: /*{n:x}*abab"),
    "wildcards that match but for the end": filled(lambda n: f"Disallow: /*abab*{n:x}*abab$"),
    "wildcards at both ends": filled(lambda n: f"Disallow: *a*{n:x}*"),
    "one octet between wildcards": filled(lambda n: f"Disallow: /*{n % 10}*a*b*a*b$"),
    "long parts that nearly match": filled(lambda n: f"Disallow: /*{'a' * 50}b{'a' * 48}*{n:x}"),
    "longer parts that nearly match": filled(lambda n: f"Disallow: /*{'ab' * 300}c{'ab' * 300}*{n:x}"),
    "parts of 90 octets that nearly match": filled(lambda n: f"Disallow: /*{'a' * 45}b{'a' * 44}*{n:x}*aaaa"),
    "a rule of wildcards": filled(lambda n: "Disallow: /" + "*a" * 8_000 + "$"),
    "rules of a hundred wildcards": filled(lambda n: "Disallow: /" + "*a" * 99 + f"*{n:x}")[: MOST // 3],
    "runs of wildcards": filled(lambda n: "Disallow: /" + "*" * 16_000 + "a"),
    "few runs of wildcards": filled(lambda n: "Disallow: /" + "*" * 16_000 + "a")[:90_000],
    "dollars within": filled(lambda n: f"Disallow: /$*a$b*{n:x}$*"),
    "quotes, which have two readings": filled(lambda n: f"Allow: /*'*{n}"),
    "beginnings": filled(lambda n: f"Disallow: /{n}/x"),
    "beginnings of all lengths": filled(lambda n: "Disallow: /" + "ab" * (n // 2) + "a" * (n % 2)),
    "index pages": filled(lambda n: f"Allow: /{n}/index.html"),
    "the shortest rules": filled(lambda n: "Allow:x"),
    "agents": filled(lambda n: f"User-agent: a{n}"),
    "our agent": filled(lambda n: "User-agent: *"),
    "groups": filled(lambda n: f"User-agent: *\nDisallow: /{n}"),
    "groups of others": filled(lambda n: f"User-agent: x{n}\nDisallow: /{n}"),
    "sitemaps": filled(lambda n: f"Sitemap: {n}"),
    "escapes": filled(lambda n: "Disallow: /" + "%41" * 5_000),
    "stray percent signs": filled(lambda n: "Disallow: /" + "%" * 16_000),
    "other alphabets": filled(lambda n: "Disallow: /" + "é" * 8_000),
    "no lines": b"\n" * MOST,
    "line ends of a Macintosh": b"\r" * MOST,
    "one line": b"Disallow: /" + b"a" * MOST,
    "colons": b":\n" * (MOST // 2),
}
PATHS = {
    "short": "/a/b.html",
    "halves": "/" + "ab" * 4_000,
    "one letter": "/" + "a" * 8_000,
    "one letter, shorter": "/" + "a" * 2_399,
    "escapes": "/" + "%41" * 2_600,
    "quotes": "/?" + "%27" * 2_600,
    "numbers": "/" + "0123456789abcdefq" * 480,
}


@pytest.fixture(scope="module")
def compiled() -> dict[str, RobotsRules]:
    return {name: RobotsRules(content, "Aragog") for name, content in HOSTILE.items()}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_verdict_takes_more_than_its_steps_and_what_would_is_denied(
    compiled: dict[str, RobotsRules], name: str
) -> None:
    for path in PATHS.values():
        assert len(path) < MAX_LENGTH
        steps = StepCount()
        found = compiled[name].verdict(path, steps)
        # A search is counted when it has ended.
        assert steps.taken <= MOST_STEPS + 100 * MAX_LENGTH
        assert found.flag in ("", "too_many_rules", "too_many_wildcards", "too_many_steps")
        assert not (found.flag and (found.allowed or found.line or found.rule))
        assert (found.flag == "too_many_steps") == (steps.taken > MOST_STEPS)


def test_each_bound_is_met_by_some_file(compiled: dict[str, RobotsRules]) -> None:
    flags = {name: {rules.verdict(path).flag for path in PATHS.values()} for name, rules in compiled.items()}
    assert flags["the shortest rules"] == {"too_many_rules"}
    assert flags["a rule of wildcards"] == flags["runs of wildcards"] == {"too_many_wildcards"}
    assert "too_many_steps" in flags["wildcards that all may match"]
    assert "too_many_steps" in flags["long parts that nearly match"]
    assert flags["few runs of wildcards"] == {""}


def test_beginnings_cost_nothing_however_many_they_are(compiled: dict[str, RobotsRules]) -> None:
    for name in ("beginnings", "beginnings of all lengths", "index pages", "groups", "escapes", "other alphabets"):
        for path in PATHS.values():
            steps = StepCount(0)
            assert not compiled[name].verdict(path, steps).flag and steps.taken == 0
    assert compiled["beginnings"].verdict("/20000/x/y").line == 20_002


def test_wildcards_that_cannot_match_cost_nothing(compiled: dict[str, RobotsRules]) -> None:
    steps = StepCount()
    assert compiled["wildcards, each rule another"].verdict("/shop/roses?page=2&sort=price", steps).allowed
    assert steps.taken == 0
    steps = StepCount()
    assert compiled["wildcards, each rule another"].verdict("/shop/6fa2q", steps).line
    assert steps.taken < 5_000


def test_a_large_file_as_people_write_them_is_decided_at_once() -> None:
    """Thousands of wildcards of the usual kinds, and the URLs that they are about."""
    languages = [f"{a}{b}" for a in "abcdefghijklmno" for b in "abcdefghijklmnopqrst"]
    lines = [
        *(f"Disallow: /{language}/*/checkout" for language in languages),
        *(f"Disallow: /*?*filter{n}=" for n in range(3_000)),
        *(f"Disallow: /*&utm_{n}=*" for n in range(3_000)),
        *(f"Disallow: /*/print-{n}.html$" for n in range(3_000)),
        *(f"Disallow: /catalogue/item-{n}/" for n in range(6_000)),
    ]
    rules = RobotsRules("\n".join(["User-agent: *", *lines]).encode(), "Aragog")
    query = "&".join(f"filter{n}=red&word=garden+chair+{n}" for n in range(60))
    for path in ("/cc/cart/checkout?step=1", "/x/print-2999.html", f"/ee/list?{query}", "/catalogue/item-77/a", "/"):
        steps = StepCount()
        assert not rules.verdict(path, steps).flag
        assert steps.taken < QUICK_STEPS


@pytest.mark.parametrize("most", [MOST_RULES, MOST_RULES + 1])
def test_as_many_rules_as_the_bound_says_are_kept(most: int) -> None:
    content = b"User-agent: *\n" + b"Allow:/\n" * (most - 1) + b"Disallow:/x\n"
    assert RobotsRules(content, "Aragog").verdict("/x").flag == ("" if most == MOST_RULES else "too_many_rules")


@pytest.mark.parametrize("most", [MOST_WILDCARDS, MOST_WILDCARDS + 1])
def test_as_many_wildcards_as_the_bound_says_are_kept(most: int) -> None:
    whole, rest = divmod(most, 16_000)
    content = b"User-agent: *\n" + (b"Allow: /" + b"*" * 16_000 + b"\n") * whole + b"Disallow: /" + b"*" * rest
    assert RobotsRules(content, "Aragog").verdict("/x").flag == ("" if most == MOST_WILDCARDS else "too_many_wildcards")


def test_rules_for_others_are_not_counted() -> None:
    content = b"User-agent: other\n" + b"Allow:x\n" * 50_000 + b"User-agent: *\nDisallow: /y"
    found = RobotsRules(content, "Aragog").verdict("/y")
    assert (found.allowed, found.flag, found.line) == (False, "", 50_003)


def test_robots_txt_itself_is_allowed_whatever_the_file_holds(compiled: dict[str, RobotsRules]) -> None:
    assert compiled["the shortest rules"].verdict("/robots.txt").allowed


@pytest.mark.torture
@pytest.mark.parametrize("name", HOSTILE)
def test_a_verdict_takes_less_than_50_ms_of_cpu(compiled: dict[str, RobotsRules], name: str) -> None:
    worst_ms = max(cpu_ms(lambda path=path: compiled[name].verdict(path)) for path in PATHS.values())  # type: ignore[misc]  # a lambda with a default, or a tuple
    print(f"{worst_ms:.1f} ms")
    assert worst_ms < 50


@pytest.mark.torture
@pytest.mark.parametrize("name", HOSTILE)
def test_what_decides_on_the_event_loop_takes_less_than_50_ms_of_cpu(
    compiled: dict[str, RobotsRules], name: str
) -> None:
    took = [cpu_ms(lambda path=path: compiled[name].verdict(path, StepCount(QUICK_STEPS))) for path in PATHS.values()]  # type: ignore[misc]  # a lambda with a default, or a tuple
    assert max(took) < 50


def cpu_ms(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return (time.process_time() - began) * 1_000
