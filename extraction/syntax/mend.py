"""Repair of JSON as templates write it, where the intent is clear; each step takes linear time."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import orjson

LONGEST_MENDED = 128 * 1024
"""Characters: more would take seconds."""

_MOST_VALUES = 100  # in one block, one after the other
# Text that templates leave around JSON: comments and CDATA marks, a semicolon.
_OPENING = re.compile(r"\s*+(?:<!--|/\*\s*+<!\[CDATA\[\s*+\*/|//\s*+<!\[CDATA\[|<!\[CDATA\[)")
_CLOSED = " \t\n\r,;]}"  # one bracket too many
_AROUND = "\ufeff \t\n\r\f\v\xa0;"
# A string without an end reaches to the end of the text: a search from each quote would take quadratic time.
_STRING = r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)'
# A quote is a part of the string if the next character can't follow a string.
_LOOSE_STRING = r'"(?:[^"\\]++|\\.|"(?!\s*+(?:[,:}\]]|\Z)))*+(?:"|\\?\Z)'
_COMMENT = r"//[^\n]*+|/\*.*?(?:\*/|\Z)|<!--|-->|<!\[CDATA\[|\]\]>"
_BAD_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt]|u[0-9a-fA-F]{4})|(.))', re.DOTALL)
_SEPARATORS = re.compile(r"[\s,;]*+")
_decoder = json.JSONDecoder(strict=False, parse_constant=lambda _: None)


def _patterns(string: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns that remove comments and repair commas, for one form of strings."""
    comments = re.compile(f"({string})|{_COMMENT}", re.DOTALL)
    commas = re.compile(rf'({string})(\s*+(?="))?|,(?=\s*+[,\]}}])|(:)(?=\s*+[,\]}}])|([}}\]])(?=\s*+[{{"])', re.DOTALL)
    return comments, commas


_STRICT, _LOOSE = _patterns(_STRING), _patterns(_LOOSE_STRING)


def parse(text: str, mendable: int = LONGEST_MENDED) -> list[Any]:
    """The JSON values of a block, none if it is broken.

    Accepts wrapping, comments, control characters in strings, needless or missing commas, missing values, needless
    escapes, quotes within strings, character references instead of quotes, brackets left open or closed too often
    at the end, and several values in a row; beyond `mendable` characters only wrapping, control characters and rows.
    """
    try:
        return [orjson.loads(text)]
    except orjson.JSONDecodeError:
        text = _unwrapped(text)
    if found := _values(text):
        return found
    if len(text) > mendable:
        return []
    if "&quot;" in text and '{"' not in text.replace(" ", ""):
        text = html.unescape(text)
    for patterns in (_STRICT, _LOOSE):
        if found := _values(_mended(text, *patterns)):
            return found
    return []


def _unwrapped(text: str) -> str:
    text = text.strip(_AROUND)
    opening = _OPENING.match(text)
    text = text[opening.end() if opening else 0 :].removesuffix("-->").removesuffix("]]>")
    return text.rstrip(_AROUND).removesuffix("//").rstrip(_AROUND)


def _mended(text: str, comments: re.Pattern[str], commas: re.Pattern[str]) -> str:
    text = comments.sub(lambda found: found[1] or " ", text)
    text = commas.sub(_with_comma, text)
    return text + _closing(text, comments)


def _with_comma(found: re.Match[str]) -> str:
    if found[1]:
        return _inner_quotes(_BAD_ESCAPE.sub(_escaped, found[1])) + ("," if found[2] is not None else "")
    if found[3]:  # a value for which the template had none
        return ":null"
    return f"{found[4]}," if found[4] else ""


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[1] else found[2]


def _inner_quotes(string: str) -> str:
    """A loose string with its inner quotes escaped."""
    if string.count('"') <= 2 or len(string) < 2:
        return string
    inner = re.sub(r'(\\.)|"', lambda found: found[1] or '\\"', string[1:-1], flags=re.DOTALL)
    return f'"{inner}"' if string.endswith('"') else string


def _closing(text: str, strings: re.Pattern[str]) -> str:
    """The closing brackets for those left open, in order."""
    left: list[str] = []
    for bracket in re.findall(r"[\[\]{}]", strings.sub(" ", text)):
        if bracket in "[{":
            left.append("]" if bracket == "[" else "}")
        elif left and left[-1] == bracket:
            left.pop()
    return "".join(reversed(left[-64:]))


def _values(text: str) -> list[Any]:
    found: list[Any] = []
    position = 0
    while len(found) < _MOST_VALUES:
        position = _end_of(_SEPARATORS, text, position)
        if position >= len(text):
            break
        try:
            value, position = _decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return found if not text[position:].strip(_CLOSED) else []
        if not isinstance(value, dict | list):
            return []
        found.append(value)
    return found


def _end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position
