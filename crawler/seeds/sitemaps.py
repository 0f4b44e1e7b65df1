"""Sitemaps read from bytes: XML (a set of URLs or an index of sitemaps), plain text, either of them gzipped. Pure.

https://www.sitemaps.org/protocol.html: at most 50,000 entries and 50 MiB, decompressed, in a file. Content beyond that
is ignored, and so is everything after a fault; the entries before it count. An entry counts even if it is useless:
10 KiB of gzip hold 25 million lines that are no URLs, and looking at each would cost as much as a good one.
No entity is ever expanded: a document that declares anything is refused from that point on.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.parsers import expat

import weburl
from thrift_idl.errors import InvalidUrl

MAX_ENTRIES = 50_000
MAX_BYTES = 50 * 1024 * 1024
#: XML elements and attributes of a file: 50 MiB of entries with pictures and translations have fewer.
MAX_PARTS = 1_000_000
#: Different names of them; Expat keeps each. Sitemaps have about twelve.
_MAX_NAMES = 1_000
_STEP = 64 * 1024
#: Bytes of one piece of markup. Expat 2.5 reads an unfinished tag again with each step.
_MAX_MARKUP = 1024 * 1024
_MAX_DEPTH = 16
_MAX_TEXT = weburl.MAX_LENGTH
_LINE = re.compile(rb"[^\x00-\x20][^\n]*")
_OURS = re.compile(r"[\x00-\x20]*https?:", re.IGNORECASE)
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?)?)?")
_ROOTS = {"urlset": "url", "sitemapindex": "sitemap"}


@dataclass(frozen=True, slots=True)
class SitemapEntry:
    """One URL of a sitemap, or one sitemap of an index."""

    url: str
    """Request form."""
    lastmod_ms: int = 0
    """The sitemap's date of the last modification: UTC, ms since 1970; 0 = absent."""


@dataclass(frozen=True, slots=True)
class Sitemap:
    """The content of one file."""

    entries: tuple[SitemapEntry, ...] = ()
    """In the file's order, each URL once."""
    is_index: bool = False
    """True if the entries are sitemaps themselves."""
    flags: tuple[str, ...] = ()
    """bad_xml, bad_gzip, entities, too_deep, too_large, too_many: the end of reading; no_sitemap: another kind of file.
    """
    useless: int = 0
    """Entries that are no URLs of ours, or were there before."""


class _End(Exception):
    """Reading ends here; the argument is the flag with the reason."""


def read_sitemap(content: bytes) -> Sitemap:
    """The content of a sitemap's bytes. Never raises.

    It blocks for one to two seconds of CPU at the largest, and for four if its 50,000 URLs of 1,000 bytes are not
    ASCII: each is encoded and checked.
    """
    reading: _SitemapReading = _Text()
    flags: tuple[str, ...] = ()
    try:
        for number, piece in enumerate(_pieces(content)):
            if not number and piece.lstrip(b"\xef\xbb\xbf \t\r\n\0\xfe\xff").startswith(b"<"):
                reading = _Xml()
            reading.feed(piece)
        reading.close()
    except _End as end:
        flags = (str(end),)
    return Sitemap(tuple(reading.found.values()), reading.is_index, flags, reading.count - len(reading.found))


def _pieces(content: bytes) -> Iterator[bytes]:
    """The content in steps, decompressed if it is gzip."""
    if content[:2] != b"\x1f\x8b":
        yield from (content[at : at + _STEP] for at in range(0, min(len(content), MAX_BYTES), _STEP))
        if len(content) > MAX_BYTES:
            raise _End("too_large")
        return
    inflate, total = zlib.decompressobj(zlib.MAX_WBITS | 16), 0
    for at in range(0, len(content), _STEP):  # the rest of one step is copied
        rest = content[at : at + _STEP]
        while rest and not inflate.eof:
            try:
                piece = inflate.decompress(rest, _STEP)
            except zlib.error:
                raise _End("bad_gzip") from None
            rest, total = inflate.unconsumed_tail, total + len(piece)
            if total > MAX_BYTES:
                raise _End("too_large")
            yield piece
        if inflate.eof:
            return
    raise _End("bad_gzip")


class _SitemapReading:
    """Entries gathered so far."""

    def __init__(self) -> None:
        self.found: dict[str, SitemapEntry] = {}
        self.count = 0
        self._last = ""
        self.is_index = False

    def feed(self, piece: bytes) -> None:
        """Take a piece. Raises `_End`."""

    def close(self) -> None:
        """The content has ended. Raises `_End`."""

    def _enter(self, url: str, lastmod: str = "") -> None:
        if self.count >= MAX_ENTRIES:
            raise _End("too_many")
        self.count += 1
        if url == self._last or not _OURS.match(url):
            return
        self._last = url
        try:
            form = weburl.request_form(url.strip())
        except InvalidUrl:
            return
        self.found.setdefault(form, SitemapEntry(form, lastmod_ms(lastmod.strip())))


class _Text(_SitemapReading):
    """One URL on each line, UTF-8."""

    def __init__(self) -> None:
        super().__init__()
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        whole, _, rest = (self._rest + piece).rpartition(b"\n")
        for line in _LINE.findall(whole):
            self._line(line)
        self._rest = rest[: _MAX_TEXT + 1]

    def close(self) -> None:
        for line in _LINE.findall(self._rest):
            self._line(line)

    def _line(self, line: bytes) -> None:
        self._enter(line.decode("utf-8-sig", "replace") if len(line) <= _MAX_TEXT else "")


class _Xml(_SitemapReading):
    """urlset or sitemapindex; elements of other names, extensions for images and so on, are ignored."""

    def __init__(self) -> None:
        super().__init__()
        # Without namespaces: each element's name would include its namespace, which may be a megabyte long.
        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = self._data, self._doctype
        parser.buffer_text = True
        self._parser = parser
        self._fed = 0
        self._parts = 0
        self._path: list[str] = []
        self._text: list[str] = []
        self._length = 0
        self._fields: dict[str, str] = {}

    def feed(self, piece: bytes) -> None:
        self._parse(piece, False)
        self._fed += len(piece)
        if self._fed - self._parser.CurrentByteIndex > _MAX_MARKUP or len(self._parser.intern) > _MAX_NAMES:
            raise _End("bad_xml")

    def close(self) -> None:
        self._parse(b"", True)

    def _parse(self, piece: bytes, final: bool) -> None:
        try:
            self._parser.Parse(piece, final)
        except (expat.ExpatError, ValueError, LookupError):  # the latter two: encodings that Python doesn't know
            raise _End("bad_xml") from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._parts += 1 + len(attributes)
        if self._parts > MAX_PARTS:
            raise _End("too_many")
        local = name.rpartition(":")[2]
        if not self._path:
            if local not in _ROOTS:
                raise _End("no_sitemap")
            self.is_index = local == "sitemapindex"
        if len(self._path) >= _MAX_DEPTH:
            raise _End("too_deep")
        self._path.append(local)
        self._text, self._length = [], 0
        if len(self._path) == 2:
            self._fields = {}

    def _end(self, _: str) -> None:
        if len(self._path) == 3 and self._path[1] == _ROOTS[self._path[0]] and self._length <= _MAX_TEXT:
            self._fields.setdefault(self._path[2], "".join(self._text))
        self._path.pop()
        if len(self._path) == 1 and "loc" in self._fields:
            self._enter(self._fields["loc"], self._fields.get("lastmod", ""))
            self._fields = {}

    def _data(self, text: str) -> None:
        self._length += len(text)
        if self._length <= _MAX_TEXT:
            self._text.append(text)

    def _doctype(self, *declared: object) -> None:
        """Entities, and attributes that each element would have by default."""
        if declared[-1]:
            raise _End("entities")


def lastmod_ms(text: str) -> int:
    """A W3C date (https://www.w3.org/TR/NOTE-datetime) as ms since 1970; 0 for anything else."""
    if len(text) > 40 or not _DATE.fullmatch(text):
        return 0
    whole = text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text
    try:
        date = datetime.fromisoformat(whole)
        return max(0, int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() * 1000))
    except (ValueError, OverflowError):
        return 0
