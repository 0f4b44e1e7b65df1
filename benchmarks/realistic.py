"""Two hundred pages of 30 to 100 KB as templates of many makers make them, and what we read in them."""

from __future__ import annotations

import html
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import count, cycle, islice
from pathlib import Path
from string import Template
from typing import Any

from benchmarks.quality.corpus import HERE, SITE, articles
from extraction.page import extract
from thrift_idl.gen.page.ttypes import PageRecord

PAGES = 200
_LEAST, _MOST = 30_000, 100_000
URL = "http://notes.test/page"


def write(folder: Path) -> list[Path]:
    """The pages as files, sizes spread evenly: paragraphs, and after each a list of links, some with images."""
    templates = [Template(path.read_text(encoding="utf-8")) for path in sorted((HERE / "pages").glob("*.html"))]
    paths = []
    for number in range(PAGES):
        article = articles()[number % len(articles())]
        fields = {name: html.escape(value) for name, value in article.items() if isinstance(value, str)}
        fields |= {"url": f"{SITE}/{number}", "image": f"{SITE}/images/{article['image']}"}
        size = _LEAST + (_MOST - _LEAST) * number // PAGES
        page = templates[number % len(templates)].substitute(fields, body=_body(article, number, size))
        paths.append(folder / f"{number:03}.html")
        paths[-1].write_text(page, encoding="utf-8")
    return paths


def _body(article: Mapping[str, Any], page: int, size: int) -> str:
    pieces: list[str] = []
    length = 0
    for at, paragraph in zip(count(), cycle(article["paragraphs"])):
        pieces.append(
            f"<h2 id='s{at}'>Part {at}</h2><p class='wp-block-paragraph has-text'>{html.escape(paragraph)}</p>"
        )
        pieces.append(_cards(page, at))
        length += len(pieces[-1]) + len(pieces[-2])
        if length > size:
            break
    return "\n".join(pieces)


def _cards(page: int, at: int) -> str:
    """Two links; the first of every second list with an image."""
    image = (
        f'<img class="lazy" loading="lazy" src="/thumbs/{page}-{at}.jpg" width="320" height="213" alt="Picture {at}"'
        f' srcset="/thumbs/{page}-{at}.jpg 320w, /large/{page}-{at}.jpg 1280w">'
    )
    cards = (
        f'<li class="card"><a class="card__link" href="/{page}/{at}/{n}" data-track="card-{n}">'
        f"{'' if n or at % 2 else image}What was written about this in the year {n}</a></li>"
        for n in range(2)
    )
    return f"<ul class='cards'>{''.join(cards)}</ul>"


def ours(content: bytes) -> Mapping[str, int]:
    """Read a page, count what was found."""
    return _counted(extract(content, URL, "utf-8"))


def ours_with_text(content: bytes) -> Mapping[str, int]:
    """Its main content, too."""
    return _counted(extract(content, URL, "utf-8", text_features=True))


def _counted(record: PageRecord) -> Mapping[str, int]:
    return {
        "title": bool(record.title),
        "description": bool(record.description),
        "canonical": bool(record.canonical),
        "og": len(record.opengraph),
        "json-ld": len(record.json_ld),
        "typed": record.typed is not None,
        "images": len(record.images),
        "links": len(record.outlinks),
        "words": record.word_count or 0,
    }


def measured(read: Callable[[bytes], Mapping[str, int]], paths: Sequence[Path]) -> dict[str, Any]:
    """Pages a second of this process's CPU time, and all that was found."""
    contents = [path.read_bytes() for path in paths]
    for content in islice(contents, 5):
        read(content)
    found: Counter[str] = Counter()
    began = time.process_time()
    for content in contents:
        found.update(read(content))
    return {"per_s": len(contents) / (time.process_time() - began), "found": found}
