"""Memory of compiled rules, and the order in which they are forgotten."""

from __future__ import annotations

import tracemalloc

import pytest

from fetcher.robots.cache import LARGE, Compiled, CompiledRules, RobotsCopy
from fetcher.robots.rules import RobotsRules


def file_of(count: int, rule: str = "Disallow: /path{i}/sub/") -> bytes:
    return "\n".join(["User-agent: *", *(rule.format(i=i) for i in range(count))]).encode()


def compiled(origin: str, content: bytes) -> Compiled:
    return Compiled(RobotsCopy(origin, content), RobotsRules(content, "Aragog"))


@pytest.mark.parametrize(
    "rule",
    [
        "Disallow: /path{i}/",
        "Allow: /p{i}$",
        "Disallow: /p{i}/*/x",
        "Disallow: /a/long/way/down/{i}/*.pdf$",
        "Allow: /{i}/index.html",
    ],
)
def test_the_cost_of_rules_is_what_they_take_give_or_take_a_third(rule) -> None:
    content = file_of(200, rule)
    RobotsRules(content, "Aragog").verdict("/x")
    tracemalloc.start()
    kept = [RobotsRules(content, "Aragog") for _ in range(5)]
    for rules in kept:
        rules.verdict("/x")
    taken = tracemalloc.get_traced_memory()[0] / len(kept)
    tracemalloc.stop()
    assert 0.67 < kept[0].cost / taken < 1.5


def test_a_file_of_the_usual_size_takes_less_than_64_kib() -> None:
    assert compiled("http://a.test", file_of(60)).cost < LARGE


def test_the_longest_unused_gives_way() -> None:
    one = compiled("http://0.test", file_of(20))
    kept = CompiledRules(10 * one.cost * 8 // 7)
    for number in range(10):
        kept.keep(compiled(f"http://{number}.test", file_of(20)))
    assert kept.get("http://0.test")
    kept.keep(compiled("http://10.test", file_of(20)))
    assert kept.get("http://1.test") is None and kept.get("http://0.test") and kept.get("http://10.test")


def test_large_files_push_out_each_other_and_nobody_else() -> None:
    kept = CompiledRules(16 * LARGE)
    kept.keep(compiled("http://small.test", file_of(5)))
    for number in range(20):
        kept.keep(compiled(f"http://large{number}.test", file_of(400)))
    assert kept.get("http://small.test") and kept.get("http://large19.test")
    assert kept.get("http://large0.test") is None and kept.bytes <= 16 * LARGE // 8 + LARGE


def test_an_origin_whose_file_changed_is_kept_once() -> None:
    kept = CompiledRules(64 * LARGE)
    for count in (5, 400, 5):
        kept.keep(last := compiled("http://a.test", file_of(count)))
    assert kept.bytes == last.cost and kept.get("http://a.test") is last
