"""The nesting depth of a page, computed from its tags alone.

The standard's tree construction (https://html.spec.whatwg.org/multipage/parsing.html#tree-construction) with one
difference: if it is uncertain that the parser closes an element, it stays open here. A tag that the parser
ignores may count; a tag that the parser takes always counts. So the count is never below a page's depth, except for
the formatting elements that the standard moves and copies; for most real pages the count is the depth.
"""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple

from extraction.tags import RAW, Tag

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
FORMATTING_NAMES = "b big code em font i nobr s small strike strong tt u"
FORMATTING = frozenset(FORMATTING_NAMES.split())

_VOID = VOID | frozenset(["basefont", "bgsound", "frame", "image", "keygen", "param"])
#: Start tags that have no effect outside of a drawing.
_SILENT = _VOID - {"col", "hr", "input", "keygen"}
_NEVER_OPEN = frozenset(["html", "head", "body", "colgroup"])  # once at most, or for a moment
_HEADINGS = dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "h1")  # one ends the other
_TABLE_PARTS = {
    "caption": ("caption",),
    "col": (),
    "colgroup": (),
    "tbody": ("tbody",),
    "thead": ("tbody",),
    "tfoot": ("tbody",),
    "tr": ("tbody", "tr"),
    "td": ("tbody", "tr", "td"),
    "th": ("tbody", "tr", "td"),
}
_SAME = _HEADINGS | {"thead": "tbody", "tfoot": "tbody", "th": "td"}
_MARKERS = frozenset(["applet", "caption", "marquee", "object", "td", "template"])
#: Those of them where only their own end tags end the formatting in them.
_KEEPING = frozenset(["applet", "marquee", "object"])
_SPECIAL_NAMES = """
    address applet area article aside blockquote body button caption center col colgroup dd details dir div dl dt
    fieldset figcaption figure footer form frameset h1 header hgroup iframe li listing main marquee menu nav noembed
    noframes noscript object ol p plaintext pre script search section select style summary table tbody td template
    textarea tr ul xmp
"""
_SPECIAL = frozenset(_SPECIAL_NAMES.split())
_SCOPE = frozenset(["applet", "caption", "frameset", "marquee", "object", "select", "table", "td", "template"])
_TABLE_SCOPE = frozenset(("frameset", "table", "template"))
_TABLE_STOPS = frozenset(("caption", "frameset", "td", "template"))
_BUTTON_SCOPE = _SCOPE | {"button"}
_LIST_SCOPE = _SCOPE | {"ol", "ul"}
_ITEM_STOPS = _SPECIAL - {"address", "div", "p"}
_ENDS_P_NAMES = """
    address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer form h1
    header hgroup hr li listing main menu nav ol p plaintext pre search section summary ul xmp
"""
_ENDS_P = frozenset(_ENDS_P_NAMES.split())
_ENDS_SELECT = frozenset(("input", "select"))
_MAY_END_SELECT = frozenset(("keygen", "textarea"))
_DIVIDES_SELECT = frozenset(("hr", "optgroup", "option"))
_IMPLIED = frozenset(["dd", "dt", "li", "optgroup", "option", "p", "rb", "rp", "rt", "rtc"])
_RUBY = {"rb": _IMPLIED, "rtc": _IMPLIED, "rp": _IMPLIED - {"rtc"}, "rt": _IMPLIED - {"rtc"}}
_SCOPES = {
    "p": _BUTTON_SCOPE,
    "li": _LIST_SCOPE,
    "select": _SCOPE,
    "template": frozenset[str](),
    **dict.fromkeys(("caption", "table", "tbody", "td", "tr"), _TABLE_SCOPE),
}
# Start tags that end a drawing: https://html.spec.whatwg.org/multipage/parsing.html#parsing-main-inforeign
_BREAKING_NAMES = """
    b big blockquote body br center code dd div dl dt em embed font h1 head hr i img li listing menu meta nobr ol p pre
    ruby s small span strong strike sub sup table tt u ul var
"""
_BREAKING = frozenset(_BREAKING_NAMES.split())
#: Elements of a drawing that hold HTML. In the HTML each is an element like any other.
_HTML_INSIDE = {
    "svg": frozenset(["desc", "foreignobject", "title"]),
    "math": frozenset(["annotation-xml", "mi", "mn", "mo", "ms", "mtext"]),
}
_ANYWHERE = 1 << 30
#: Elements whose start tags do more than end a paragraph.
_RULED = frozenset().union(
    FORMATTING,
    RAW,
    _TABLE_PARTS,
    _HTML_INSIDE,
    _VOID - _SILENT,
    _NEVER_OPEN,
    _ENDS_SELECT,
    _MAY_END_SELECT,
    _DIVIDES_SELECT,
    _RUBY,
    ("a", "button", "dd", "dt", "form", "h1", "li", "table", "tbody", "td"),
)
_FONT_BREAKS = frozenset(["color", "face", "size"])


class _Open(NamedTuple):
    """An element that may be open."""

    name: str
    drawing: str
    """The drawing it belongs to, svg or math; "" = none."""
    draws: bool
    """True if an element that begins in it belongs to that drawing."""
    sure: bool
    """True if the parser certainly has opened it: its end also ends everything that began in it."""

    @property
    def holds_html(self) -> bool:
        """True if it is an element of a drawing, but elements that begin in it are not."""
        return bool(self.drawing) and not self.draws


class Nesting:
    """The elements that are open after the tags read so far."""

    def __init__(self) -> None:
        self.formatting = 0
        """Formatting elements that are open, or are opened again in each following block."""
        self.text_follows = False
        """True if the last tag is followed by text up to its end tag."""
        self.draws = False
        """True if an element that begins now belongs to a drawing."""
        self.steps = 0
        """Open elements that were examined."""
        self._open: list[_Open] = []
        self._counts: dict[str, int] = {}
        self._form: int | None = None  # how many were open when the form began that no end tag has ended
        # Formatting elements, those in the innermost cell last: the number of open elements when each began, by name.
        self._formats: list[dict[str, list[int]]] = [{}]

    @property
    def depth(self) -> int:
        """The highest possible number of open elements."""
        return len(self._open) + self.formatting

    def add(self, tag: Tag) -> None:
        """Take the next tag."""
        name = tag.name
        self.text_follows = False
        if self.draws and not tag.is_end and not _breaks(tag):
            if not tag.raw_attributes.endswith("/"):
                drawing = self._open[-1].drawing
                self._push(name, drawing, draws=name not in _HTML_INSIDE[drawing])
            return
        name = _SAME.get(name, name)
        if tag.is_end:
            if self._ends_innermost(name):  # the usual case
                self._counts[name] -= 1
                self._open.pop()
                self._look_back()
            else:
                self._end(name)
        elif self.draws or name in _RULED:
            self._start(name, tag)
        elif name not in _SILENT:  # the usual case
            if name in _ENDS_P and self._counts.get("p"):
                if name == "p" and self._follows_paragraph():  # the same elements are open as before
                    self.steps += 1
                    return
                self._close("p", _BUTTON_SCOPE)
            self._push(name)

    def _follows_paragraph(self) -> bool:
        """True if a start tag of a paragraph ends one, the innermost element, and no other element."""
        innermost = self._open[-1]
        if innermost.name != "p" or innermost.drawing or not innermost.sure or self.formatting:
            return False
        return self._form is None or self._form < len(self._open) - 1

    def _ends_innermost(self, name: str) -> bool:
        """True if an end tag closes the innermost element, and has no other effect."""
        if not self._open or self.formatting:
            return False
        innermost = self._open[-1]
        return innermost.name == name and innermost.sure and name != "form" and name not in _MARKERS

    def _look_back(self) -> None:
        """After an end: update the drawing state from the innermost element."""
        self.draws = bool(self._open) and self._open[-1].draws

    # --- start tags ---

    def _start(self, name: str, tag: Tag) -> None:
        if self.draws:
            self._leave_drawing()
        ended_select = self._end_select() if name in _ENDS_SELECT else None
        if ended_select and name == "select":
            return
        if self._counts.get("select"):
            self._start_in_select(name)
        self._end_by(name)
        if name in FORMATTING or name == "a":
            self._start_formatting(name)
        elif name in RAW and name != "template":
            self.text_follows = True
        elif name in _TABLE_PARTS:
            self._start_part(name, _TABLE_PARTS[tag.name])
        elif name in _HTML_INSIDE:
            if not tag.raw_attributes.endswith("/"):
                self._push(name, name, draws=True)
        elif name == "form":
            self._start_form()
        elif name not in _VOID and name not in _NEVER_OPEN:
            self._push(name)
            if ended_select is False and name == "select":
                self._doubt(len(self._open) - 1)

    def _end_select(self) -> bool | None:
        """End a select if it is open; True if it certainly was: then the start tag acts as its end tag only."""
        at = self._find("select", _SCOPE)
        if at is None:
            return None
        is_sure = self._open[at].sure
        self._close_at(at)
        return is_sure

    def _start_in_select(self, name: str) -> None:
        if name in _DIVIDES_SELECT:
            self._doubt_implied()
        elif name in _MAY_END_SELECT and (at := self._find("select", _SCOPE)) is not None:
            self._doubt(at)

    def _start_form(self) -> None:
        """While a form is open others are ignored, except in templates."""
        if self._counts.get("template"):
            self._push("form")
        elif self._form is None:
            self._form = len(self._open)
            self._push("form")

    def _start_formatting(self, name: str) -> None:
        if name == "a" and self.formatting == 1 and self._formats[-1].get(name) == [len(self._open)]:
            self.steps += 1
            return  # a link ends the one before it, and the same elements are open
        if name == "a":  # one ends the other
            self._end_formatting(name)
        self._formats[-1].setdefault(name, []).append(len(self._open))
        self.formatting += 1

    def _end_by(self, name: str) -> None:
        """End the elements that a start tag of `name` ends."""
        if name in _ENDS_P and self._counts.get("p"):
            self._close("p", _BUTTON_SCOPE)
        if name == "table" and (at := self._find("p", _BUTTON_SCOPE)) is not None:
            self._doubt(at)  # in old documents it ends no paragraph
        if name == "table":
            self._close("table", _TABLE_STOPS)
        if name == "li":
            self._close("li", _ITEM_STOPS)
        elif name in ("dd", "dt"):
            self._close("dd", _ITEM_STOPS)
            self._close("dt", _ITEM_STOPS)
        elif name == "button":
            self._close("button", _SCOPE)
        elif name in ("option", "optgroup"):
            self._end_last("option")
        elif name == "h1":
            self._end_last("h1")
        elif name in _RUBY and self._is_sure_in_scope("ruby"):
            while self._ends_with(_RUBY[name]):
                self._pop_from(len(self._open) - 1)

    def _start_part(self, name: str, path: tuple[str, ...]) -> None:
        """A part of a table ends everything open in the innermost one. Without a table it is ignored."""
        at = self._find("table", _TABLE_SCOPE)
        if at is not None and self._open[at].sure:
            self._pop_from(at + 1)
            for each in path:
                self._push(each)
        elif (self._counts.get("table") or self._counts.get("template")) and path:
            self._push(name)

    def _leave_drawing(self) -> None:
        """The open elements of a drawing have ended, as far as we know; a caller that relies on it might be wrong."""
        at = len(self._open)
        while at and self._open[at - 1].draws:
            at -= 1
            self._open[at] = self._open[at]._replace(drawing="", draws=False, sure=False)
        self.draws = False

    # --- end tags ---

    def _end(self, name: str) -> None:
        if name in _NEVER_OPEN or not (self._counts.get(name) or name in FORMATTING or name == "a"):
            if name in ("p", "br") and self.draws:
                self._leave_drawing()
            return
        if self._open and self._open[-1].drawing:
            at = self._find_drawn(name)
            if at is not None:
                self._close_at(at)
                return
            if name in ("p", "br"):
                self._leave_drawing()
        if name in FORMATTING or name == "a":
            self._end_formatting(name)
        elif name == "form":
            self._end_form()
        else:
            self._close(name, _SCOPES.get(name) or (_SCOPE if name in _SPECIAL else _SPECIAL))

    def _end_form(self) -> None:
        """The last form ends, by itself, if no element shuts it out; in any case another one may begin."""
        self._doubt_implied()
        found = self._find("form", _SCOPE)
        if found is not None and (found == self._form or self._counts.get("template")):
            self._remove(found)
        if not self._counts.get("template"):
            self._form = None

    def _end_formatting(self, name: str) -> None:
        """Elements in it stay open, perhaps elsewhere (the standard's adoption agency)."""
        began = self._formats[-1].get(name)
        if not began or self._is_out_of_scope(began[-1]):
            return
        if self.draws:
            self._leave_drawing()
        self.formatting -= 1
        at = began.pop()
        if at == _ANYWHERE:
            at = next((each + 1 for each in range(len(self._open) - 1, -1, -1) if self._open[each].name in _MARKERS), 0)
        for each in range(at, len(self._open)):
            self._doubt(each)
        self._float_from(at)

    def _is_out_of_scope(self, at: int) -> bool:
        """True if a formatting element that began when `at` were open is shut out by later open elements: it stays."""
        for each in range(len(self._open) - 1, -1, -1):
            found = self._open[each]
            self.steps += 1
            if found.name in _MARKERS or each < at < _ANYWHERE:
                return False
            if found.holds_html or found.name in _SCOPE:
                return True
        return False

    def _find_drawn(self, name: str) -> int | None:
        """The innermost element of that name in the drawing that is open at the end."""
        for at in range(len(self._open) - 1, -1, -1):
            self.steps += 1
            if not self._open[at].drawing:
                return None
            if self._open[at].name == name:
                return at
        return None

    # --- open elements ---

    def _find(self, name: str, stops: Set[str]) -> int | None:
        """The innermost element of that name, unless one of `stops` is open within it."""
        if not self._counts.get(name):
            return None
        for at in range(len(self._open) - 1, -1, -1):
            found = self._open[at]
            self.steps += 1
            if found.name == name and not found.drawing:
                return at
            if (found.name in stops and not found.drawing) or (found.holds_html and "object" in stops):
                return None
        return None

    def _is_sure_in_scope(self, name: str) -> bool:
        at = self._find(name, _SCOPE)
        return at is not None and self._open[at].sure

    def _close(self, name: str, stops: Set[str]) -> None:
        at = self._find(name, stops)
        if at is not None:
            self._close_at(at)

    def _close_at(self, at: int) -> None:
        """End an element, and the elements open in it if it certainly was open."""
        if self._open[at].sure:
            self._pop_from(at)
        else:
            self._remove(at)

    def _ends_with(self, names: Set[str]) -> bool:
        """True if the innermost open element has one of these names, and no formatting element has begun in it."""
        if not self._open or self._open[-1].name not in names:
            return False
        return all(began[-1] < len(self._open) for began in self._formats[-1].values() if began)

    def _end_last(self, name: str) -> None:
        if self._ends_with({name}):
            self._pop_from(len(self._open) - 1)

    def _push(self, name: str, drawing: str = "", *, draws: bool = False) -> None:
        # In a template some are ignored, and a frameset is ignored after any other content.
        sure = name == "template" or (name != "frameset" and not self._counts.get("template"))
        self._open.append(_Open(name, drawing, draws, sure))
        self.draws = draws
        self._counts[name] = self._counts.get(name, 0) + 1
        if name in _MARKERS:
            self._formats.append({})

    def _pop_from(self, at: int) -> None:
        for number in range(len(self._open) - 1, at - 1, -1):
            name = self._open[number].name
            self._counts[name] -= 1
            if name in _MARKERS:
                self._end_marker(keeps=number > at and name in _KEEPING)
        del self._open[at:]
        if self._form is not None and self._form >= at:
            self._form = None
        self._look_back()
        if self.formatting:
            self._float_from(at + 1)

    def _end_marker(self, *, keeps: bool) -> None:
        """The innermost cell, or similar, ends. Its formatting elements end with it, or continue after it."""
        for name, began in self._formats.pop().items():
            if keeps:
                self._formats[-1].setdefault(name, []).extend([_ANYWHERE] * len(began))
            else:
                self.formatting -= len(began)

    def _float_from(self, at: int) -> None:
        """Formatting elements that began when at least this many were open may begin again anywhere."""
        for began in self._formats[-1].values():
            for number in range(len(began) - 1, -1, -1):  # those that float already are the last ones
                if began[number] < at:
                    break
                began[number] = _ANYWHERE

    def _doubt_implied(self) -> None:
        """Innermost elements whose end tags may be left out may have ended."""
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at].name not in _IMPLIED:
                break
            self._doubt(at)

    def _doubt(self, at: int) -> None:
        """The element may have ended."""
        self.steps += 1
        self._open[at] = self._open[at]._replace(sure=False)

    def _remove(self, at: int) -> None:
        """End one element alone; the formatting in it, if any, stays."""
        if self._open[at].name in _MARKERS:
            number = sum(each.name in _MARKERS for each in self._open[: at + 1])
            del self._formats[number]  # its elements are counted, and never end
        self._counts[self._open[at].name] -= 1
        del self._open[at]
        if self._form is not None and self._form >= at:
            self._form = None if self._form == at else self._form - 1
        self._look_back()
        if self.formatting:
            self._float_from(at + 1)


def _breaks(tag: Tag) -> bool:
    """True if a start tag in a drawing belongs to HTML."""
    if tag.name == "font":
        return not _FONT_BREAKS.isdisjoint(tag.attributes())
    return tag.name in _BREAKING or tag.name in _HEADINGS
