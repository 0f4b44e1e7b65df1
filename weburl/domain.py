"""Registrable domains (eTLD+1), by the whole public suffix list, private section included, offline.

The list comes with `publicsuffixlist`; its rules are read once into a table of every suffix that leads to a rule, so
a look-up walks the labels from the right and stops at the first one that leads to no rule.
https://github.com/publicsuffix/list/wiki/Format
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import ada_url
import publicsuffixlist

from runtime.bounded_cache import text_cache
from weburl.host_form import deciding_form

_RULE, _WILDCARD, _EXCEPTION = 1, 2, 4  # flags of a suffix; 0 = only leads to a longer rule


@text_cache(4_096)  # a URL needs it several times during a visit
def registrable_domain(host: str) -> str:
    """The registrable domain of `host`, in its deciding form: lower case ASCII, without a trailing dot.

    A host without one is its own domain: an IP address, `localhost`, a public suffix, a name with empty labels.
    """
    host = deciding_form(host)
    if host[:1] in {"", ".", "["} or ".." in host:
        return host
    last = host.rfind(".") + 1
    if last == 0 or host[last:].isdigit():
        return host
    suffix = _suffix_start(host, last)
    return host[host.rfind(".", 0, suffix - 1) + 1 :] if suffix else host


def _suffix_start(host: str, last: int) -> int:
    """The start of the public suffix of `host`; an unlisted last label is one (the default rule `*`)."""
    rules = _rules()
    start = suffix = last
    flags = rules.get(host[start:])
    while flags is not None:
        if flags & _RULE:
            suffix = start
        if start == 0:
            break
        longer = host.rfind(".", 0, start - 1) + 1
        longer_flags = rules.get(host[longer:])
        if longer_flags and longer_flags & _EXCEPTION:
            return start
        if flags & _WILDCARD:
            suffix = longer
        start, flags = longer, longer_flags
    return suffix


@cache
def _rules() -> dict[str, int]:
    """Suffix -> flags, for every rule and every suffix of one. 10,000 rules, read in about 30 ms."""
    rules: dict[str, int] = {}
    with Path(publicsuffixlist.PSLFILE).open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("//"):
                _add_rule(rules, line.split()[0])
    return rules


def _add_rule(rules: dict[str, int], rule: str) -> None:
    flag = _EXCEPTION if rule[0] == "!" else _WILDCARD if rule.startswith("*.") else _RULE
    suffix = rule.removeprefix("!").removeprefix("*.").lower()
    if not suffix.isascii():
        suffix = ada_url.idna_to_ascii(suffix).decode("ascii")
    rules[suffix] = rules.get(suffix, 0) | flag
    while "." in suffix:
        suffix = suffix.partition(".")[2]
        rules.setdefault(suffix, 0)
