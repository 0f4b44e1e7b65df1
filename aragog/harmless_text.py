"""Text of pages and servers made harmless to a terminal: characters that would drive the terminal, turn text around or
hide in it are written as their escapes.

Controls move the cursor, set the title, answer for the user (ECMA-48; U+009B begins a sequence as ESC [ does). Marks
and overrides of direction make text read differently than it is (Unicode UTS 39, UTS 55). Tags and zero-width
characters are invisible. Joiners (U+200C, U+200D), variation selectors and the soft hyphen stay: scripts and emoji need
them. In JSON the escapes are JSON's own, so that the value is the same.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import orjson

#: First and last code points. Of the controls, we use newline and tab ourselves: in tables and lines.
HARMFUL_RANGES = (
    (0x00, 0x08),
    (0x0B, 0x1F),
    (0x7F, 0x9F),
    (0x061C, 0x061C),  # the Arabic letter mark
    (0x180E, 0x180E),  # the Mongolian vowel separator
    (0x200B, 0x200B),  # the zero-width space
    (0x200E, 0x200F),  # marks of direction
    (0x2028, 0x202E),  # ends of lines and paragraphs, embeddings and overrides of direction
    (0x2060, 0x206F),  # invisible operators, isolates, deprecated format characters
    (0xD800, 0xDFFF),  # lone surrogates: no encoding has them
    (0xFEFF, 0xFEFF),  # the byte order mark
    (0xFFF9, 0xFFFB),  # annotations
    (0xE0000, 0xE007F),  # tags
)
HARMFUL = re.compile("[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in HARMFUL_RANGES) + "]")


def harmless(text: str) -> str:
    """`text` with each harmful character as its escape in Python, `\\x9b`; newlines and tabs stay."""
    return HARMFUL.sub(_escape, text)


def one_line(text: str) -> str:
    """Like `harmless`, newlines and tabs escaped too: foreign text never begins a line of ours."""
    return harmless(text).replace("\n", "\\n").replace("\t", "\\t")


def json_text(value: Any, option: int = 0) -> str:
    """`value` as JSON, each harmful character as `\\uXXXX`; a parser gets the same value. Options are orjson's."""
    try:
        text = orjson.dumps(value, option=option).decode()
    except orjson.JSONEncodeError:  # because of a lone surrogate, which ASCII can write
        text = json.dumps(value, sort_keys=bool(option & orjson.OPT_SORT_KEYS))
    return text if text.isascii() and "\x7f" not in text else HARMFUL.sub(_json_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _json_escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1] if found[0] != "\x7f" else "\\u007f"


class LogLine(logging.Formatter):
    """One line for each record; a traceback has its own lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line."""
        return one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """The line and its traceback."""
        return harmless(super().format(record))
