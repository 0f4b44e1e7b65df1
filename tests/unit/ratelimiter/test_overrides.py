from __future__ import annotations

from dataclasses import replace

import pytest

from ratelimiter.overrides import Limit, Overrides, explain, limit_of_qps, parse
from thrift_idl.errors import BadConfiguration

DEFAULT = Limit(100.0)


def test_every_kind_of_override_is_read() -> None:
    limits = parse(
        """
        [domains."slow.com"]
        qps = 0.5
        note = "asked by mail"
        [domains."exact.co.uk"]
        min_interval_ms = 250
        [domains."never.org"]
        blocked = true
        [domains]
        "inline.net" = { qps = 20 }
        """,
        "limits.toml",
        DEFAULT,
    )
    found = limits.domains
    assert found["slow.com"] == Limit(2_000, 'domains."slow.com"', False, "asked by mail", line=2)
    assert found["exact.co.uk"].interval_ms == 250
    assert found["never.org"].blocked
    assert found["never.org"].interval_ms == DEFAULT.interval_ms
    assert found["inline.net"].interval_ms == 50
    assert [limit.line for limit in found.values()] == [2, 5, 7, 10]


TOML = """
[domains."slow.com"]
qps = 0.5
max_wait_ms = 0
expires = 2027-01-31
[hosts]
"img.example.org" = { min_interval_ms = 2500, note = "small machine" }
[wildcards."*.gov"]
blocked = true
expires = "2027-01-31T12:00:00+02:00"
"""
YAML = """
domains:
  slow.com:
    qps: 0.5
    max_wait_ms: 0
    expires: 2027-01-31
hosts: {img.example.org: {min_interval_ms: 2500, note: small machine}}
wildcards:
  "*.gov": {blocked: yes, expires: 2027-01-31 12:00:00+02:00}
"""


def test_toml_and_yaml_say_the_same() -> None:
    toml, yaml = parse(TOML, "a.toml", DEFAULT), parse(YAML, "a.yaml", DEFAULT)
    assert [replace(limit, line=0) for limit in toml.all()] == [replace(limit, line=0) for limit in yaml.all()]
    assert [limit.line for limit in toml.all()] == [2, 7, 8]
    assert [limit.line for limit in yaml.all()] == [3, 7, 9]
    expiries = (toml.domains["slow.com"].expires_ms, toml.wildcards["gov"].expires_ms)
    assert expiries == (1_801_353_600_000, 1_801_389_600_000)


LIMITS = parse(
    """
[domains."example.org"]
qps = 5
[hosts."img.example.org"]
qps = 1
[hosts."fast.example.org"]
qps = 20
[wildcards."*.example.org"]
qps = 2
[wildcards."*.example.net"]
qps = 4
[wildcards."*.slow.example.net"]
qps = 3
[wildcards."*.net"]
qps = 8
""",
    "limits.toml",
    DEFAULT,
)


@pytest.mark.parametrize(
    ("domain", "host", "qps", "host_qps"),
    [
        ("other.com", "www.other.com", 10, None),
        ("example.org", "example.org", 5, None),
        ("example.org", "img.example.org", 5, 1),
        ("example.org", "fast.example.org", 5, None),  # not below its domain's
        ("example.org", "www.example.org", 5, None),  # domain > wildcard
        ("example.net", "example.net", 8, None),  # *.example.net isn't example.net
        ("example.net", "www.example.net", 8, 4),
        ("example.net", "a.slow.example.net", 8, 3),
        ("example.net", "slow.example.net", 8, 4),
    ],
)
def test_host_is_before_domain_is_before_the_longest_wildcard_is_before_the_default(
    domain: str, host: str, qps: float, host_qps: float | None
) -> None:
    of_host = LIMITS.of_host(domain, host)
    assert 1_000 / LIMITS.of_domain(domain).interval_ms == qps
    assert (of_host and 1_000 / of_host.interval_ms) == (host_qps and pytest.approx(host_qps))


def test_the_rules_that_lost_say_why() -> None:
    found = explain(LIMITS, "example.net", "a.slow.example.net", 0)
    assert [(each.limit.name, each.budget, each.won, each.limit.line) for each in found] == [
        ('wildcards."*.net"', "domain", True, 14),
        ('wildcards."*.slow.example.net"', "host", True, 12),
        ('wildcards."*.example.net"', "host", False, 10),
        ("default", "domain", False, 0),
    ]
    assert found[2].why == 'wildcards."*.slow.example.net" is more specific'


def test_an_expired_rule_lost_for_that() -> None:
    limits = parse('[domains."a.com"]\nqps = 1\nexpires = 2020-01-01', "limits.toml", DEFAULT)
    lost = explain(limits, "a.com", "", 1.8e12)[1]
    assert (lost.limit.name, lost.why) == ('domains."a.com"', "expired")


def test_an_empty_file_overrides_nothing() -> None:
    assert parse("", "limits.toml", DEFAULT) == parse("", "limits.yml", DEFAULT) == Overrides(DEFAULT)


GOOD = '[domains."good.com"]\nqps = 1\n\n'


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('[domains."a.com"]\nqps = = 1', 5, "Invalid value"),
        ('[domains."a.com"]\nqps = 0', 5, "qps"),
        ('[domains."a.com"]\nqps = -1', 5, "qps"),
        ('[domains."a.com"]\nqps = nan', 5, "qps"),
        ('[domains."a.com"]\nqps = inf', 5, "qps"),
        ('[domains."a.com"]\nqps = true', 5, "qps"),
        ('[domains."a.com"]\nqps = "2"', 5, "qps"),
        ('[domains."a.com"]\nqps = 1001', 5, "qps"),
        ('[domains."a.com"]\n# qps\nmin_interval_ms = 0', 6, "min_interval_ms"),
        ('[domains."a.com"]\nqps = 1\nmin_interval_ms = 9', 6, "exclude"),
        ('[domains."a.com"]\nqps = 1\nblocked = 1', 6, "blocked must be a bool"),
        ('[domains."a.com"]\nnote = 1', 5, "note must be a str"),
        ('[domains."a.com"]\nqbs = 1', 5, 'unknown key "qbs"'),
        ('[domains."www.a.com"]\nqps = 1', 4, 'did you mean "a.com"?'),
        ('[domains."WWW.A.com."]\nqps = 1', 4, 'did you mean "a.com"?'),
        ('[domains."A.com"]\nqps = 1\n[domains."a.com."]\nqps = 2', 6, "what line 4 names, in another spelling"),
        ("[domains.b.com]\nqps = 1", 4, 'in quotes: [domains."b.com"]'),
        ('[domains]\n"a.com" = 5', 5, "must be a table"),
        ("[limits]\nqps = 5", 4, 'unknown key "limits"'),
        ('[domains."a.com"]\nmax_wait_ms = 1001', 5, "max_wait_ms"),
        ('[domains."a.com"]\nexpires = "soon"', 5, "expires must be a date"),
        ('[domains."a.com"]\nexpires = 12', 5, "expires must be a date"),
        ('[hosts."A.b.com"]\nqps = 1\n[hosts."a.b.com"]\nqps = 1', 6, "what line 4 names, in another spelling"),
        ('[hosts."a.b.com:80"]\nqps = 1', 4, "no host name"),
        ('[hosts."a b"]\nqps = 1', 4, "no host name"),
        ('[wildcards."example.org"]\nqps = 1', 4, "no wildcard"),
        ('[wildcards."*"]\nqps = 1', 4, "ratelimiter.qps"),
        ('[wildcards."*.*.org"]\nqps = 1', 4, "no wildcard"),
        ('[wildcards."*.Org"]\nqps = 1\n[wildcards."*.org."]\nqps = 1', 6, "what line 4 names, in another spelling"),
        ('[wildcards."*.a b"]\nqps = 1', 4, "no name"),
    ],
)
def test_a_bad_file_is_refused_with_line_and_reason(text: str, line: int, reason: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        parse(GOOD + text, "limits.toml", DEFAULT)
    assert "limits.toml" in refused.value.message
    assert f"line {line}" in refused.value.message
    assert reason in refused.value.message


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("domains:\n  a.com: {qps: 1, qps: 2}", 2, "twice"),
        ("domains:\n  a.com: {qps: one}", 2, "qps"),
        ("domains:\n  a.com: {qps: .nan}", 2, "qps"),
        ("domains:\n  a.com: [1]", 2, "a list isn't expected"),
        ("domains:\n  a.com: &a {qps: 1}\n  b.com: *a", 2, "anchors"),
        ("domains:\n a.com:\n   qps: 1\n  b.com: 2", 4, "."),
        ("domains:\n  a.com: {qps: 1}\nhosts: {X.y: {qps: 1}, x.y.: {qps: 1}}", 3, "x.y"),
        ("- a", 1, "list"),
    ],
)
def test_a_bad_yaml_file_is_refused_with_line_and_reason(text: str, line: int, reason: str) -> None:
    with pytest.raises(BadConfiguration, match=reason) as refused:
        parse(text, "limits.yaml", DEFAULT)
    assert f"limits.yaml: line {line}:" in refused.value.message


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "{a: " * 100_000, "- " * 10_000, "!!python/object:os.system x", "\0", "a: &x {}", "? {a: b}\n: c"],
)
def test_hostile_yaml_is_refused(text: str) -> None:
    with pytest.raises(BadConfiguration):
        parse(text, "limits.yaml", DEFAULT)


@pytest.mark.parametrize("qps", [0, -1, float("nan"), float("inf"), 1_001, True])
def test_a_default_that_makes_no_sense_is_refused(qps: float) -> None:
    with pytest.raises(BadConfiguration, match="qps of default"):
        limit_of_qps(qps)
