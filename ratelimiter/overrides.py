"""Limits: the choice of the one that applies to a name, and the override file that they are read from. Pure.

A reservation takes from two budgets at once, its registrable domain's and its host's:

- the domain's: the override of the domain, else the longest wildcard that matches it, else the default
- the host's: the override of the host; else, unless the domain has an override of its own, the longest wildcard that
  matches the host; else none. A host's budget is below its domain's: one that is faster changes nothing

So host > domain > longest wildcard > default. `*.example.org` matches every name below example.org, not example.org.
An expired override doesn't exist. Domains and hosts are named in their deciding form (`weburl.deciding_form`).

The file is TOML or YAML. Each key knows its line: a bad file is refused with line and reason, and a limit says which
line it comes from.

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

`expires` is a date or a date and time, of UTC where it names no zone; a date begins at midnight. A name may be spelled
in any way (upper case, Unicode, a trailing dot): it stands for its deciding form, which may be there once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import PurePath
from typing import Any, Final

from ratelimiter.next_slot import MAX_WAIT_MS
from runtime.durations import DAY_MS
from thrift_idl.errors import BadConfiguration, InvalidUrl
from weburl import deciding_form, host_to_ascii, registrable_domain

MAX_QPS: Final = 1_000.0
MAX_INTERVAL_MS: Final = DAY_MS
SECTIONS: Final = ("domains", "hosts", "wildcards")


@dataclass(frozen=True, slots=True)
class Limit:
    """The allowed rate of a domain, or of one of its hosts, and the rule behind it."""

    interval_ms: float
    name: str = "default"
    blocked: bool = False
    note: str = ""
    max_wait_ms: float = MAX_WAIT_MS
    """No caller waits longer for a slot, even if it asks to."""
    line: int = 0
    """Line of the override file; 0 = the default."""
    expires_ms: float | None = None
    """Wall clock (ms since 1970) at which the override expires; None = it stays."""


DEFAULT_QPS: Final = 10.0


def limit_of_qps(qps: float, name: str = "default") -> Limit:
    """The limit of that many requests a second. Raises `BadConfiguration`."""
    if isinstance(qps, bool) or not isinstance(qps, (int, float)) or not 1_000 / MAX_INTERVAL_MS <= qps <= MAX_QPS:
        raise BadConfiguration(f"qps of {name} must be a number from one a day (0.0000116) to {MAX_QPS:g}, not {qps!r}")
    return Limit(1_000 / qps, name)


@dataclass(frozen=True, slots=True)
class Overrides:
    """A default, and the overrides of a file by their names. A wildcard's key is the text after its `*.`."""

    default: Limit
    domains: Mapping[str, Limit] = field(default_factory=dict)
    hosts: Mapping[str, Limit] = field(default_factory=dict)
    wildcards: Mapping[str, Limit] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.domains) + len(self.hosts) + len(self.wildcards)

    @property
    def others(self) -> bool:
        """True if there is any override that isn't a domain's."""
        return bool(self.hosts or self.wildcards)

    def of_domain(self, domain: str) -> Limit:
        """The limit of a registrable domain."""
        found = self.domains.get(domain)
        if found is None and self.wildcards:
            found = next(self.matching(domain), None)
        return found or self.default

    def of_host(self, domain: str, host: str) -> Limit | None:
        """The limit that a host has besides its domain's; None = none that would change anything."""
        found = self.hosts.get(host)
        if found is None and self.wildcards and domain not in self.domains:
            found = next(self.matching(host), None)
        if found is None:
            return None
        of_domain = self.of_domain(domain)
        slower = found.interval_ms > of_domain.interval_ms or found.max_wait_ms < of_domain.max_wait_ms
        return found if slower or found.blocked else None

    def matching(self, name: str) -> Iterator[Limit]:
        """The wildcards that match a name, the longest first."""
        _, _, rest = name.partition(".")
        while rest:
            found = self.wildcards.get(rest)
            if found:
                yield found
            _, _, rest = rest.partition(".")

    def all(self) -> Iterable[Limit]:
        """Every override."""
        return (limit for kind in (self.domains, self.hosts, self.wildcards) for limit in kind.values())

    def without_expired(self, wall_ms: float) -> Overrides:
        """The overrides in force at a time of the wall clock."""
        if all(limit.expires_ms is None for limit in self.all()):
            return self
        kept = ({n: o for n, o in kind.items() if in_force(o, wall_ms)} for kind in self._kinds())
        return Overrides(self.default, *kept)

    def _kinds(self) -> tuple[Mapping[str, Limit], ...]:
        return self.domains, self.hosts, self.wildcards


def in_force(limit: Limit, wall_ms: float) -> bool:
    """True if a limit hasn't expired."""
    return limit.expires_ms is None or wall_ms < limit.expires_ms


@dataclass(frozen=True, slots=True)
class LimitCandidate:
    """A rule that could decide a name's limit, and the result for it."""

    limit: Limit
    budget: str
    """domain or host: the budget that it would decide."""
    won: bool
    why: str


def explain(overrides: Overrides, domain: str, host: str, wall_ms: float) -> list[LimitCandidate]:
    """Every rule of a file, expired or not, that could decide the budgets of a domain and a host, the winners first."""
    valid = overrides.without_expired(wall_ms)
    winner, host_winner = valid.of_domain(domain), valid.of_host(domain, host) if host else None
    found = [LimitCandidate(winner, "domain", True, _why(winner, domain))]
    if host_winner:
        found.append(LimitCandidate(host_winner, "host", True, _why(host_winner, host)))
    for limit, budget in _eligible(overrides, domain, host):
        if limit not in {winner, host_winner}:
            before = host_winner if budget == "host" and host_winner else winner
            found.append(LimitCandidate(limit, budget, False, _why_not(limit, before, wall_ms)))
    return found


def _eligible(overrides: Overrides, domain: str, host: str) -> Iterator[tuple[Limit, str]]:
    """The default last; each rule once."""
    seen: set[Limit] = set()
    hosts = (overrides.hosts.get(host), *overrides.matching(host)) if host else ()
    domains = (overrides.domains.get(domain), *overrides.matching(domain), overrides.default)
    for limits, budget in ((domains[:-1], "domain"), (hosts, "host"), (domains[-1:], "domain")):
        for limit in limits:
            if limit and limit not in seen:
                seen.add(limit)
                yield limit, budget


def _why(limit: Limit, name: str) -> str:
    if limit.name.startswith("wildcards."):
        return f"the longest wildcard that matches {name}, which has no override of its own"
    return f"the override of {name} itself" if limit.line else "no override matches"


def _why_not(limit: Limit, winner: Limit, wall_ms: float) -> str:
    if not in_force(limit, wall_ms):
        return "expired"
    if limit.name.startswith("hosts."):
        return f"not below {winner.name}, so that it changes nothing"
    return f"{winner.name} is more specific"


_MAX_DEPTH: Final = 8

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """The content of a file, and its lines."""

    file: str
    content: dict[str, Any]
    lines: dict[Path, int]

    def line(self, *path: str) -> int:
        """The line of the innermost part of `path` that has one; 1 = none has."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1

    def error(self, reason: str, *path: str) -> BadConfiguration:
        """`reason`, with the file and the line of the error."""
        return refusal(self.file, self.line(*path), reason)


def refusal(file: str, line: int, reason: str) -> BadConfiguration:
    """The error for a line of a file."""
    return BadConfiguration(f"{file}: line {line}: {reason}", file=file, line=str(line))


# --- TOML: the library's parser gives lines only for syntax errors ---

_QUOTED: Final = r'"(?P<{0}a>[^"\\]*)"|\'(?P<{0}b>[^\']*)\'|(?P<{0}c>[\w-]+)'
_HEADER: Final = re.compile(
    rf"\s*\[\s*(?:{_QUOTED.format('s')})\s*(?:\.\s*(?:{_QUOTED.format('n')})\s*)?(?:\.\s*(?:{_QUOTED.format('k')})\s*)?\]"
)
_KEY: Final = re.compile(rf"\s*(?:{_QUOTED.format('n')})\s*(?:\.\s*(?:{_QUOTED.format('k')})\s*)?[=.]")


def of_toml(text: str, file: str) -> Text:
    """A TOML document. Raises `BadConfiguration`."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration(f"{file}: {error}", file=file) from None
    except RecursionError:
        raise BadConfiguration(f"{file}: nested too deeply", file=file) from None
    return Text(file, content, _toml_lines(text))


def _toml_lines(text: str) -> dict[Path, int]:
    """The line of the first occurrence of each key, by its path."""
    lines: dict[Path, int] = {}
    table: Path = ()
    quoted = ""
    for number, line in enumerate(text.split("\n"), 1):
        if not quoted:
            header, key = _HEADER.match(line), _KEY.match(line)
            if header:
                table = _names(header, "snk")
                lines.setdefault(table[:1], number)
                lines.setdefault(table, number)
            elif key:
                own = _names(key, "nk")
                for length in range(1, len(own) + 1):
                    lines.setdefault((*table, *own[:length]), number)
        quoted = _open_quote(line, quoted)
    return lines


def _names(found: re.Match[str], groups: str) -> Path:
    names = (next((found[g + s] for s in "abc" if found[g + s] is not None), None) for g in groups)
    return tuple(name for name in names if name is not None)


def _open_quote(line: str, quoted: str) -> str:
    """The delimiter of the multi-line text that is open after `line`; "" = none. `quoted`: the one open before it."""
    for mark in ('"""', "'''"):
        if (quoted == mark) != bool(line.count(mark) % 2) and quoted in {"", mark}:
            return mark
    return ""


# --- YAML ---

_TRUTH: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9][0-9_]*)?\.?[0-9][0-9_]*(?:[eE][-+]?[0-9]{1,3})?")


def of_yaml(text: str, file: str) -> Text:
    """A YAML document without lists, anchors, tags and repeated keys. Raises `BadConfiguration`."""
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - no stubs; costs 15 ms that TOML's users needn't pay

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    reader = _YamlReader(file)
    try:
        # Events, not nodes: composing nodes recurses, in C without a bound, so that a deep file would end the process.
        for event in yaml.parse(text, Loader=loader):
            reader.hear(type(event).__name__, event)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise refusal(file, line, error.problem or "no YAML") from None
    except yaml.YAMLError as error:
        raise BadConfiguration(f"{file}: no YAML: {error}", file=file) from None
    return Text(file, reader.content, reader.lines)


class _YamlReader:
    """Builds tables of scalars from the parser's events, and refuses everything else."""

    def __init__(self, file: str) -> None:
        self.content: dict[str, Any] = {}
        self.lines: dict[Path, int] = {}
        self._file = file
        self._tables: list[dict[str, Any]] = []
        self._path: list[str] = []
        self._keyed = False
        self._documents = 0

    def hear(self, kind: str, event: Any) -> None:
        """Take the next event. Raises `BadConfiguration`."""
        line = event.start_mark.line + 1
        if kind == "DocumentStartEvent":
            self._documents += 1
            self._refuse_if(self._documents > 1, line, "one document is all that is read")
        elif kind == "MappingStartEvent":
            self._open(event, line)
        elif kind == "MappingEndEvent":
            self._tables.pop()
            del self._path[-1:]
        elif kind == "ScalarEvent":
            self._scalar(event, line)
        self._refuse_if(kind == "SequenceStartEvent", line, "a list isn't expected here")
        self._refuse_if(kind == "AliasEvent", line, "write it out: anchors aren't read")

    def _open(self, event: Any, line: int) -> None:
        self._refuse_if(bool(event.tag or event.anchor), line, "write it out: anchors and tags aren't read")
        self._refuse_if(len(self._tables) >= _MAX_DEPTH, line, "nested too deeply")
        self._refuse_if(bool(self._tables) and not self._keyed, line, "a key must be a text")
        table: dict[str, Any] = {}
        if self._tables:
            self._tables[-1][self._path[-1]] = table
        else:
            self.content = table
        self._tables.append(table)
        self._keyed = False

    def _scalar(self, event: Any, line: int) -> None:
        self._refuse_if(bool(event.tag or event.anchor), line, "write it out: anchors and tags aren't read")
        if not self._tables:
            self._refuse_if(bool(event.value), line, "must be a table of domains, hosts, wildcards")
        elif self._keyed:
            self._tables[-1][self._path.pop()] = _scalar(event.value, event.implicit[0])
            self._keyed = False
        else:
            self._refuse_if(event.value in self._tables[-1], line, f'"{event.value}" stands here twice')
            self._path.append(event.value)
            self.lines[tuple(self._path)] = line
            self._keyed = True

    def _refuse_if(self, wrong: bool, line: int, reason: str) -> None:
        if wrong:
            raise refusal(self._file, line, reason)


def _scalar(text: str, plain: bool) -> Any:
    """Text, number or boolean; a date stays text, nothing is an empty table. Quoted values are text."""
    if not plain:
        return text
    if text.lower() in {"", "~", "null"}:
        return {}
    if text.lower() in _TRUTH:
        return _TRUTH[text.lower()]
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text or "e" in text.lower() else int(text)
    return text


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
