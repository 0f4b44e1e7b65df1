"""Text from bytes: the charset of a page, and the parts that could not be decoded.

Byte order mark, then the header's charset, then the meta prescan
(https://html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding), then a later meta element;
without any of them UTF-8 if the bytes are valid UTF-8, otherwise windows-1252, which is what a browser would show.

Labels and names of encodings: https://encoding.spec.whatwg.org/#names-and-labels; the meta prescan:
https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from extraction.tags import tags

_LABELS = {
    "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8",
    "ibm866": "866 cp866 csibm866 ibm866",
    "iso-8859-2": "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2",
    "iso-8859-3": "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3",
    "iso-8859-4": "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4",
    "iso-8859-5": "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988",
    "iso-8859-6": "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e"
    " iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    "iso-8859-7": "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597"
    " iso_8859-7 iso_8859-7:1987 sun_eu_greek",
    "iso-8859-8": "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 iso88598"
    " iso_8859-8 iso_8859-8:1988 visual",
    "iso-8859-8-i": "csiso88598i iso-8859-8-i logical",
    "iso-8859-10": "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso-8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso-8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso-8859-15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
    "iso-8859-16": "iso-8859-16",
    "koi8-r": "cskoi8r koi koi8 koi8-r koi8_r",
    "koi8-u": "koi8-ru koi8-u",
    "macintosh": "csmacintosh mac macintosh x-mac-roman",
    "windows-874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
    "windows-1250": "cp1250 windows-1250 x-cp1250",
    "windows-1251": "cp1251 windows-1251 x-cp1251",
    "windows-1252": "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591"
    " iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252",
    "windows-1253": "cp1253 windows-1253 x-cp1253",
    "windows-1254": "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5"
    " windows-1254 x-cp1254",
    "windows-1255": "cp1255 windows-1255 x-cp1255",
    "windows-1256": "cp1256 windows-1256 x-cp1256",
    "windows-1257": "cp1257 windows-1257 x-cp1257",
    "windows-1258": "cp1258 windows-1258 x-cp1258",
    "x-mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gbk": "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk",
    "gb18030": "gb18030",
    "big5": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc-jp": "cseucpkdfmtjapanese euc-jp x-euc-jp",
    "iso-2022-jp": "csiso2022jp iso-2022-jp",
    "shift_jis": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    "euc-kr": "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601"
    " windows-949",
    "replacement": "csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement",
    "utf-16be": "unicodefffe utf-16be",
    "utf-16le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le",
    "x-user-defined": "x-user-defined",
}

_CODECS = {
    "ibm866": "cp866",
    "iso-8859-8-i": "iso8859-8",
    "macintosh": "mac-roman",
    "windows-874": "cp874",
    "x-mac-cyrillic": "mac-cyrillic",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "iso-2022-jp": "iso2022_jp",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
}

_NAMES = {label: name for name, labels in _LABELS.items() for label in labels.split()}


def encoding_name(label: str) -> str:
    """The encoding that a label names, in lower case; "" for none (https://encoding.spec.whatwg.org/#concept-encoding-get)."""
    return _NAMES.get(label.strip("\t\n\f\r ").lower(), "")


def codec_name(encoding: str) -> str:
    """Python's codec for an encoding that `encoding_name` gave, other than `replacement` and `x-user-defined`."""
    return _CODECS.get(encoding) or encoding.replace("windows-", "cp")


PRESCAN_BYTES = 1024

_MARKUP = re.compile(r"<(?:(?P<comment>!--)|/?(?P<tag>[a-zA-Z][^\t\n\f\r />]*+)|(?P<other>[!/?]))")
# https://html.spec.whatwg.org/multipage/parsing.html#concept-get-attributes-when-sniffing; an open quote takes the rest
_ATTRIBUTE = re.compile(
    r"[\t\n\f\r /]*+([^\t\n\f\r />][^\t\n\f\r />=]*+)"
    r"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"([^\"]*+)(?:\"|\Z)|'([^']*+)(?:'|\Z)|([^\t\n\f\r >]*+)))?"
)
_SKIPPED = re.compile(r"[\t\n\f\r /]*+")
_CHARSET = re.compile(r"charset[\t\n\f\r ]*=[\t\n\f\r ]*", re.IGNORECASE)
_XML = re.compile(r"<\?xml([^>]*)>")
_XML_ENCODING = re.compile(r"encoding[\x00-\x20]*=[\x00-\x20]*(?:\"([^\"]*)\"|'([^']*)')")


def declared_encoding(content: bytes) -> str:
    """The encoding that `content` declares in its first 1,024 bytes, "" for none."""
    head = content[:PRESCAN_BYTES]
    if head.startswith(b"<\x00?\x00x\x00"):
        return "utf-16le"
    if head.startswith(b"\x00<\x00?\x00x"):
        return "utf-16be"
    folded = head.lower()
    if b"charset" not in folded and b"encoding" not in folded:  # every declaration has one of them
        return ""
    text = head.decode("latin-1")
    return _in_meta(text) or _in_xml_declaration(text)


def _in_meta(head: str) -> str:
    position = 0
    while found := _MARKUP.search(head, position):
        if found["comment"]:
            # The two dashes that open a comment may also close it: <!-->
            position = _after(head, "-->", found.start() + 2)
        elif found["tag"]:
            attributes, position = _attributes(head, found.end())
            is_whole = position < len(head)  # otherwise the bytes ran out within the tag
            if is_whole and found["tag"].lower() == "meta" and (encoding := meta_encoding(attributes)):
                return encoding
        else:
            position = _after(head, ">", found.end() - 1)
    return ""


def meta_encoding(attributes: Mapping[str, str]) -> str:
    """The encoding that a meta element with these attributes declares, "" for none."""
    if "charset" in attributes:
        encoding = encoding_name(attributes["charset"])
    elif attributes.get("http-equiv", "").lower() == "content-type":
        encoding = _in_content(attributes.get("content", ""))
    else:
        return ""
    # A page that could be read so far is not UTF-16, whichever charset it declares.
    return {"utf-16le": "utf-8", "utf-16be": "utf-8", "x-user-defined": "windows-1252"}.get(encoding, encoding)


def _in_content(content: str) -> str:
    """https://html.spec.whatwg.org/multipage/urls-and-fetching.html#extracting-character-encodings-from-meta-elements"""
    found = _CHARSET.search(content)
    if not found:
        return ""
    rest = content[found.end() :]
    if rest.startswith(("'", '"')):
        value, closed, _ = rest[1:].partition(rest[0])
        return encoding_name(value) if closed else ""
    return encoding_name(re.split(r"[\t\n\f\r ;]", rest, maxsplit=1)[0])


def _in_xml_declaration(head: str) -> str:
    declaration = _XML.match(head)
    found = _XML_ENCODING.search(declaration[1]) if declaration else None
    encoding = encoding_name(found[1] or found[2] or "") if found else ""
    return "utf-8" if encoding.startswith("utf-16") else encoding


def _attributes(head: str, position: int) -> tuple[dict[str, str], int]:
    """Attributes of the tag at `position`, the first of a name; and where the tag ends."""
    found: dict[str, str] = {}
    while attribute := _ATTRIBUTE.match(head, position):
        position = attribute.end()
        found.setdefault(attribute[1].lower(), attribute[2] or attribute[3] or attribute[4] or "")
    skipped = _SKIPPED.match(head, position)
    return found, skipped.end() if skipped else position


def _after(head: str, mark: str, start: int) -> int:
    end = head.find(mark, start)
    return len(head) if end < 0 else end + len(mark)


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
