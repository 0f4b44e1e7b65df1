"""Verdicts against RFC 9309 2.2.2 and 2.2.3 put down plainly, and against protego where it measures alike."""

from __future__ import annotations

import re
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st
from protego import Protego

from fetcher.robots.rules import RobotsRules
from tests.support.examples import examples

MANY = examples(400, 60_000)
UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
ALLOWED_IN_URLS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]")


class Rule(NamedTuple):
    kind: str
    value: str


# --- the plain reference: each rule compared with each path, by regular expressions ---


def reference(rules: list[Rule], target: str) -> tuple[bool, int]:
    """True if `target` is allowed, and the number of the deciding line; 0 = none."""
    path = "".join(tokens(target))
    found = []
    for number, (kind, value) in enumerate(rules, 2):
        meant = [value]
        if kind == "allow" and re.search(r"/index\.htm[^/]*$", value):
            meant.append(value[: value.rindex("/") + 1] + "$")
        found += [(octets(each), kind == "allow", -number) for each in meant if each and matches(each, path)]
    if not found:
        return True, 0
    _, allowed, number = max(found)
    return allowed, -number


def octets(value: str) -> int:
    """As written; what isn't ASCII as its escapes."""
    return sum(1 if character.isascii() else 3 * len(character.encode()) for character in value)


def tokens(text: str) -> list[str]:
    return [token(found[0]) for found in re.finditer(r"%[0-9A-Fa-f]{2}|.", text, re.DOTALL)]


def token(written: str) -> str:
    if len(written) == 3:
        character = chr(int(written[1:], 16))
        return character if UNRESERVED.fullmatch(character) else written.upper()
    if ALLOWED_IN_URLS.fullmatch(written) or written == "%":
        return written
    return "".join(f"%{octet:02X}" for octet in written.encode())


def matches(value: str, path: str) -> bool:
    end = r"\Z" if value.endswith("$") else ""
    parts = [tokens(part) for part in value.removesuffix("$").split("*")]
    # A rule that holds what a rule can't write plainly, or what queries have escaped, also means that.
    others = {"%2A": "*", "%24": "$", "'": "%27"}
    readings = [parts, [[others.get(each, each) for each in part] for part in parts]]
    return any(
        re.match(".*".join(re.escape("".join(part)) for part in reading) + end, path, re.DOTALL) for reading in readings
    )


# --- what is tried ---

PIECES = (
    *("/", "/", "a", "b", "ab", "*", "*", "**", "$", "?", "&", "=", "'", ";", "~", "%", "%2"),
    *("%41", "%7e", "%26", "%3F", "%3f", "%2F", "%2A", "%24", "%25", "%20", " ", "é", "%c3%a9"),
    *(".html", "index.html", "/index.htm", "index"),
)
TARGETS = (
    *("/", "/", "a", "b", "ab", "*", "$", "?", "&", "=", "%27", ";", "~", "%41", "%26", "%3F"),
    *("%2F", "%2A", "%24", "%25", "%20", "%C3%A9", ".html", "index.html", "index", "//"),
)
VALUES = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)
RULES = st.lists(st.builds(Rule, st.sampled_from(["allow", "disallow"]), VALUES), max_size=6)
PATHS = st.lists(st.sampled_from(TARGETS), max_size=8).map(lambda pieces: "/" + "".join(pieces))


def verdict(rules: list[Rule], target: str) -> tuple[bool, int]:
    text = "\n".join(["User-agent: *", *(f"{kind}: {value}" for kind, value in rules)])
    found = RobotsRules(text.encode(), "Aragog").verdict(target)
    return found.allowed, found.line


@given(rules=RULES, target=PATHS)
@settings(max_examples=MANY)
@example([Rule("disallow", "/trends/"), Rule("allow", "*?spm=")], "/trends/x?spm=1")
@example([Rule("disallow", "/é/x"), Rule("allow", "/*/x*****")], "/%C3%A9/x")
@example([Rule("allow", "/a/index.html$"), Rule("disallow", "/a")], "/a/")
@example([Rule("allow", "/*/index.htm?x"), Rule("disallow", "/a")], "/a/")
@example([Rule("disallow", "/*%2A")], "/a*")
@example([Rule("disallow", "/a$*")], "/a$b")
@example([Rule("disallow", "/a*a$")], "/a")
@example([Rule("disallow", "/*$")], "/a")
@example([Rule("disallow", "*'")], "/?a=%27")
@example([Rule("disallow", "//a")], "//a")
def test_the_longest_rule_as_written_decides(rules: list[Rule], target: str) -> None:
    rules = [Rule(kind, value.strip()) for kind, value in rules]
    assert verdict(rules, target) == reference(rules, target)


LIKE_PIECES = st.lists(st.sampled_from(("/", "a", "b", "*", ".html", "~", "-", "=", "x")), min_size=1, max_size=8)
LIKE_VALUES = LIKE_PIECES.map("".join).map("/".__add__)
LIKE_RULES = st.lists(st.builds(Rule, st.sampled_from(["allow", "disallow"]), LIKE_VALUES), max_size=8)
LIKE_PATHS = st.lists(st.sampled_from(("a", "b", "/", ".html", "~", "-", "=", "x")), max_size=10).map("".join)


@given(rules=LIKE_RULES, rest=LIKE_PATHS)
@settings(max_examples=MANY)
def test_protego_decides_alike_where_a_rule_has_neither_escapes_nor_dollars(rules: list[Rule], rest: str) -> None:
    protego = Protego.parse("\n".join(["User-agent: *", *(f"{kind}: {value}" for kind, value in rules)]))
    assert verdict(rules, "/" + rest)[0] is protego.can_fetch("http://h/" + rest, "Aragog")
