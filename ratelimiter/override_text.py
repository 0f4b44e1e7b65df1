"""TOML and YAML with the line of every key: an error names its line, and so does an answer about a limit. Pure."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any, Final

from thrift_idl.errors import BadConfiguration

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
