"""The override file: TOML or YAML in, overrides out; a bad one is refused with line and reason. Pure.

    [domains."example.com"]              domains:
    qps = 1                                example.com:
    note = "asked by mail"                   qps: 1
    expires = 2027-01-31                     note: asked by mail
                                             expires: 2027-01-31
    [hosts."img.example.org"]
    min_interval_ms = 2500               hosts:
    max_wait_ms = 0                        img.example.org: {min_interval_ms: 2500, max_wait_ms: 0}

    [wildcards."*.gov"]                  wildcards:
    blocked = true                         "*.gov": {blocked: true}

`expires` is a date or a date and time, in UTC if it names no zone; a date begins at midnight. A name may have any
spelling (upper case, Unicode, a trailing dot): it stands for its deciding form, which may occur once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import PurePath
from typing import Any, Final

from ratelimiter.next_slot import MAX_WAIT_MS
from ratelimiter.override_text import Text, of_toml, of_yaml
from ratelimiter.overrides import MAX_INTERVAL_MS, SECTIONS, Limit, Overrides, limit_of_qps
from thrift_idl.errors import BadConfiguration, InvalidUrl
from weburl import deciding_form, host_to_ascii, registrable_domain

_KEYS: Final = {"qps", "min_interval_ms", "max_wait_ms", "blocked", "note", "expires"}
_MAX_NOTE: Final = 500


def parse(text: str, file: str, default: Limit) -> Overrides:
    """The overrides of a file; YAML if its name ends in .yaml or .yml, else TOML.

    Raises `BadConfiguration` naming `file`, line and reason.
    """
    given = of_yaml(text, file) if PurePath(file).suffix.lower() in {".yaml", ".yml"} else of_toml(text, file)
    for name in given.content:
        if name not in SECTIONS:
            raise given.error(f'unknown key "{name}"; known: {", ".join(SECTIONS)}', name)
    domains, hosts, wildcards = (_section(given, name, default) for name in SECTIONS)
    return Overrides(default, domains, hosts, wildcards)


def _section(given: Text, section: str, default: Limit) -> dict[str, Limit]:
    """The limits of a section by the deciding form of their names."""
    entries = given.content.get(section, {})
    if not isinstance(entries, dict):
        raise given.error(f"{section} must be a table", section)
    found: dict[str, Limit] = {}
    for name, entry in entries.items():
        limit = _limit(given, section, name, entry, default)
        before = found.setdefault(deciding_form(name.removeprefix("*.")), limit)
        if before is not limit:
            raise given.error(f'"{name}" is what line {before.line} names, in another spelling', section, name)
    return found


def _limit(given: Text, section: str, name: str, entry: Any, default: Limit) -> Limit:
    if not isinstance(entry, dict):
        raise given.error(f'{section}."{name}" must be a table', section, name)
    for key, value in entry.items():
        if isinstance(value, dict):
            reason = f'write the name in quotes: [{section}."{name}.{key}"]'
            raise given.error(reason, section, name, key)
        if key not in _KEYS:
            raise given.error(f'unknown key "{key}"; known: {", ".join(sorted(_KEYS))}', section, name, key)
    _CHECKS[section](given, name)
    _check_kind(given, section, name, entry, "blocked", bool)
    _check_kind(given, section, name, entry, "note", str)
    return Limit(
        interval_ms=_interval(given, section, name, entry, default),
        name=f'{section}."{name}"',
        blocked=entry.get("blocked", False),
        note=entry.get("note", "")[:_MAX_NOTE],
        max_wait_ms=_max_wait(given, section, name, entry),
        line=given.line(section, name),
        expires_ms=_expires(given, section, name, entry),
    )


def _interval(given: Text, section: str, name: str, entry: Mapping[str, Any], default: Limit) -> float:
    if "qps" in entry and "min_interval_ms" in entry:
        raise given.error("qps and min_interval_ms exclude each other", section, name, "min_interval_ms")
    if "qps" in entry:
        try:
            return limit_of_qps(entry["qps"], f'{section}."{name}"').interval_ms
        except BadConfiguration as error:
            raise given.error(error.message, section, name, "qps") from None
    interval = entry.get("min_interval_ms", default.interval_ms)
    if not _is_number(interval) or not 1 <= interval <= MAX_INTERVAL_MS:
        reason = f"min_interval_ms must be a number from 1 to {MAX_INTERVAL_MS}, not {interval!r}"
        raise given.error(reason, section, name, "min_interval_ms")
    return float(interval)


def _max_wait(given: Text, section: str, name: str, entry: Mapping[str, Any]) -> float:
    wait = entry.get("max_wait_ms", MAX_WAIT_MS)
    if not _is_number(wait) or not 0 <= wait <= MAX_WAIT_MS:
        reason = f"max_wait_ms must be a number from 0 to {MAX_WAIT_MS}, not {wait!r}"
        raise given.error(reason, section, name, "max_wait_ms")
    return float(wait)


def _expires(given: Text, section: str, name: str, entry: Mapping[str, Any]) -> float | None:
    value = entry.get("expires")
    if value is None:
        return None
    try:
        if not isinstance(value, date):  # nor its subclass datetime
            value = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        reason = f"expires must be a date (2027-01-31) or a date and time, not {value!r}"
        raise given.error(reason, section, name, "expires") from None
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_kind(given: Text, section: str, name: str, entry: Mapping[str, Any], key: str, kind: type) -> None:
    if not isinstance(entry.get(key, kind()), kind):
        raise given.error(f"{key} must be a {kind.__name__}, not {entry[key]!r}", section, name, key)


def _check_domain(given: Text, domain: str) -> None:
    registrable = registrable_domain(domain)
    if not _is_name(domain) or registrable != deciding_form(domain):
        hint = f'; did you mean "{registrable}"?' if registrable else ""
        raise given.error(f'"{domain}" is no registrable domain{hint}', "domains", domain)


def _check_host(given: Text, host: str) -> None:
    if not _is_name(host):
        raise given.error(f'"{host}" is no host name as URLs have it', "hosts", host)


def _check_wildcard(given: Text, wildcard: str) -> None:
    name = wildcard.removeprefix("*.")
    if name == wildcard or "*" in name or not name:
        hint = 'a wildcard is "*." and a name: "*.example.org"; for all domains there is the setting ratelimiter.qps'
        raise given.error(f'"{wildcard}" is no wildcard; {hint}', "wildcards", wildcard)
    if not _is_name(f"x.{name}"):
        raise given.error(f'"{wildcard}": "{name}" is no name as URLs have it', "wildcards", wildcard)


def _is_name(text: str) -> bool:
    """True if `text` may be a URL's host, in this or another spelling."""
    try:
        return bool(host_to_ascii(text))
    except InvalidUrl:
        return False


_CHECKS: Final = {"domains": _check_domain, "hosts": _check_host, "wildcards": _check_wildcard}
