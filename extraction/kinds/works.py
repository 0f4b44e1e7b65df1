"""Articles, movies, videos and apps: https://schema.org/CreativeWork and its subtypes."""

from __future__ import annotations

from collections.abc import Mapping

from extraction.kinds.convert import Place, Values, date, duration, listed, names, rating, seconds, short, text, url
from extraction.kinds.product import currency, price
from extraction.kinds.reading import Field, PageKind
from thrift_idl.gen.page.ttypes import App, Article, Movie, Video


def free(values: Values, place: Place) -> str:
    """isAccessibleForFree as "true" or "false"."""
    words = (str(value).strip().rpartition("/")[2].lower() for value in values if not isinstance(value, Mapping))
    return next((word for word in words if word in ("true", "false")), "")


_ARTICLE_TYPES = """
    article newsarticle blogposting report scholarlyarticle techarticle socialmediaposting liveblogposting
    reportagenewsarticle opinionnewsarticle analysisnewsarticle reviewnewsarticle backgroundnewsarticle
    advertisercontentarticle satiricalarticle medicalscholarlyarticle apireference discussionforumposting
"""

ARTICLE = PageKind(
    "article",
    Article,
    frozenset(_ARTICLE_TYPES.split()),
    frozenset(("article", "blog", "blogpost", "news", "newsarticle", "og:article", "post")),
    (("headline", "name"), ("datePublished",), ("author",), ("image", "articleBody", "description")),
    (
        Field("name", ("headline", "name"), short),
        Field("description", ("description", "abstract"), text),
        Field("image", ("image", "thumbnailUrl"), url),
        Field("authors", ("author", "creator"), names, ("article:author", "author")),
        Field("published", ("datePublished", "dateCreated"), date, ("article:published_time",)),
        Field("modified", ("dateModified",), date, ("article:modified_time", "og:updated_time")),
        Field("section", ("articleSection",), short, ("article:section",)),
        Field("keywords", ("keywords",), listed, ("article:tag", "news_keywords", "keywords")),
        Field("publisher", ("publisher",), short, ("og:site_name",)),
        Field("free", ("isAccessibleForFree",), free),
    ),
)

MOVIE = PageKind(
    "movie",
    Movie,
    frozenset(("movie",)),
    frozenset(("video.movie", "movie", "imdb:movie")),
    (
        ("name",),
        ("director", "actor", "actors"),
        ("datePublished", "dateCreated", "duration"),
        ("image", "description"),
    ),
    (
        Field("name", ("name",), short),
        Field("description", ("description",), text),
        Field("image", ("image",), url),
        Field("directors", ("director", "directors"), names, ("video:director",)),
        Field("actors", ("actor", "actors"), names, ("video:actor",)),
        Field("genres", ("genre",), listed, ("video:tag",)),
        Field("duration", ("duration",), duration),
        Field("published", ("datePublished", "dateCreated"), date, ("video:release_date",)),
        Field("content_rating", ("contentRating",), short),
        Field("rating", ("aggregateRating",), rating),
    ),
)

VIDEO = PageKind(
    "video",
    Video,
    frozenset(("videoobject", "clip")),
    frozenset(("video", "video.other", "video.episode", "video.tv_show", "og:video")),
    (("name",), ("contentUrl", "embedUrl", "url"), ("uploadDate", "datePublished", "duration"), ("thumbnailUrl",)),
    (
        Field("name", ("name", "headline"), short),
        Field("description", ("description",), text),
        Field("image", ("thumbnailUrl", "thumbnail", "image"), url),
        Field("duration", ("duration",), seconds, ("video:duration", "og:video:duration")),
        Field("published", ("uploadDate", "datePublished"), date, ("video:release_date", "og:video:release_date")),
        Field("url", ("contentUrl",), url, ("og:video:secure_url", "og:video:url", "og:video")),
        Field("embed_url", ("embedUrl",), url, ("twitter:player",)),
    ),
)

APP = PageKind(
    "app",
    App,
    frozenset(("softwareapplication", "mobileapplication", "webapplication", "videogame")),
    frozenset(("app", "game", "android.app", "apps.mobile", "product.app")),
    (("name",), ("operatingSystem", "applicationCategory"), ("offers", "aggregateRating", "softwareVersion")),
    (
        Field("name", ("name",), short),
        Field("description", ("description",), text),
        Field("image", ("image", "screenshot"), url),
        Field("operating_system", ("operatingSystem",), short),
        Field("category", ("applicationCategory",), short),
        Field("developer", ("author", "creator", "publisher"), short),
        Field("price", ("offers",), price),
        Field("currency", ("offers",), currency),
        Field("version", ("softwareVersion",), short),
        Field("rating", ("aggregateRating",), rating),
    ),
)
