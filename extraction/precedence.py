"""The precedence table: for each field of the card its sources, best first.

`thing:` the node of the page's kind if that is a thing of its own (recipe, product, movie, place, app): its own name
and picture describe it better than text written for sharing. `item:` that node for any kind; `page:` the WebPage,
`site:` the WebSite, `maker:` the publisher, or the Organization. `link:` a link element of that rel, `html:` the markup
itself, `http:` a header. All others are names of meta elements.

For a kind's own fields the tables in extraction/kinds/ decide: nodes first, equally complete ones in the order
json-ld, microdata, rdfa, microformats; then meta elements.
"""

from __future__ import annotations

from typing import Final

THINGS: Final = frozenset(("recipe", "product", "movie", "place", "app"))

CARD: Final[dict[str, tuple[str, ...]]] = {
    "title": (
        "thing:name", "og:title", "twitter:title", "item:headline", "item:name", "dc.title", "dcterms.title",
        "html:title", "page:name", "itemprop:name", "html:h1",
    ),
    "description": (
        "og:description", "description", "twitter:description", "item:description", "page:description",
        "dc.description", "dcterms.description", "dcterms.abstract", "itemprop:description",
    ),
    "site_name": ("og:site_name", "site:name", "application-name", "apple-mobile-web-app-title", "maker:name",
                  "dc.publisher", "dcterms.publisher"),
    "authors": (
        "item:author", "item:creator", "article:author", "author", "dc.creator", "dcterms.creator", "parsely-author",
        "sailthru.author", "citation_author", "page:author", "html:author", "html:byline",
    ),
    "published": (
        "item:datePublished", "article:published_time", "item:uploadDate", "page:datePublished", "og:published_time",
        "dcterms.issued", "dc.date.issued", "dcterms.created", "dc.date.created", "parsely-pub-date", "sailthru.date",
        "citation_publication_date", "date", "dc.date", "dcterms.date", "itemprop:datepublished", "html:time",
        "html:dateline",
    ),
    "modified": (
        "item:dateModified", "article:modified_time", "og:updated_time", "page:dateModified", "dcterms.modified",
        "dc.date.modified", "last-modified",
    ),
    "language": (
        "html:lang", "item:inLanguage", "page:inLanguage", "og:locale", "content-language", "dc.language",
        "dcterms.language", "language", "http:content-language",
    ),
    "logo": ("maker:logo", "og:logo", "site:logo", "link:logo"),
    "favicon": ("link:icon", "link:apple-touch-icon", "link:apple-touch-icon-precomposed", "msapplication-tileimage"),
    "canonical": ("link:canonical", "og:url"),
    "amp": ("link:amphtml",),
    "image": (
        "thing:image", "og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src",
        "item:image", "item:thumbnailUrl", "page:primaryImageOfPage", "page:image", "thumbnail", "link:image_src",
        "itemprop:image", "html:image",
    ),
}  # fmt: skip

KINDS: Final = ("recipe", "product", "movie", "app", "profile", "article", "place", "video")
"""A page of several kinds is the first of these; only OpenGraph's type, if it names another one than article, comes
before. Recipes are written as articles, articles show videos, and shops name their place on each page.
"""
