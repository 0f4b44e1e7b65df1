"""The pages of `benchmarks.realistic` by extruct, parsel and BeautifulSoup: runs in their environment.

`python -m benchmarks.realistic_peers FOLDER` prints pages a CPU second and what each found, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

import extruct
from bs4 import BeautifulSoup
from parsel import Selector

URL = "http://notes.test/page"
Read = Callable[[str], Mapping[str, int]]


def by_extruct(text: str) -> Mapping[str, int]:
    """OpenGraph, JSON-LD, microdata."""
    found = extruct.extract(text, base_url=URL, syntaxes=["opengraph", "json-ld", "microdata"])
    og = sum(len(each["properties"]) for each in found["opengraph"])
    return {"og": og, "json-ld": len(found["json-ld"]), "microdata": len(found["microdata"])}


def by_parsel(text: str) -> Mapping[str, int]:
    """The parts that a spider reads: head, links, images."""
    page = Selector(text)
    return {
        "title": bool(page.css("title::text").get()),
        "description": bool(page.css("meta[name=description]::attr(content)").get()),
        "canonical": bool(page.css("link[rel=canonical]::attr(href)").get()),
        "og": len([each.attrib["content"] for each in page.css("meta[property^='og:']")]),
        "images": len(page.css("img::attr(src)").getall()),
        "links": len({(a.attrib["href"], a.css("::text").get()) for a in page.css("a[href]")}),
    }


def by_beautiful_soup(text: str) -> Mapping[str, int]:
    """The same, with lxml under it."""
    page = BeautifulSoup(text, "lxml")
    return {
        "title": page.title is not None,
        "description": page.find("meta", attrs={"name": "description"}) is not None,
        "canonical": page.find("link", rel="canonical") is not None,
        "og": len(page.select("meta[property^='og:']")),
        "images": len(page.find_all("img", src=True)),
        "links": len({(str(a["href"]), a.get_text()) for a in page.find_all("a", href=True)}),
    }


READERS: dict[str, Read] = {"extruct": by_extruct, "parsel": by_parsel, "beautifulsoup4": by_beautiful_soup}


def main() -> None:
    """Read all pages by each."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(Path(sys.argv[1]).glob("*.html"))]
    answer = {}
    for name, read in READERS.items():
        found: Counter[str] = Counter()
        began = time.process_time()
        for text in texts:
            found.update(read(text))
        answer[f"{name} {version(name)}"] = {"per_s": len(texts) / (time.process_time() - began), "found": found}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
