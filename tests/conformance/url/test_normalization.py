"""`normalize` against crawler-commons' normaliser, deviations by kind; idempotence on every input of all URL files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.conformance import vectors
from tests.support.examples import examples
from thrift_idl.errors import InvalidUrl
from weburl import normalize

COMMONS: list[Any] = [
    case
    for case in json.loads(vectors("url/crawler_commons_normalizer.json").read_text())["cases"]
    if case["config"].startswith("default")
]

# kind -> (why, {case id: what we answer})
DEVIATIONS: dict[str, tuple[str, dict[str, str | None]]] = {
    "collapsed slashes": (
        "empty path segments are segments (RFC 3986 3.3): a server may serve another page there",
        {
            "ccn-056": "http://foo.com//aa/bb/foo.html",
            "ccn-057": "http://foo.com/aa//bb/foo.html",
            "ccn-058": "http://foo.com/aa/bb//foo.html",
            "ccn-059": "http://foo.com//aa//bb//foo.html",
            "ccn-060": "http://foo.com////aa////bb//foo.html",
            "ccn-061": "http://foo.com////aa////bb////foo.html",
        },
    ),
    "other schemes": (
        "only http and https have keys",
        dict.fromkeys(("ccn-064", "ccn-065", "ccn-087", "ccn-088", "ccn-090", "ccn-091")),
    ),
    "no host, no scheme": (
        "WHATWG: a special URL without a host, and a relative reference without a base, are failures",
        dict.fromkeys(("ccn-066", "ccn-067", "ccn-086")),
    ),
    "dropped empty values": (
        "`b=` and `b` are different bytes to a server; so is a value without a name",
        {
            "ccn-099": "http://foo.com/index?a=1&b=",
            "ccn-102": "http://foo.com/index?a=1&b=",
            "ccn-105": "http://foo.com/index?=1&a=1",
            "ccn-106": "http://foo.com/index?=1&a=1&b=1",
        },
    ),
    "IPv6 serialisation": (
        "WHATWG's serialiser knows no dotted tail; RFC 5952 5 makes it optional here",
        {"ccn-131": "http://[::ffff:7f00:1]/"},
    ),
}
OURS = {case: answer for _, answers in DEVIATIONS.values() for case, answer in answers.items()}


def normalized(url: str, base: str | None = None) -> str | None:
    try:
        return normalize(url, base)
    except InvalidUrl:
        return None


def all_inputs() -> list[str]:
    commons = json.loads(vectors("url/crawler_commons_normalizer.json").read_text())["cases"]
    wpt = [c for c in json.loads(vectors("url/wpt_urltestdata.json").read_text()) if isinstance(c, dict)]
    hosts = [c for c in json.loads(vectors("url/wpt_toascii.json").read_text()) if isinstance(c, dict)]
    rfc = json.loads(vectors("url/rfc3986_5_4.json").read_text())["cases"]
    ssrf = json.loads(vectors("ssrf/url_vectors.json").read_text())["cases"]
    inputs = [case["input"] for case in [*wpt, *commons]] + [case["href"] for case in wpt if "href" in case]
    inputs += [f"http://{case['input']}/" for case in hosts] + [f"https://h/{case['ref']}" for case in rfc]
    return inputs + [case["expected"] for case in rfc] + [case["url"] for case in ssrf]


def inputs_on_bases() -> list[tuple[str, str]]:
    wpt = [c for c in json.loads(vectors("url/wpt_urltestdata.json").read_text()) if isinstance(c, dict)]
    rfc = json.loads(vectors("url/rfc3986_5_4.json").read_text())["cases"]
    based = [(case["input"], case["base"]) for case in wpt if case["base"]]
    return based + [(case["ref"], case["base"]) for case in rfc]


def test_at_least_115_of_the_136_default_cases_agree() -> None:
    assert len(COMMONS) == 136
    assert sum(normalized(case["input"]) == case["expected"] for case in COMMONS) >= 115


@pytest.mark.parametrize("case", COMMONS, ids=lambda case: case["id"])
def test_a_url_normalizes_as_crawler_commons_does_or_as_argued_above(case: Any) -> None:
    assert normalized(case["input"]) == OURS.get(case["id"], case["expected"])


def test_every_listed_deviation_still_deviates() -> None:
    agreeing = [c["id"] for c in COMMONS if c["id"] in OURS and normalized(c["input"]) == c["expected"]]
    assert agreeing == []


def test_normalizing_twice_changes_nothing_on_any_input_of_the_url_files() -> None:
    once = {url: normalized(url) for url in all_inputs()}
    assert sum(form is not None for form in once.values()) > 400
    assert [url for url, form in once.items() if form is not None and normalized(form) != form] == []
    based = [(url, normalized(url, base)) for url, base in inputs_on_bases()]
    assert sum(form is not None for _, form in based) > 100
    assert [url for url, form in based if form is not None and normalized(form) != form] == []


INPUTS = st.sampled_from(sorted({*all_inputs(), *(url for url, _ in inputs_on_bases())}))


@st.composite
def spliced(draw: st.DrawFn) -> str:
    """The beginning of one input, the end of another, and perhaps something between."""
    first, second = draw(INPUTS), draw(INPUTS)
    pieces = st.sampled_from(["", "%", "%2e", "%zz", "?", "&", "//", "..", "\\", "@", "[", "\ud800"])
    middle = draw(pieces | st.text(max_size=3))
    spliced = first[: draw(st.integers(0, len(first)))] + middle + second[draw(st.integers(0, len(second))) :]
    return draw(st.sampled_from(["", "http://", "http://h/", "https://h/?"])) + spliced


@given(spliced(), st.none() | INPUTS)
@settings(max_examples=examples(200, 1_000))
def test_normalizing_twice_changes_nothing_on_pieces_of_the_inputs_put_together(url: str, base: str | None) -> None:
    form = normalized(url, base)
    assume(form is not None)
    assert normalized(str(form)) == form
