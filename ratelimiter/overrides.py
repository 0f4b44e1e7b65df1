"""The override file: TOML in, limits by registrable domain out. Pure.

[domains."example.com"]
qps = 1                  # or min_interval_ms = 1000
blocked = false
note = "asked by mail"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from thrift_idl.errors import BadConfiguration, InvalidUrl
from weburl import registrable_domain

MAX_QPS: Final = 1_000.0
MAX_INTERVAL_MS: Final = 86_400_000
_KEYS: Final = {"qps", "min_interval_ms", "blocked", "note"}


@dataclass(frozen=True, slots=True)
class Limit:
    """How fast a domain may be fetched, and which rule says so."""

    interval_ms: float
    name: str = "default"
    blocked: bool = False
    note: str = ""


def limit_of_qps(qps: float, name: str = "default") -> Limit:
    """The limit of so many requests a second. Raises `BadConfiguration`."""
    if isinstance(qps, bool) or not isinstance(qps, (int, float)) or not 1_000 / MAX_INTERVAL_MS <= qps <= MAX_QPS:
        raise BadConfiguration(f"qps of {name} must be a number from one a day (0.0000116) to {MAX_QPS:g}, not {qps!r}")
    return Limit(1_000 / qps, name)


def parse(text: str, file: str, default: Limit) -> dict[str, Limit]:
    """Limits by registrable domain. Raises `BadConfiguration` naming `file`, line and reason."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration(f"{file}: {error}", file=file) from None
    lines = _Lines(text, file)
    for name in document:
        if name != "domains":
            raise lines.error(f'unknown key "{name}"; only [domains."..."] belongs here', name)
    domains = document.get("domains", {})
    if not isinstance(domains, dict):
        raise lines.error("domains must be a table", "domains")
    return {domain: _limit(lines, domain, entry, default) for domain, entry in domains.items()}


def _limit(lines: _Lines, domain: str, entry: Any, default: Limit) -> Limit:
    if not isinstance(entry, dict):
        raise lines.error(f'domains."{domain}" must be a table', domain)
    _check_domain(lines, domain)
    for key, value in entry.items():
        if isinstance(value, dict):
            raise lines.error(f'write the domain in quotes: [domains."{domain}.{key}"]', f"domains.{domain}.{key}")
        if key not in _KEYS:
            raise lines.error(f'unknown key "{key}"; known: {", ".join(sorted(_KEYS))}', domain, key)
    _check_kind(lines, domain, entry, "blocked", bool)
    _check_kind(lines, domain, entry, "note", str)
    interval = _interval(lines, domain, entry, default)
    return Limit(interval, f'domains."{domain}"', entry.get("blocked", False), entry.get("note", ""))


def _interval(lines: _Lines, domain: str, entry: Mapping[str, Any], default: Limit) -> float:
    if "qps" in entry and "min_interval_ms" in entry:
        raise lines.error("qps and min_interval_ms exclude each other", domain, "min_interval_ms")
    if "qps" in entry:
        try:
            return limit_of_qps(entry["qps"], f'domains."{domain}"').interval_ms
        except BadConfiguration as error:
            raise lines.error(error.message, domain, "qps") from None
    interval = entry.get("min_interval_ms", default.interval_ms)
    if isinstance(interval, bool) or not isinstance(interval, (int, float)) or not 1 <= interval <= MAX_INTERVAL_MS:
        reason = f"min_interval_ms must be a number from 1 to {MAX_INTERVAL_MS}, not {interval!r}"
        raise lines.error(reason, domain, "min_interval_ms")
    return float(interval)


def _check_domain(lines: _Lines, domain: str) -> None:
    try:
        registrable = registrable_domain(domain)
    except InvalidUrl:
        registrable = ""
    if not domain or registrable != domain:
        hint = f'; did you mean "{registrable}"?' if registrable else ""
        raise lines.error(f'"{domain}" is no registrable domain{hint}', domain)


def _check_kind(lines: _Lines, domain: str, entry: Mapping[str, Any], key: str, kind: type) -> None:
    if not isinstance(entry.get(key, kind()), kind):
        raise lines.error(f"{key} must be a {kind.__name__}, not {entry[key]!r}", domain, key)


class _Lines:
    """Finds the line to blame: TOML parsers report lines of syntax errors only."""

    def __init__(self, text: str, file: str) -> None:
        self._lines = text.splitlines()
        self._file = file

    def error(self, reason: str, *path: str) -> BadConfiguration:
        line = 0
        for name in path:
            line = self._find(name, line)
        return BadConfiguration(f"{self._file}: line {max(line, 1)}: {reason}", file=self._file, line=str(max(line, 1)))

    def _find(self, name: str, start: int) -> int:
        """Number of the first line from `start` on (1-based, inclusive) that names `name`, else `start`."""
        word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")
        for number, line in enumerate(self._lines[max(start - 1, 0) :], max(start, 1)):
            if word.search(line.partition("#")[0]):
                return number
        return start
