"""Hostile pages: each a good beginning, then what its author thought up against a crawler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MIB = 1024 * 1024
BEGINNING = "<!doctype html><html><head><title>Kept</title></head><body><a href=/kept>kept</a>"
TITLE, LINK = "Kept", "/kept"


@dataclass(frozen=True, slots=True)
class HostilePage:
    """The served page, and its expected result."""

    build: Callable[[], str | bytes]
    """The content."""
    flag: str = ""
    """That the record must have; "" = no matter."""
    title: str = TITLE
    has_link: bool = True
    """Whether the first link is kept: not where it comes after what is cut."""
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    outcome: str = "fetched"
    """Of its visit: some are refused by the fetcher, and have no record."""

    def content(self) -> bytes:
        """The bytes that are served."""
        built = self.build()
        return built if isinstance(built, bytes) else built.encode("utf-8", "surrogatepass")


def _after(markup: str) -> Callable[[], str]:
    return lambda: BEGINNING + markup


def _times(piece: str, count: int, start: str = "") -> Callable[[], str]:
    return lambda: BEGINNING + start + piece * count


def _each(piece: str, count: int, start: str = "", end: str = "") -> Callable[[], str]:
    """`piece` with its number, so often."""
    return lambda: BEGINNING + start + "".join(piece.replace("#", str(number)) for number in range(count)) + end


def _head(markup: str, end: str = "") -> Callable[[], str]:
    """Within the head, before the title."""
    return lambda: "<head>" + markup + "<title>Kept</title>" + end + "<body><a href=/kept>kept</a>"


MARKUP = {
    "40,000 attributes on one tag": HostilePage(_each(" a#=1", 40_000, "<p", ">"), "too_many_attributes"),
    "40,000 equal attributes": HostilePage(_times(" a=1", 40_000, "<p"), "too_many_attributes"),
    "900 attributes on each of 1,500 tags": HostilePage(
        lambda: BEGINNING + ("<p" + "".join(f" a{n}=1" for n in range(900)) + ">x") * 1_100
    ),
    "2,500 short attributes in 16 KB, 600 times": HostilePage(
        lambda: BEGINNING + ("<p" + "".join(f" {n:x}" for n in range(3_000)) + ">x") * 600
    ),
    "an attribute of 9 MB": HostilePage(lambda: BEGINNING + "<p a='" + "x" * 9 * MIB + "'><a href=/after>x</a>"),
    "a tag name of 9 MB": HostilePage(lambda: BEGINNING + "<" + "x" * 9 * MIB + ">"),
    "an attribute name of 9 MB": HostilePage(lambda: BEGINNING + "<p " + "x" * 9 * MIB + "=1>"),
    "100,000 nested tags": HostilePage(_times("<div>", 100_000), "too_deep"),
    "100,000 nested tags of many names": HostilePage(_each("<x#>", 100_000), "too_deep"),
    "500 nested tags, 20,000 times": HostilePage(_times("<div>" * 500 + "</div>" * 500, 190), ""),
    "formatting without an end": HostilePage(_times("<b><i><u><p>", 40_000), "too_deep"),
    "links in links": HostilePage(_each("<a href=/#><b>", 50_000), "too_deep"),
    "tables in tables": HostilePage(_times("<table><tr><td>", 60_000), "too_deep"),
    "text in a table, fostered": HostilePage(_times("<tr>x<b>", 60_000, "<table>")),
    "selects and options": HostilePage(_times("<select><option>", 240_000)),
    "end tags of nothing": HostilePage(_times("</p>", 480_000)),
    "end tags of much that is open": HostilePage(_times("</x>", 480_000, "<div>" * 500)),
    "everything unclosed": HostilePage(_times("<p><li><dd><tr><td><a href=x><script>", 4_000)),
    "frames and forms": HostilePage(_times("<form><frameset><button>", 60_000), ""),
    "svg and math in turn": HostilePage(_times("<svg><desc><math><mi>", 40_000), "too_deep"),
    "svg with foreign content": HostilePage(_times("<svg><p>", 240_000), ""),
    "templates in templates": HostilePage(_times("<template>", 100_000), ""),
    "10 MB of script": HostilePage(lambda: BEGINNING + "<script>" + "x<y;" * (10 * MIB // 4 - 100)),
    "10 MB of script without markup": HostilePage(lambda: BEGINNING + "<script>" + "x=y;" * (10 * MIB // 4 - 100)),
    "240,000 scripts": HostilePage(_times("<script>1</script>", 240_000), ""),
    "script that opens comments": HostilePage(_times("<!--<script>", 240_000, "<script>"), ""),
    "480,000 paragraphs": HostilePage(_times("<p>x", 480_000)),
    "plaintext": HostilePage(_times("<p>x", 150_000, "<plaintext>"), ""),
    "10 MB of white space": HostilePage(_times(" \n\t ", 2_600_000)),
    "10 MB of white space in a tag": HostilePage(_times(" \n\t ", 2_600_000, "<p")),
    "10 MB of <": HostilePage(_times("<", 10 * MIB - 200), "too_many_tags"),
    "10 MB of >": HostilePage(_times(">", 10 * MIB - 200)),
    "10 MB of &": HostilePage(_times("&", 10 * MIB - 200)),
    "10 MB of quotes in tags": HostilePage(_times("<p a=\"'>", 1_200_000), "too_many_tags"),
    "comments": HostilePage(_times("<!---->", 480_000)),
    "comments that never end": HostilePage(_times("<!--", 480_000)),
    "comments with many dashes": HostilePage(lambda: BEGINNING + "<!--" + "-!" * 5_000_000),
    "doctypes": HostilePage(_times("<!DOCTYPE html>", 480_000)),
    "CDATA": HostilePage(_times("<![CDATA[x]]>", 480_000)),
    "processing instructions": HostilePage(_times("<?x y?>", 480_000)),
    "entities in text": HostilePage(_times("&amp;&CounterClockwiseContourIntegral;&#x1F600;", 200_000)),
    "entities that nearly are": HostilePage(_times("&CounterClockwiseContourIntegra", 300_000)),
    "entities in an attribute": HostilePage(
        lambda: BEGINNING + "<a title='" + "&amp;&copy;&#65;" * 500_000 + "' href=/x>"
    ),
    "entities in a title": HostilePage(
        lambda: "<title>Kept " + "&lt;&copy;" * 900_000 + "</title><a href=/kept>x</a>", "text_cut", title="Kept <©<©"
    ),
    "entities in hrefs": HostilePage(_times("<a href='/" + "&amp;" * 60 + "'>", 30_000)),
    "numbers that are no characters": HostilePage(_times("&#99999999999999999999;&#xD800;&#0;", 200_000)),
    "a number of 9 MB": HostilePage(lambda: BEGINNING + "&#" + "9" * 9 * MIB + ";"),
    "a number of 9 MB in an attribute": HostilePage(lambda: BEGINNING + "<a href='&#" + "9" * 9 * MIB + ";'>x"),
    "laughs": HostilePage(
        lambda: (
            '<?xml version="1.0"?><!DOCTYPE h [<!ENTITY a "aaaaaaaaaa">'
            + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 20))
            + "]>"
            + BEGINNING
            + "&a19;"
        ),
        content_type="application/xhtml+xml",
    ),
    "XHTML of elements closed at once": HostilePage(
        _times("<p a='/>'/>", 240_000), content_type="application/xhtml+xml"
    ),
    "XHTML of quotes that never end": HostilePage(
        _times("<p a='<p b=\"", 240_000), content_type="application/xhtml+xml"
    ),
    "XHTML of slashes": HostilePage(_times("<a" + "/" * 50, 240_000), content_type="application/xhtml+xml"),
}

FIELDS = {
    "240,000 links": HostilePage(_each("<a href=/x#>x</a>", 240_000).__call__, "too_many_outlinks"),  # type: ignore[operator]  # never None here
    "a million links": HostilePage(
        lambda: BEGINNING + "".join(f"<a href={n}>" for n in range(700_000)), "too_many_tags"
    ),
    "5,000 links of 2,000 characters": HostilePage(_each("<a href='/#" + "y" * 1_950 + "'>", 5_300)),
    "5,000 links on a base of 8,000 characters": HostilePage(
        lambda: "<base href='/" + "b" * 8_000 + "/'>" + BEGINNING + "".join(f"<a href={n}>x</a>" for n in range(6_000)),
        has_link=False,
    ),
    "non-ASCII links on a long base": HostilePage(
        lambda: (
            "<base href='/" + "é" * 1_300 + "/'>" + BEGINNING + "".join(f"<a href=é{n}>x</a>" for n in range(6_000))
        ),
        "too_many_long_urls",
        has_link=False,
    ),
    "ways to one link on a long base": HostilePage(
        lambda: (
            "<base href='/" + "é" * 1_300 + "/'>" + BEGINNING + "".join(f"<a href=é#{n}>x</a>" for n in range(6_000))
        ),
        "too_many_long_urls",
        has_link=False,
    ),
    "images of one URL on a long base": HostilePage(
        lambda: (
            "<base href='/" + "%c3%a9" * 1_300 + "/'>" + BEGINNING + "".join(f"<img src=é#{n}>" for n in range(40_000))
        ),
        "too_many_long_urls",
        has_link=False,
    ),
    "links of 9,000 characters": HostilePage(_each("<a href='/#" + "y" * 9_000 + "'>", 1_100)),
    "links to IDNs": HostilePage(_each("<a href='http://ü#" + "ß" * 50 + ".test/'>", 50_000)),
    "links of dots": HostilePage(_each("<a href='#" + "/.." * 900 + "'>", 3_600)),
    "links to one host, all ports": HostilePage(_each("<a href=http://victim.test:#/>x</a>", 65_000)),
    "a link in 9 MB of text": HostilePage(lambda: BEGINNING + "<a href=/y>" + "x " * 4 * MIB),
    "480,000 images": HostilePage(_each("<img src=/#>", 480_000), "too_many_images"),
    "images on a base of 8,000 characters": HostilePage(
        lambda: "<base href='/" + "b" * 8_000 + "/'>" + BEGINNING + "".join(f"<img src={n}>" for n in range(6_000)),
        "too_many_images",
        has_link=False,
    ),
    "a srcset of 500,000 candidates": HostilePage(_each("/# 1x,", 600_000, "<img srcset='", "'>")),
    "a srcset of commas": HostilePage(lambda: BEGINNING + "<img srcset='" + "," * 9 * MIB + "'>"),
    "a srcset of open brackets": HostilePage(lambda: BEGINNING + "<img srcset='x " + "(" * 9 * MIB + "'>"),
    "srcsets of bad descriptors": HostilePage(lambda: BEGINNING + "<img srcset='" + "x 1q," * 1_800_000 + "'>"),
    "a srcset of digits": HostilePage(lambda: BEGINNING + "<img srcset='x " + "1" * 9 * MIB + "'>"),
    "300,000 meta tags": HostilePage(_head("<meta name=description content=x>" * 300_000)),
    "300,000 OpenGraph tags": HostilePage(
        _head("".join(f"<meta property=og:x content={n}>" for n in range(300_000))), "too_many_properties"
    ),
    "OpenGraph of 8 KB, 500 times": HostilePage(
        lambda: (
            _head("<meta property=og:x content='" + "😀" * 2_400 + "'>" * 1)()
            + ("<meta property=og:y content='" + "y" * 8_000 + "'>") * 1_000
        )
    ),
    "one meta, 500 properties, 8 KB": HostilePage(
        _head(
            "<meta property='"
            + " ".join(f"og:{n} twitter:{n}" for n in range(2_000))
            + "' content='"
            + "😀" * 9_000
            + "'>"
        )
    ),
    "JSON-LD blocks": HostilePage(
        _times('<script type="application/ld+json">{"@type":"X"}</script>', 240_000), "too_many_json_ld"
    ),
    "JSON-LD of 9 MB": HostilePage(
        lambda: BEGINNING + '<script type="application/ld+json">["' + "x" * 9 * MIB + '"]</script>', "json_ld_too_large"
    ),
    "JSON-LD nested 200,000 deep": HostilePage(
        lambda: BEGINNING + '<script type="application/ld+json">' + "[" * 200_000 + "</script>"
    ),
    "JSON-LD nested 900 deep": HostilePage(
        lambda: BEGINNING + '<script type="application/ld+json">' + "[" * 900 + "]" * 900 + "</script>",
        "json_ld_too_deep",
    ),
    "JSON-LD nested in objects": HostilePage(
        lambda: BEGINNING + '<script type="application/ld+json">' + '{"a":' * 80_000 + "1" + "}" * 80_000 + "</script>"
    ),
    "JSON-LD of commas": HostilePage(
        lambda: BEGINNING + ('<script type="application/ld+json">[' + "," * 500_000 + "]</script>") * 4
    ),
    "JSON-LD of commas and space": HostilePage(
        lambda: BEGINNING + ('<script type="application/ld+json">[' + ", \n" * 170_000 + "]</script>") * 4
    ),
    "JSON-LD of quotes": HostilePage(
        lambda: BEGINNING + ('<script type="application/ld+json">{' + '\\"' * 250_000 + "]</script>") * 4
    ),
    "JSON-LD of space": HostilePage(
        lambda: BEGINNING + ('<script type="application/ld+json">{' + " " * 500_000 + "x</script>") * 4
    ),
    "JSON-LD of slashes and space": HostilePage(
        lambda: BEGINNING + ('<script type="application/ld+json">{' + "// " * 170_000 + "x</script>") * 4
    ),
    "JSON-LD of a number": HostilePage(
        lambda: BEGINNING + ('<script type="application/ld+json">[' + "9" * 500_000 + ",]</script>") * 4
    ),
    "JSON-LD of many images": HostilePage(
        lambda: (
            BEGINNING
            + (
                '<script type="application/ld+json">{"image":['
                + ",".join(f'"/{n}"' for n in range(45_000))
                + "]}</script>"
            )
            * 4
        )
    ),
    "JSON-LD that nearly is": HostilePage(
        lambda: BEGINNING + ('<script type="application/ld+json">{"a":"' + '{"' * 60_000 + "</script>") * 40,
        "json_ld_broken",
    ),
    "JSON-LD of references in a circle": HostilePage(
        lambda: (
            BEGINNING
            + '<script type="application/ld+json">['
            + ",".join(
                f'{{"@type":"Recipe","@id":"#{n}","name":{{"@id":"#{n + 1}"}},"recipeInstructions":[{{"@id":"#{n}"}}]}}'
                for n in range(4_000)
            )
            + "]</script>"
        )
    ),
    "JSON-LD of a recipe of 20,000 steps": HostilePage(
        lambda: (
            BEGINNING
            + '<script type="application/ld+json">{"@type":"Recipe","recipeInstructions":["'
            + '","'.join(["<p>x</p>" * 2] * 20_000)
            + '"]}</script>'
        )
    ),
    "JSON-LD beyond what is parsed": HostilePage(
        _times('<script type="application/ld+json">{"@type":"X"}</script><script>', 50_000, "<div>" * 20_000),
        "too_deep",
    ),
    "items in items": HostilePage(_times("<div itemscope itemtype=http://schema.org/Recipe itemprop=name>", 500)),
    "20,000 items": HostilePage(
        _times("<div itemscope itemtype=http://schema.org/Recipe><p itemprop=name>x</div>", 20_000)
    ),
    "an item of 60,000 ingredients": HostilePage(
        _times("<p itemprop=recipeIngredient>1 <b>x</b>", 60_000, "<div itemscope itemtype=http://schema.org/Recipe>")
    ),
    "items that refer to each other": HostilePage(
        _each("<p id=i# itemscope itemtype=http://schema.org/Recipe itemref='i1 i2 i3 i4 i5' itemprop=name>", 20_000)
    ),
    "properties with 9 MB of text": HostilePage(
        _times(
            "x ",
            4 * MIB,
            "<div itemscope itemtype=http://schema.org/Recipe><p itemprop=name>" + "<b itemprop=name>" * 400,
        )
    ),
    "RDFa in RDFa": HostilePage(_times("<div typeof=Recipe property=name>", 500)),
    "microformats in microformats": HostilePage(_times("<div class='h-recipe p-name e-instructions p-author'>x", 500)),
    "20,000 microformats": HostilePage(_times("<div class=h-recipe><p class='p-ingredient p-name'>x</div>", 20_000)),
    "links of the head without an end": HostilePage(_head("<link rel='alternate icon' hreflang=de href=/x>" * 200_000)),
    "app links of 8 KB": HostilePage(
        _head("".join(f"<meta property=al:x content='{'y' * 8_000}'>" for _ in range(500)))
    ),
    "CSS of backgrounds": HostilePage(_times("background:url(x)", 500_000, "<style>")),
    "CSS of open comments": HostilePage(_times("/*", 4 * MIB, "<style>url(")),
    "CSS of backgrounds without an end": HostilePage(_times("background:", 800_000, "<style>url(")),
    "CSS of open urls": HostilePage(_times("url(", 2 * MIB, "<style>background:")),
    "CSS of space": HostilePage(_times("background \n", 800_000, "<style>url(")),
    "style attributes": HostilePage(_times("<p style='background:url(/x)'>", 480_000), "too_many_images"),
    "style sheets": HostilePage(_times("<style>a{background:url(/x)}</style>", 240_000)),
    "noscripts": HostilePage(_times("<noscript><img src=/n></noscript>", 60_000), "too_many_noscripts"),
    "a title of 9 MB": HostilePage(
        lambda: "<title>" + "x" * 9 * MIB + "</title><a href=/kept>x</a>", "text_cut", title="xxx"
    ),
    "a title without an end": HostilePage(
        lambda: "<a href=/kept>x</a><title>" + "Kept " * MIB, "text_cut", title="Kept"
    ),
    "480,000 titles": HostilePage(_times("<title>x</title>", 240_000)),
    "titles in drawings": HostilePage(
        lambda: "<a href=/kept>x</a><svg>" + "<g>" * 400 + "<title>x</title>" * 60_000 + "</svg><title>Kept</title>",
        title="",  # a bounded number of titles is looked at
    ),
    "a description of 9 MB": HostilePage(_head("<meta name=description content='" + "x " * 4 * MIB + "'>"), "text_cut"),
    "robots of 9 MB": HostilePage(_head("<meta name=robots content='" + "a," * 4 * MIB + "'>"), "too_many_directives"),
    "robots of white space": HostilePage(
        _head("<meta name=robots content='" + "unavailable_after" + " " * 4 * MIB + "'>")
    ),
    "robots of dates": HostilePage(_head("<meta name=robots content='" + "unavailable_after:" * 300_000 + "'>")),
    "a name of a bot of 9 MB": HostilePage(_head("<meta name='" + "a-" * 4 * MIB + "bot' content=x>")),
    "rel of 9 MB": HostilePage(lambda: BEGINNING + "<a href=/r rel='" + "x " * 4 * MIB + "'>"),
    "canonical of 9 MB": HostilePage(_head("<link rel=canonical href='" + "/x" * 4 * MIB + "'>")),
    "base is javascript": HostilePage(_head("<base href=javascript:alert(1)>")),
    "base is data": HostilePage(_head("<base href='data:text/html,x'>")),
    "base with credentials": HostilePage(_head("<base href='http://user:pw@site.test/'>"), has_link=False),
    "base that can't be parsed": HostilePage(_head("<base href='http://['>")),
    "base of 9 MB": HostilePage(_head("<base href='" + "x/" * 4 * MIB + "'>")),
    "400,000 bases": HostilePage(_head("<base href=javascript:x>" * 400_000)),
    "480,000 refreshes": HostilePage(
        lambda: BEGINNING + "<meta http-equiv=refresh content='0;url=/x'>" * 150_000, outcome="redirected"
    ),
    "a refresh of digits": HostilePage(_head("<meta http-equiv=refresh content='" + "0" * 60_000 + "'>")),
    "a refresh of dots and space": HostilePage(_head("<meta http-equiv=refresh content='0" + ". " * 30_000 + "'>")),
    "a refresh of space": HostilePage(_head("<meta http-equiv=refresh content='0" + " " * 60_000 + "'>")),
}

_PLAIN = "text/html"
_KEPT = BEGINNING.encode()


def _bytes(piece: bytes, count: int, start: bytes = _KEPT) -> Callable[[], bytes]:
    return lambda: start + piece * count


CHARSETS = {
    "bytes that are no UTF-8": HostilePage(_bytes(b"\xff\xc0\x80", 3 * MIB), "bad_charset"),
    "bytes of no meaning in windows-1252": HostilePage(
        _bytes(b"\x81\x8d", 5 * MIB), content_type=_PLAIN + "; charset=windows-1252"
    ),
    "bytes of no meaning in windows-1253": HostilePage(
        _bytes(b"\xd2\xff\x81", 3 * MIB), "bad_charset", content_type=_PLAIN + "; charset=windows-1253"
    ),
    "bytes of no meaning in Thai": HostilePage(
        _bytes(b"\xfc\xfd\x81", 3 * MIB), "bad_charset", content_type=_PLAIN + "; charset=tis-620"
    ),
    "bytes of no meaning in Shift JIS": HostilePage(
        _bytes(b"\x81\xff", 5 * MIB), "bad_charset", content_type=_PLAIN + "; charset=shift_jis"
    ),
    "bytes of no meaning in GB 18030": HostilePage(
        _bytes(b"\x81\x30\xff", 3 * MIB), "bad_charset", content_type=_PLAIN + "; charset=gb18030"
    ),
    "bytes of no meaning in Big5": HostilePage(
        _bytes(b"\x81\xff", 5 * MIB), "bad_charset", content_type=_PLAIN + "; charset=big5"
    ),
    "bytes of no meaning in EUC-JP": HostilePage(
        _bytes(b"\x8f\xff", 5 * MIB), "bad_charset", content_type=_PLAIN + "; charset=euc-jp"
    ),
    "escapes of ISO-2022-JP": HostilePage(
        _bytes(b"\x1b$B\x1b(B\x1b", 1 * MIB), "bad_charset", content_type=_PLAIN + "; charset=iso-2022-jp"
    ),
    "half surrogate pairs": HostilePage(
        lambda: b"\xff\xfe" + BEGINNING.encode("utf-16-le") + b"\x00\xd8" * 5 * MIB, "bad_charset"
    ),
    "half surrogate pairs in UTF-8": HostilePage(_bytes(b"\xed\xa0\x80", 3 * MIB), "bad_charset"),
    "UTF-8 of many bytes": HostilePage(lambda: BEGINNING + "\U0010ffff" * 2_600_000),
    "a charset of 9 MB": HostilePage(lambda: "<meta charset='" + "x" * 9 * MIB + "'>" + BEGINNING, content_type=_PLAIN),
    "a charset that changes in mid-page": HostilePage(
        lambda: BEGINNING.encode() + "é".encode() + b"<meta charset=koi8-r>\xe9" + "ж".encode("koi8-r"), "bad_charset"
    ),
    "a mark against the header": HostilePage(
        lambda: b"\xef\xbb\xbf" + BEGINNING.encode() + b"<meta charset=koi8-r>",
        content_type=_PLAIN + "; charset=koi8-r",
    ),
    "UTF-7": HostilePage(lambda: BEGINNING + "+ADw-script+AD4-", content_type=_PLAIN + "; charset=utf-7"),
    "a charset that hides markup": HostilePage(
        lambda: BEGINNING, "bad_charset", title="", has_link=False, content_type=_PLAIN + "; charset=iso-2022-kr"
    ),
    "UTF-16 without a mark": HostilePage(
        lambda: BEGINNING.encode("utf-16-le"), title="", has_link=False, content_type=_PLAIN
    ),
    "ASCII that says it is UTF-16": HostilePage(
        lambda: BEGINNING, title="", has_link=False, content_type=_PLAIN + "; charset=utf-16"
    ),
    "ASCII that says it is UTF-16 in a meta tag": HostilePage(
        lambda: "<meta charset=utf-16>" + BEGINNING, content_type=_PLAIN
    ),
    "10 MB of NULs": HostilePage(_bytes(b"\x00", 10 * MIB - 200)),
    "NULs everywhere": HostilePage(
        lambda: (
            (BEGINNING + "<\0a hr\0ef=/x><a\0 href=/x><a href='/\0y\0'>\0</a><img src=/\0z><title\0>").encode() * 1_000
        )
    ),
    "NULs at the beginning": HostilePage(lambda: b"\x00" * 100_000 + BEGINNING.encode()),
    "control characters and marks of direction": HostilePage(
        lambda: BEGINNING + "\x01\x7f\x85\u202e\u2066\ufeff\U000e0041" * 400_000
    ),
    "combining characters": HostilePage(lambda: BEGINNING + "<a href=/z>Z" + "\u0301" * 4 * MIB),
}

HEADERS = {
    "X-Robots-Tag of 7 KB": HostilePage(
        lambda: BEGINNING, "too_many_directives", headers=(("X-Robots-Tag", "a," * 3_500),)
    ),
    "X-Robots-Tag of 7 KB, 100 times": HostilePage(
        lambda: BEGINNING, "too_many_directives", headers=(("X-Robots-Tag", "a," * 3_500),) * 100, outcome="bad_reply"
    ),
    "X-Robots-Tag of white space": HostilePage(
        lambda: BEGINNING, headers=(("X-Robots-Tag", "x: unavailable_after" + " \t" * 3_500 + ":"),)
    ),
    "Link of brackets": HostilePage(lambda: BEGINNING, headers=(("Link", "<" * 7_000), ("Link", "<x>;" + ";" * 7_000))),
    "Link of quotes": HostilePage(lambda: BEGINNING, headers=(("Link", '<y>; rel="' + "\\" * 7_000),)),
    "a language of 7 KB": HostilePage(lambda: BEGINNING, headers=(("Content-Language", "e" * 7_000),)),
}

PAGES = MARKUP | FIELDS | CHARSETS | HEADERS
