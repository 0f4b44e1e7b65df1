"""`extract`: one page in, its record out."""

from __future__ import annotations

from collections.abc import Sequence

from selectolax.lexbor import LexborHTMLParser

from extraction import EXTRACTOR_VERSION
from extraction.addresses import Addresses, base_url
from extraction.charset import decode
from extraction.flags import Flags
from extraction.limits import DEFAULT, ExtractionLimits
from extraction.markup import bounded_markup, expanded_xhtml
from extraction.page_semantics import PageSemantics, semantics_of
from extraction.preferences import preferences_of
from extraction.statements import SILENT, Chooser
from extraction.text_features import text_features_of
from extraction.tree_walk import TreeWalk
from thrift_idl.gen.page.ttypes import Image, PageRecord
from thrift_idl.records import replace
from weburl.robots_directives import forbids_following

XHTML = "application/xhtml+xml"
MEDIA_TYPES = frozenset(("", "text/html", XHTML, "application/xml", "text/xml"))
_MAX_LANGUAGE = 64


def extract(
    content: bytes,
    url: str,
    charset: str = "",
    media_type: str = "text/html",
    content_language: str = "",
    x_robots: Sequence[str] = (),
    usage: Sequence[tuple[str, str]] = (),
    text_features: bool = False,
    limits: ExtractionLimits = DEFAULT,
    chooser: Chooser = SILENT,
) -> PageRecord:
    """The record of the page at `url` (a request form).

    `charset` and `media_type` are the Content-Type header's, `content_language` and `x_robots` the values of
    Content-Language and of each X-Robots-Tag, `usage` the header fields that `preferences.HEADERS` names, with their
    values. `text_features`: adds the main content and the features of its words. `chooser` decides between sources, and
    may record why. Raises only MemoryError: faults and excesses leave a flag.
    """
    flags = Flags()
    if len(content) > limits.content_bytes:
        flags.add("truncated")
    text, beyond, used_charset = _text(content[: limits.content_bytes], charset, media_type, limits, flags)
    tree = LexborHTMLParser(text, scripting=True)
    walk = TreeWalk(Addresses(base_url(url, _base_href(tree)), flags, limits.long_urls), limits, flags)
    walk.visit(tree, _styled(tree) if b"(" in tree.raw_html else frozenset())
    walk.json_ld.add_beyond(beyond)
    for value in x_robots:
        walk.metas.add_header(value)
    images = walk.images.records()
    meaning = semantics_of(tree, walk, images, _header_language(content_language), chooser)
    features = text_features_of(tree.body, limits, flags) if text_features and tree.body is not None else {}
    record = _record(walk, images, used_charset, content_language, meaning, usage, flags)
    return replace(record, **features) if features else record


def _text(
    content: bytes, charset: str, media_type: str, limits: ExtractionLimits, flags: Flags
) -> tuple[str, str, str]:
    """The text to parse, the rest of it, and the charset."""
    if media_type.lower() not in MEDIA_TYPES:
        flags.add("not_html")
        return "", "", ""
    decoded = decode(content, charset)
    for flag in decoded.flags:
        flags.add(flag)
    text = expanded_xhtml(decoded.text) if media_type.lower() == XHTML else decoded.text
    parsed = bounded_markup(text, limits, flags)
    return parsed, text[len(parsed) :], decoded.charset


def _base_href(tree: LexborHTMLParser) -> str | None:
    """The base URL: of the first base element that has a href."""
    base = tree.css_first("base[href]")
    return None if base is None else base.attributes.get("href") or ""


def _styled(tree: LexborHTMLParser) -> frozenset[int]:
    """The elements whose style attribute names a URL."""
    return frozenset(node.mem_id for node in tree.css('[style*="url(" i]'))


def _record(
    walk: TreeWalk,
    images: tuple[Image, ...],
    charset: str,
    content_language: str,
    meaning: PageSemantics,
    usage: Sequence[tuple[str, str]],
    flags: Flags,
) -> PageRecord:
    metas, absolute = walk.metas, walk.addresses.absolute
    og_url = metas.first("og:url")
    return PageRecord(
        extractor_version=EXTRACTOR_VERSION,
        title=walk.title,
        description=metas.description,
        canonical=walk.canonical,
        language=(walk.language or metas.language or _header_language(content_language))[:_MAX_LANGUAGE],
        opengraph=tuple(metas.opengraph),
        twitter=tuple(metas.twitter),
        json_ld=tuple(walk.json_ld.blocks),
        images=images,
        outlinks=walk.outlinks.records(forbids_following(metas.robots)),
        robots=tuple(metas.robots),
        charset=charset,
        text_hash=walk.text.digest(),
        site_name=metas.first("og:site_name"),
        og_url=absolute(og_url) if og_url else "",
        preferences=tuple(metas.preferences),
        flags=flags.as_tuple(),
        card=meaning.card,
        typed=meaning.typed,
        agents=preferences_of(metas.robots, metas.stated, usage, absolute),
    )


def _header_language(content_language: str) -> str:
    """The header's language; none if it names several."""
    return "" if "," in content_language else content_language.strip()
