"""A scan of HTML for its tags, without a tree: linear, and close enough to the standard's tokenizer to bound a page.

Comments, declarations and the text of script, style and the like are skipped. Attributes are cut as the tokenizer
would, except for those quoted and never closed.

The open elements decide which parts are text or CDATA: a title in a drawing holds tags. A caller that
tracks them passes that on; without that, a page is taken for one that has no such elements.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

_MARKUP = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))|<(?:[!?]|/(?![a-zA-Z]))[^>]*+>?"
    r"|<(/?)([a-zA-Z][^\t\n\f\r />]*+)"
    r"((?>[\t\n\f\r /]++|[^\t\n\f\r />][^\t\n\f\r />=]*+"
    r"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"[^\"]*+\"|'[^']*+'|[^\t\n\f\r >\"'][^\t\n\f\r >]*+)?)?)*+)(?:>|\Z)",
    re.DOTALL,
)
# Without a name at the end of the attributes: a search that failed there would start again at each white space.
_ATTRIBUTE = re.compile(
    r"[\t\n\f\r /]*+(?:>|\Z|([^\t\n\f\r />][^\t\n\f\r />=]*+)"
    r"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r >]*+)))?)"
)
RAW = {
    name: re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE)
    for name in ("script", "style", "noscript", "template", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
}
_SCRIPT_MARKS = re.compile(r"<!(?=--)|-->|</?script(?=[\t\n\f\r />])", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[a-zA-Z][a-zA-Z0-9]*+[;=]?)")


class Tag(NamedTuple):
    """One tag: lower case name, start and end, and True if there was text between it and the tag before."""

    name: str
    is_end: bool
    start: int
    end: int
    after_text: bool
    raw_attributes: str

    def attributes(self) -> dict[str, str]:
        """Attributes by lower case name, the first of a name, character references decoded."""
        found: dict[str, str] = {}
        for name, *values in _ATTRIBUTE.findall(self.raw_attributes):
            if name:
                found.setdefault(name.lower(), _decoded("".join(values)))
        return found

    def count_attributes(self) -> int:
        """The number of attributes, repeated ones included."""
        return sum(1 for found in _ATTRIBUTE.finditer(self.raw_attributes) if found[1])


class Account(Protocol):
    """The state of the open elements after the last tag that was given."""

    @property
    def text_follows(self) -> bool:
        """True if that tag begins an element of text."""
        ...

    @property
    def draws(self) -> bool:
        """True if the innermost open element belongs to a drawing."""
        ...


def tags(text: str, account: Account | None = None) -> Iterator[Tag]:
    """The tags of a page in order."""
    position = 0
    after_text = False
    while found := _MARKUP.search(text, position):
        after_text |= found.start() > position and not text[position : found.start()].isspace()
        position = found.end()
        slash, name, attributes = found.groups()
        if name is None:
            if account and account.draws and text.startswith("<![CDATA[", found.start()):
                end = text.find("]]>", found.start())
                position = len(text) if end < 0 else end + 3
            continue
        name = name.lower()
        yield Tag(name, slash == "/", found.start(), position, after_text, attributes)
        after_text = False
        if account.text_follows if account else (name in RAW and not slash):
            position = _text_end(name, text, position)


def _text_end(name: str, text: str, start: int) -> int:
    """The end of the text of an element that begins at `start`."""
    found = RAW[name].search(text, start)
    end = found.start() if found else len(text)
    return _script_end(text, start) if name == "script" and text.find("<!--", start, end) >= 0 else end


def _script_end(text: str, start: int) -> int:
    """After `<!--`, a script tag has an end tag of its own: https://html.spec.whatwg.org/#script-data-escaped-state."""
    escaped = nested = False
    for found in _SCRIPT_MARKS.finditer(text, start):
        mark = found[0].lower()
        if mark == "</script" and not nested:
            return found.start()
        nested = nested if mark == "<!" else mark == "<script" and escaped
        escaped = mark != "-->" and (escaped or mark == "<!")
    return len(text)


def _decoded(value: str) -> str:
    return _REFERENCE.sub(_character, value) if "&" in value else value


def _character(found: re.Match[str]) -> str:
    """In attributes, `&copy=1` is no reference (https://html.spec.whatwg.org/#named-character-reference-state)."""
    reference = found[0]
    if reference.startswith("&#"):
        mark = "&#x" if reference[2] in "xX" else "&#"
        # Ten digits are no character, just like 5,000, which int refuses to read
        return html.unescape(mark + (reference[len(mark) :].rstrip(";").lstrip("0") or "0")[:10])
    return html.entities.html5.get(reference[1:], reference)
