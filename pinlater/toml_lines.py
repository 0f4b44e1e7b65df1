"""A TOML file of named entries in one table, read into structs; an error names its line. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from runtime.invalid_field import invalid_field
from thrift_idl.errors import BadConfiguration

S = TypeVar("S", bound=msgspec.Struct)
Keys = tuple[str, ...]


class TomlText:
    """A document, and the line of each of its keys."""

    def __init__(self, text: str, file: str) -> None:
        """Raises `BadConfiguration`."""
        self._file = file
        try:
            self._content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BadConfiguration(f"{file}: {error}", file=file) from None
        except RecursionError:
            raise BadConfiguration(f"{file}: nested too deeply", file=file) from None
        self._lines = dict(reversed(list(_lines(text))))  # of several, the first

    def error(self, reason: str, *keys: str) -> BadConfiguration:
        """`reason`, with the file and the line of the innermost of `keys` that has one."""
        known = (keys[:length] for length in range(len(keys), 0, -1) if keys[:length] in self._lines)
        line = self._lines.get(next(known, ()), 1)
        return BadConfiguration(f"{self._file}: line {line}: {reason}", file=self._file, line=str(line))

    def table(self, section: str, kind: type[S]) -> dict[str, S]:
        """The entries of `section`, the only allowed one. Raises `BadConfiguration`."""
        for name in self._content:
            if name != section:
                raise self.error(f'unknown key "{name}"; known: {section}', name)
        entries = self._content.get(section, {})
        if not isinstance(entries, dict):
            raise self.error(f"{section} must be a table", section)
        return {name: self._entry(section, name, entry, kind) for name, entry in entries.items()}

    def _entry(self, section: str, name: str, entry: Any, kind: type[S]) -> S:
        try:
            return msgspec.convert(entry, kind)
        except msgspec.ValidationError as error:
            found = invalid_field(error)
            key = found.place or _unknown(entry, kind)
            raise self.error(
                f'{section}."{name}"{"." + key if key else ""}: {found.reason}', section, name, key
            ) from None


def _unknown(entry: Any, kind: type[msgspec.Struct]) -> str:
    """The key that the struct doesn't have."""
    known = set(kind.__struct_fields__)
    return next((key for key in entry if key not in known), "") if isinstance(entry, dict) else ""


def _lines(text: str) -> Iterator[tuple[Keys, int]]:
    """Each key and table of a document with its line, if a single line shows it."""
    table: Keys = ()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            said = tomllib.loads(line)
        except (tomllib.TOMLDecodeError, RecursionError):
            said = _key_of(line)
        keys = _path(said)
        if line.lstrip().startswith("["):
            table = keys
            yield keys[:1], number
            yield keys, number
        elif keys:
            yield (*table, keys[0]), number
            yield (*table, *keys), number


def _key_of(line: str) -> dict[str, Any]:
    """The key of a line whose value continues, or is invalid TOML."""
    try:
        return tomllib.loads(f"{line.partition('=')[0]} = 0")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _path(said: Any) -> Keys:
    keys: list[str] = []
    while isinstance(said, dict) and said:
        key = next(iter(said))
        keys.append(key)
        said = said[key]
    return tuple(keys)
