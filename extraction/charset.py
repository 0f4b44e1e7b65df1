"""Text from bytes: the charset of a page, and the parts that could not be decoded.

Byte order mark, then the header's charset, then the meta prescan
(https://html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding), then a later meta element;
without any of them UTF-8 if the bytes are valid UTF-8, otherwise windows-1252, which is what a browser would show.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from functools import cache

from extraction.encoding_labels import codec_name, encoding_name
from extraction.prescan import declared_encoding, meta_encoding
from extraction.tags import tags

BAD_CHARSET = "bad_charset"
LATE_BYTES = 64 * 1024
"""Bytes that are searched for a declaration."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_BE, "utf-16be"), (codecs.BOM_UTF16_LE, "utf-16le"))


@dataclass(frozen=True, slots=True)
class Decoded:
    """A page as text without its byte order mark, the WHATWG name of its charset, and flags."""

    text: str
    charset: str
    flags: tuple[str, ...] = ()


def decode(content: bytes, header_charset: str = "") -> Decoded:
    """`content` as text; undecodable bytes become U+FFFD, with the flag `bad_charset`. Never raises."""
    for mark, charset in _MARKS:
        if content.startswith(mark):
            return _decoded(content[len(mark) :], charset)
    charset = encoding_name(header_charset) or declared_encoding(content) or _late_encoding(content)
    if charset:
        return _decoded(content, charset)
    try:
        return Decoded(content.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        # Bounded content may end within a character. The characters before it show that the charset is right.
        if error.reason == "unexpected end of data" and not content[: error.start].isascii():
            return Decoded(content.decode("utf-8", "replace"), "utf-8")
        return _decoded(content, "windows-1252")


def _late_encoding(content: bytes) -> str:
    """The charset of a meta element beyond the prescan, to which a browser would change while parsing.

    https://html.spec.whatwg.org/multipage/parsing.html#changing-the-encoding-while-parsing
    """
    if b"charset" not in content[:LATE_BYTES].lower():
        return ""
    for tag in tags(content[:LATE_BYTES].decode("latin-1")):
        if tag.name == "meta" and (encoding := meta_encoding(tag.attributes())):
            return encoding
    return ""


def _decoded(content: bytes, charset: str) -> Decoded:
    if charset == "replacement":  # charsets that hide markup from filters: nothing of them is read
        return Decoded("�" if content else "", charset, (BAD_CHARSET,))
    if charset == "x-user-defined":
        return Decoded(content.decode("latin-1").translate(_USER_DEFINED), charset)
    codec = codec_name(charset)
    try:
        return Decoded(content.decode(codec), charset)
    except UnicodeDecodeError:
        if codec.startswith("cp125") or codec == "cp874":
            return _decoded_with_controls(content, charset, codec)
        return Decoded(content.decode(codec, "replace"), charset, (BAD_CHARSET,))


def _decoded_with_controls(content: bytes, charset: str, codec: str) -> Decoded:
    """Python leaves some bytes of 0x80-0x9F undefined where WHATWG's indexes map them to C1 controls."""
    text = codecs.charmap_decode(content, "strict", _characters(codec))[0]
    return Decoded(text, charset, (BAD_CHARSET,) if "�" in text else ())


@cache
def _characters(codec: str) -> str:
    """The character of each byte: a table, since a bad page would call an error handler of ours 10 million times."""
    return bytes(range(256)).decode(codec, _C1_CONTROLS)


def _c1_control(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    byte = error.object[error.start]
    return (chr(byte) if byte < 0xA0 else "�"), error.start + 1


_C1_CONTROLS = "aragog.c1-controls"
codecs.register_error(_C1_CONTROLS, _c1_control)
_USER_DEFINED = {byte: 0xF780 + byte - 0x80 for byte in range(0x80, 0x100)}
