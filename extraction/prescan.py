"""The meta prescan: the charset that the first bytes of a page declare.

https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from extraction.encoding_labels import encoding_name

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
