"""The hand-written expectation: the record of each URL of the sample web after one fetch in epoch 0.

One file a host, `expectation/<host>.toml`, keyed by request target; `elsewhere.toml` holds URLs that no site serves.
It was written before any extractor existed. A key that is absent means "nothing": no title, no links; but
`charset` is utf-8, `media_type` text/html and `status` 200 unless a file says otherwise (and only where they apply).

- outlinks: `a` and `area` elements with an http(s) target, absolute, without fragment and userinfo, the first of each
  URL, in document order. Text: white space collapsed
- images: one entry for each (url, found), in document order
- robots: meta elements in document order, then the X-Robots-Tag header; agent "" = all
- json_ld: for each block that parses, the types of its nodes (of a list or @graph: of its members), in order
- opengraph: `meta property` with the prefixes og, article, product, place, profile, video, ...; contents as written
- canonical_holds: whether the claim in `canonical` holds after the whole web is fetched; absent if the page names
  itself or nothing
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).parent / "expectation"

Outcome = Literal["fetched", "alias", "refused", "deferred", "unavailable"]


@dataclass(frozen=True, slots=True)
class ExpectedLink:
    """An outlink. `nofollow`: by its rel, the page's meta robots or X-Robots-Tag."""

    url: str
    text: str = ""
    rel: tuple[str, ...] = ()
    nofollow: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """An image and its place: og, twitter, json-ld, img, srcset, picture, lazy, noscript, css, link."""

    url: str
    found: str


@dataclass(frozen=True, slots=True)
class Robots:
    """Directives of one meta element or header; agent "" = all."""

    agent: str
    directives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected record of a URL.

    `outcome` alias: it redirects over `hops` (status, URL) to `final_url`, which has its own entry.
    `code` names the error if it isn't fetched. `content_size`: bytes, decoded (gzip), -1 if nothing is stored.
    """

    url: str
    outcome: Outcome
    code: str = ""
    status: int = 200
    final_url: str = ""
    hops: tuple[tuple[int, str], ...] = ()
    title: str = ""
    description: str = ""
    canonical: str = ""
    canonical_holds: bool | None = None
    language: str = ""
    opengraph: tuple[tuple[str, str], ...] = ()
    twitter: tuple[tuple[str, str], ...] = ()
    json_ld: tuple[tuple[str, ...], ...] = ()
    images: tuple[Image, ...] = ()
    outlinks: tuple[ExpectedLink, ...] = ()
    robots: tuple[Robots, ...] = ()
    preferences: tuple[str, ...] = ()
    charset: str = "utf-8"
    media_type: str = "text/html"
    content_size: int = -1


def load(folder: Path = FOLDER) -> dict[str, Expected]:
    """Every expectation by its URL. Raises TypeError for an unknown key, ValueError for a URL stated twice."""
    found: dict[str, Expected] = {}
    for table in sorted(folder.glob("*.toml")):
        for key, raw in tomllib.loads(table.read_text(encoding="utf-8")).items():
            expected = _expected(f"http://{table.stem}{key}" if key.startswith("/") else key, raw)
            if expected.url in found:
                raise ValueError(f"{table}: {expected.url} is stated twice")
            found[expected.url] = expected
    return found


def _expected(url: str, raw: Mapping[str, Any]) -> Expected:
    values: dict[str, Any] = {key: _frozen(value) for key, value in raw.items()}
    if values["outcome"] == "fetched":
        values.setdefault("final_url", url)
    values["images"] = tuple(Image(**each) for each in raw.get("images", []))
    values["outlinks"] = tuple(_link(each) for each in raw.get("outlinks", []))
    values["robots"] = tuple(Robots(each["agent"], tuple(each["directives"])) for each in raw.get("robots", []))
    return Expected(url=url, **values)


def _link(raw: Mapping[str, Any]) -> ExpectedLink:
    return ExpectedLink(**{key: _frozen(value) for key, value in raw.items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
