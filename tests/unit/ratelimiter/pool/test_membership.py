from __future__ import annotations

import pytest

from ratelimiter.pool.membership import SKEW_MS, LimiterShard, parse_membership
from thrift_idl.errors import BadConfiguration

GOOD = """version = 3
[[shards]]
name = "a"
address = "127.0.0.1:9102"
[[shards]]
name = "b"
address = "[::1]:9102"
"""


def test_a_membership_names_its_shards_and_has_a_skew_by_default() -> None:
    membership = parse_membership(GOOD, "m.toml")
    assert (membership.version, membership.skew_ms) == (3, SKEW_MS)
    assert membership.shards == (LimiterShard("a", "127.0.0.1:9102"), LimiterShard("b", "[::1]:9102"))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("", "version"),
        ("version = 1", "shards"),
        ("version = 1\nshards = []", "shards must be 1 to 1000 tables"),
        ("version = 1\nshards = 1", "shards must be 1 to 1000 tables"),
        ('version = "3"' + GOOD[11:], "version must be a whole number from 1 to 9007199254740992, not '3'"),
        (GOOD.replace('"a"', "7"), "shard 1: name must be lower-case letters, digits, . _ or -, not 7"),
        (GOOD.replace('name = "a"\n', ""), "shard 1: a shard has a name and an address, nothing else"),
        (GOOD.replace("version = 3", "version = 0"), "version"),
        (GOOD.replace("version = 3", "version = true"), "version"),
        (GOOD.replace("version = 3", "version = 3\nskew_ms = 1"), "skew_ms"),
        (GOOD.replace("version = 3", "version = 3\nskew = 1"), '"skew"'),
        (GOOD.replace('"b"', '"a"'), "same name"),
        (GOOD.replace("[::1]", "127.0.0.1"), "same address"),
        (GOOD.replace('name = "a"', 'name = "A b"'), "shard 1: name"),
        (GOOD.replace("127.0.0.1:9102", "127.0.0.1"), "shard 1: address"),
        (GOOD.replace("127.0.0.1:9102", "127.0.0.1:99999"), "shard 1: address"),
        (GOOD + "weight = 2\n", "shard 2"),
        (GOOD[:-10], "m.toml"),
    ],
)
def test_a_bad_membership_is_refused_with_its_file_and_the_reason(bad: str, reason: str) -> None:
    with pytest.raises(BadConfiguration, match=r"m\.toml") as error:
        parse_membership(bad, "m.toml")
    assert reason in error.value.message
