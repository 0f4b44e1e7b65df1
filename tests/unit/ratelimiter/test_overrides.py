from __future__ import annotations

import pytest

from ratelimiter.overrides import Limit, limit_of_qps, parse
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
    assert limits["slow.com"] == Limit(2_000, 'domains."slow.com"', False, "asked by mail")
    assert limits["exact.co.uk"].interval_ms == 250
    assert limits["never.org"].blocked
    assert limits["never.org"].interval_ms == DEFAULT.interval_ms
    assert limits["inline.net"].interval_ms == 50


def test_an_empty_file_overrides_nothing() -> None:
    assert parse("", "limits.toml", DEFAULT) == {}


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
        ('[domains."A.com"]\nqps = 1', 4, 'did you mean "a.com"?'),
        ("[domains.a.com]\nqps = 1", 4, 'in quotes: [domains."a.com"]'),
        ('[domains]\n"a.com" = 5', 5, "must be a table"),
        ("[limits]\nqps = 5", 4, 'unknown key "limits"'),
    ],
)
def test_a_bad_file_is_refused_with_line_and_reason(text: str, line: int, reason: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        parse(GOOD + text, "limits.toml", DEFAULT)
    assert "limits.toml" in refused.value.message
    assert f"line {line}" in refused.value.message
    assert reason in refused.value.message


@pytest.mark.parametrize("qps", [0, -1, float("nan"), float("inf"), 1_001, True])
def test_a_default_that_makes_no_sense_is_refused(qps: float) -> None:
    with pytest.raises(BadConfiguration, match="qps of default"):
        limit_of_qps(qps)
